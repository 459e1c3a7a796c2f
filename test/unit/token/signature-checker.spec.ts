import { createSecretKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Algorithm } from '../../../src/keys/algorithm.js';
import { importJwk } from '../../../src/keys/import-jwk.js';
import type { VerificationKey } from '../../../src/keys/verification-key.js';
import type { ParsedToken } from '../../../src/token/parse-token.js';
import { SignatureChecker } from '../../../src/token/signature-checker.js';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = importJwk(pair.publicKey.export({ format: 'jwk' })) as VerificationKey;
const signingInput = 'header.claims';

function signed(signature: Buffer): ParsedToken {
  return { encodedHeader: 'header', header: { alg: 'ES256' }, claims: {}, signingInput, signature };
}

const good = signed(sign('sha256', Buffer.from(signingInput), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }));
const forged = signed(Buffer.alloc(64, 1));
const malformed = signed(Buffer.alloc(64));

const check = (checker: SignatureChecker, token = good, algorithm: Algorithm = 'ES256') =>
  checker.fits(token, algorithm, key);

/** Where a check was made: at once, or in the thread pool. */
const placeOf = (fits: boolean | Promise<boolean>): string => (fits instanceof Promise ? 'pool' : 'at once');

const verdictOf = async (fits: boolean | Promise<boolean>): Promise<boolean> => fits;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A checker to which each check made at once seems to take so long. */
function checkerThatTakes(milliseconds: number): SignatureChecker {
  let now = 0;
  return new SignatureChecker(() => {
    now += milliseconds;
    return now;
  });
}

describe('SignatureChecker', () => {
  it('answers at once for a lone token, and for the next one when that is done', async () => {
    const checker = checkerThatTakes(0.1);
    expect(check(checker)).toBe(true);
    await Promise.resolve();
    expect(check(checker, forged)).toBe(false);
  });

  it('sends those that come in the same breath to the pool', async () => {
    const checker = new SignatureChecker();
    const fits = [check(checker), check(checker), check(checker, forged)];

    expect(fits.map(placeOf)).toEqual(['at once', 'pool', 'pool']);
    expect(await Promise.all(fits.map(verdictOf))).toEqual([true, true, false]);
  });

  it('keeps the order: while some are in the pool, others follow them there', async () => {
    const checker = checkerThatTakes(0.1);
    const together = [check(checker), check(checker)];
    await Promise.resolve();
    const later = check(checker);
    expect(placeOf(later)).toBe('pool');

    await Promise.all([...together, later].map(verdictOf));
    expect(placeOf(check(checker))).toBe('at once');
  });

  it('goes to the pool once this turn of the event loop has given 2 ms, and is back at the next turn', async () => {
    const checker = checkerThatTakes(1);
    const places: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      places.push(placeOf(check(checker)));
      await Promise.resolve();
    }
    expect(places).toEqual(['at once', 'at once', 'at once']);
    const late = check(checker);
    expect(placeOf(late)).toBe('pool');
    expect(await late).toBe(true);

    await nextTurn();
    expect(placeOf(check(checker))).toBe('at once');
  });

  it.each([
    ['at once', 0],
    ['in the pool', 1],
  ])('gives the same verdicts %s', async (_, before) => {
    const verdicts = [good, forged, malformed, signed(Buffer.alloc(63)), signed(Buffer.alloc(0))].map((token) => {
      const checker = new SignatureChecker();
      for (let count = 0; count < before; count += 1) void check(checker);
      const fits = check(checker, token);
      expect(placeOf(fits)).toBe(before === 0 ? 'at once' : 'pool');
      return fits;
    });

    expect(await Promise.all(verdicts.map(verdictOf))).toEqual([true, false, false, false, false]);
  });

  it('has shared secrets checked as well when several wait', async () => {
    const secret: VerificationKey = {
      kid: null,
      algorithms: new Set(['HS256'] as const),
      key: createSecretKey(Buffer.alloc(32)),
      identity: 'secret',
    };
    const checker = new SignatureChecker();
    const token = signed(Buffer.alloc(32, 1));

    expect(checker.fits(token, 'HS256', secret)).toBe(false);
    expect(await checker.fits(token, 'HS256', secret)).toBe(false);
  });

  it('is not stuck in the pool by a check that throws there', async () => {
    const checker = new SignatureChecker();
    const broken = { ...key, key: createSecretKey(Buffer.alloc(32)) };
    void check(checker);
    await expect(Promise.resolve(checker.fits(good, 'ES256', broken))).rejects.toThrow(TypeError);

    await nextTurn();
    expect(placeOf(check(checker))).toBe('at once');
  });
});
