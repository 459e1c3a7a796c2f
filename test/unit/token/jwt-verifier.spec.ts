/** The order of the checks, and what newer keys could change. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { importJwk } from '../../../src/keys/import-jwk.js';
import { IndexedKeySet, type KeySet, type VerificationKey } from '../../../src/keys/key-set.js';
import { hasOtherKey, type JwtOutcome, type SignatureCheck, verifyJwt } from '../../../src/token/jwt-verifier.js';
import { type ParsedToken, parseToken } from '../../../src/token/parse-token.js';
import type { IssuerTerms } from '../../../src/token/trusted-issuer.js';
import { issuerTerms } from '../../support/issuer-terms.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

const now = (): number => 1_000_000_000_000;
const claims = { iss: 'joe', sub: 'alice', exp: now() / 1_000 + 60 };

interface Pair {
  readonly privateKey: KeyObject;
  key(kid?: string): VerificationKey;
}

function makePair(): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  return { privateKey, key: (kid) => importJwk({ ...jwk, ...(kid !== undefined && { kid }) }) as VerificationKey };
}

const [first, second] = [makePair(), makePair()];
const terms = issuerTerms({ algorithms: new Set(['ES256'] as const) });

function tokenOf({ privateKey }: Pair, header: object = {}, members: object = {}): ParsedToken {
  const parts = [
    { alg: 'ES256', ...header },
    { ...claims, ...members },
  ];
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return parseToken(`${input}.${signature.toString('base64url')}`);
}

const setOf = (...keys: VerificationKey[]): KeySet => new IndexedKeySet(keys);

function verify(token: ParsedToken, keys: KeySet, given: IssuerTerms = terms): JwtOutcome {
  return verifyJwt(token, given, keys, now) as JwtOutcome;
}

describe('verifyJwt', () => {
  it('verifies at once by the key that the token names, and tells until when it is valid', () => {
    const key = first.key('one');
    const outcome = verify(tokenOf(first, { kid: 'one' }), setOf(second.key('two'), key));
    expect(outcome).toMatchObject({ kind: 'verified', key, validity: { expiresAt: claims.exp } });
  });

  it('gives the same outcome each time: it keeps no state', () => {
    const [token, keys] = [tokenOf(first, { kid: 'one' }), setOf(first.key('one'))];
    expect(verify(token, keys)).toEqual(verify(token, keys));
    expect(verify(token, setOf())).toMatchObject({ kind: 'needs-newer-keys' });
    expect(verify(token, keys)).toMatchObject({ kind: 'verified' });
  });

  it('refuses an algorithm that the issuer may not use before it looks for a key', async () => {
    const keys = {
      keys: [],
      has: () => false,
      find: () => {
        throw new Error('It looked for a key');
      },
    };
    const token = tokenOf(first);
    const wrong = issuerTerms({ algorithms: new Set(['RS256'] as const) });
    expect(await outcomeOf(() => verify(token, keys, wrong))).toBe('INVALID_TOKEN algorithm');
    expect(await outcomeOf(() => verify(tokenOf(first, { alg: 'none' }), keys))).toBe('INVALID_TOKEN algorithm');
  });

  it('asks for newer keys when the set has none for the token, with the refusal for when there are none', () => {
    for (const keys of [setOf(), setOf(second.key('two'))]) {
      const outcome = verify(tokenOf(first, { kid: 'one' }), keys);
      expect(outcome).toMatchObject({ kind: 'needs-newer-keys', tried: null, refusal: { reason: 'key' } });
    }
  });

  it('asks for newer keys when the signature is of another key, and nothing ties token and key together', () => {
    const unnamed = second.key();
    for (const header of [{}, { kid: 'one' }]) {
      const outcome = verify(tokenOf(first, header), setOf(unnamed));
      expect(outcome).toMatchObject({ kind: 'needs-newer-keys', tried: unnamed, refusal: { reason: 'signature' } });
    }
  });

  it('refuses a signature of another key for good, when token and key have the same name', async () => {
    const token = tokenOf(first, { kid: 'one' });
    expect(await outcomeOf(() => verify(token, setOf(second.key('one'))))).toBe('INVALID_TOKEN signature');
  });

  it('refuses a token for which more than one key fits', async () => {
    const keys = setOf(first.key('one'), second.key('two'));
    expect(await outcomeOf(() => verify(tokenOf(first), keys))).toBe('INVALID_TOKEN key');
  });

  it('checks claims when the signature is right, and not before', async () => {
    const late = tokenOf(first, {}, { exp: now() / 1_000 - 60 });
    expect(await outcomeOf(() => verify(late, setOf(first.key())))).toBe('INVALID_TOKEN expired');
    expect(verify(late, setOf(second.key()))).toMatchObject({ refusal: { reason: 'signature' } });
  });

  it('takes a check of signatures that answers later, and reads the time when it has answered', async () => {
    const token = tokenOf(first);
    let milliseconds = now();
    const check: SignatureCheck = async (_token, _algorithm, _key, conclude) => {
      milliseconds += 120_000;
      return conclude(true);
    };
    const verified = verifyJwt(token, terms, setOf(first.key()), () => milliseconds, check);
    expect(await outcomeOf(Promise.resolve(verified))).toBe('INVALID_TOKEN expired');
  });
});

describe('hasOtherKey', () => {
  it('tells whether newer keys may change the outcome', () => {
    const token = tokenOf(first, { kid: 'one' });
    const tried = second.key();
    expect(hasOtherKey(setOf(first.key('one')), token, terms, null)).toBe(true);
    expect(hasOtherKey(setOf(first.key('two')), token, terms, null)).toBe(false);
    expect(hasOtherKey(setOf(tried), token, terms, tried)).toBe(false);
    expect(hasOtherKey(setOf(tried, first.key('one')), token, terms, tried)).toBe(true);
  });

  it('adds what the preset knows to the refusal of a signature, by the header', async () => {
    const seen: unknown[] = [];
    const token = tokenOf(second, { kid: 'one', nonce: 'x' });
    const explain: IssuerTerms['explain'] = (reason, given, header) => {
      seen.push([reason, given === token.claims, header === token.header]);
      return 'It is known';
    };
    const refusal = await errorOf(() => verify(token, setOf(first.key('one')), { ...terms, explain }));

    expect(refusal?.explanation).toBe('Its signature does not match the issuer\'s key (kid "one"). It is known');
    expect(seen).toEqual([['signature', true, true]]);
  });
});
