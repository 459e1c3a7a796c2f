import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RefusalError } from '../../../src/errors/auth-error.js';
import { type Algorithm, findAlgorithm } from '../../../src/keys/algorithm.js';
import { importJwk } from '../../../src/keys/import-jwk.js';
import type { VerificationKey } from '../../../src/keys/key-set.js';
import { signatureFits } from '../../../src/token/check-signature.js';
import { parseToken } from '../../../src/token/parse-token.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';
import { encode } from '../../vectors/hostile/hostile-tools.js';
import type { JwsVector } from '../../vectors/rfc/jws-vector.js';
import { rfc7515Vectors } from '../../vectors/rfc/rfc-7515.js';
import { rfc7520Vectors } from '../../vectors/rfc/rfc-7520.js';
import { rfc7797Vectors } from '../../vectors/rfc/rfc-7797.js';
import { rfc8037Vectors } from '../../vectors/rfc/rfc-8037.js';

const vectors = [...rfc7515Vectors, ...rfc7520Vectors, ...rfc8037Vectors].filter(({ key }) => key !== undefined);

function keyOf({ key, algorithm }: JwsVector): VerificationKey {
  const secret = key?.['kty'] === 'oct' ? createSecretKey(Buffer.from(key['k'] ?? '', 'base64url')) : undefined;
  if (secret !== undefined) {
    return { kid: null, algorithms: new Set([algorithm as Algorithm]), key: secret, identity: 'secret' };
  }
  const imported = importJwk(key);
  if ('problem' in imported) throw new Error(imported.problem);
  return imported;
}

function algorithmOf({ algorithm }: JwsVector): Algorithm {
  const known = findAlgorithm(algorithm);
  if (known === undefined) throw new Error(`${algorithm} is not known`);
  return known;
}

/** Parses a vector as if its payload were claims, because most vectors sign plain text, which a JWT does not. */
function partsOf({ token }: JwsVector): Parameters<typeof signatureFits>[0] {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return { signingInput: `${header}.${payload}`, signature: Buffer.from(signature, 'base64url') };
}

function holdsClaims({ token }: JwsVector): boolean {
  return Buffer.from(token.split('.')[1] ?? '', 'base64url')
    .toString()
    .startsWith('{');
}

function jws(header: unknown, claims: unknown = { iss: 'joe' }, signature = 'AAAA'): string {
  const write = (part: unknown): string => encode(typeof part === 'string' ? part : JSON.stringify(part));
  return `${write(header)}.${write(claims)}.${signature}`;
}

async function explanationOf(token: string): Promise<string> {
  return ((await errorOf(() => parseToken(token))) as RefusalError).explanation;
}

describe('the signed examples of the RFCs', () => {
  it('cover eight algorithms', () => {
    expect(new Set(vectors.map(({ algorithm }) => algorithm)).size).toBeGreaterThanOrEqual(6);
    expect(vectors.filter(holdsClaims).length).toBeGreaterThanOrEqual(3);
  });

  it.each(vectors)('$from, $algorithm: the signature verifies', (vector) => {
    expect(signatureFits(partsOf(vector), algorithmOf(vector), keyOf(vector))).toBe(true);
  });

  it.each(vectors)('$from, $algorithm: a changed bit in the payload does not verify', (vector) => {
    const parts = partsOf(vector);
    const last = parts.signingInput.at(-1) === 'A' ? 'B' : 'A';
    const changed = { ...parts, signingInput: `${parts.signingInput.slice(0, -1)}${last}` };

    expect(signatureFits(changed, algorithmOf(vector), keyOf(vector))).toBe(false);
  });

  it.each(vectors)('$from, $algorithm: a shortened, extended or zero signature does not verify', (vector) => {
    const { signature, signingInput } = partsOf(vector);
    const spoiled = [
      signature.subarray(0, -1),
      Buffer.concat([signature, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), signature]),
      Buffer.alloc(signature.length),
      Buffer.alloc(0),
    ];

    expect(
      spoiled.map((bytes) => signatureFits({ signingInput, signature: bytes }, algorithmOf(vector), keyOf(vector))),
    ).toEqual([false, false, false, false, false]);
  });

  it.each(vectors.filter(holdsClaims))('$from, $algorithm: is parsed unchanged', (vector) => {
    const parsed = parseToken(vector.token);

    expect(parsed.header.alg).toBe(vector.algorithm);
    expect(parsed.claims).toEqual({ iss: 'joe', exp: 1_300_819_380, 'http://example.com/is_root': true });
    expect(`${parsed.signingInput}.${parsed.signature.toString('base64url')}`).toBe(vector.token);
  });

  it.each(vectors.filter((vector) => !holdsClaims(vector)))('$from, $algorithm: is not a JWT', async ({ token }) => {
    expect(await outcomeOf(() => parseToken(token))).toBe('INVALID_TOKEN malformed');
  });

  it('include the unsigned one of RFC 7515 A.5, which is refused', async () => {
    const unsigned = rfc7515Vectors.find(({ algorithm }) => algorithm === 'none');

    expect(await outcomeOf(() => parseToken(unsigned?.token ?? ''))).toBe('INVALID_TOKEN algorithm');
  });

  it.each(rfc7797Vectors)('include $from, whose payload is not encoded, which is refused', async ({ token }) => {
    expect(await outcomeOf(() => parseToken(token))).toBe('INVALID_TOKEN malformed');
  });
});

describe('parseToken', () => {
  it.each([{}, { alg: null }, { alg: 1 }, { alg: ['ES256'] }, { alg: { name: 'ES256' } }, { ALG: 'ES256' }])(
    'refuses the header %j, which has no algorithm',
    async (header) => {
      expect(await outcomeOf(() => parseToken(jws(header)))).toBe('INVALID_TOKEN malformed');
    },
  );

  it.each(['none', 'None', 'NONE', 'nOnE'])('refuses alg %s with and without a signature', async (alg) => {
    expect(await outcomeOf(() => parseToken(jws({ alg })))).toBe('INVALID_TOKEN algorithm');
    expect(await outcomeOf(() => parseToken(jws({ alg }, undefined, '')))).toBe('INVALID_TOKEN algorithm');
  });

  it.each([
    ['kid', null],
    ['kid', 1],
    ['kid', ['a']],
    ['typ', null],
    ['typ', 1],
    ['crit', []],
    ['crit', ['exp']],
    ['crit', ['b64']],
    ['crit', null],
    ['crit', 'exp'],
    ['crit', false],
  ])('refuses a header whose %s is %j', async (name, value) => {
    expect(await outcomeOf(() => parseToken(jws({ alg: 'ES256', [name]: value })))).toBe('INVALID_TOKEN malformed');
  });

  it('accepts 16 KiB and not a character more', async () => {
    const longest = 16 * 1024;
    const rest = jws({ alg: 'ES256' }, {}, '').length;
    const padding = (longest - rest) % 4 === 1 ? 1 : 0;
    const exact = jws({ alg: 'ES256' }, {}, 'A'.repeat(longest - rest - padding));

    expect(parseToken(exact).signature.length).toBeGreaterThan(12_000);
    expect(await outcomeOf(() => parseToken(`${exact}AAAA`))).toBe('INVALID_TOKEN malformed');
    expect(await explanationOf('A'.repeat(longest + 1))).toContain('16385 characters');
  });

  it.each([
    ['an opaque token', 'ory_at_fS2c', /not a JWT.*opaque/i],
    ['a JWE', 'a.b.c.d.e', /encrypted/],
    ['two parts', 'a.b', /has 2 parts/],
    ['four parts', 'a.b.c.d', /has 4 parts/],
    ['many parts', '.'.repeat(10_000), /more than five parts/],
  ])('states what is wrong with %s', async (_, token, explained) => {
    expect(await explanationOf(token)).toMatch(explained);
  });

  it('quotes the critical extensions of a header on one line', async () => {
    const explanation = await explanationOf(jws({ alg: 'ES256', crit: ['x\n\u001b[31m'] }));

    expect(explanation).toContain('crit: ["x');
    expect(explanation).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
  });

  it('ignores key material in a header', () => {
    const header = {
      alg: 'ES256',
      jwk: { kty: 'EC' },
      jku: 'http://127.0.0.1:9',
      x5c: ['AAAA'],
      x5u: 'http://127.0.0.1:9',
    };

    expect(parseToken(jws(header)).header).toEqual(header);
  });
});
