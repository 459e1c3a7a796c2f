import { createSecretKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { importJwk } from '../../../src/keys/import-jwk.js';
import type { VerificationKey } from '../../../src/keys/key-set.js';
import { concludeInPool, type PoolPlaces, signatureFits } from '../../../src/token/check-signature.js';
import { SignatureScheduler } from '../../../src/token/signature-scheduler.js';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = importJwk(pair.publicKey.export({ format: 'jwk' })) as VerificationKey;
const signingInput = 'header.claims';

function signed(signature: Buffer): Parameters<typeof signatureFits>[0] {
  return { signingInput, signature };
}

const good = sign('sha256', Buffer.from(signingInput), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });

const places = new SignatureScheduler();
const asItIs = (fits: boolean): boolean => fits;

describe('concludeInPool', () => {
  it.each([
    ['the right one', good, true],
    ['a forged one', Buffer.alloc(64, 1), false],
    ['zeros', Buffer.alloc(64), false],
    ['zero as r', Buffer.concat([Buffer.alloc(32), good.subarray(32)]), false],
    ['zero as s', Buffer.concat([good.subarray(0, 32), Buffer.alloc(32)]), false],
    ['one that is too short', good.subarray(0, 63), false],
    ['one that is too long', Buffer.concat([good, Buffer.alloc(1)]), false],
    ['none', Buffer.alloc(0), false],
  ])('returns for %s what signatureFits returns', async (_, signature, fits) => {
    expect(signatureFits(signed(signature), 'ES256', key)).toBe(fits);
    expect(await concludeInPool(signed(signature), 'ES256', key, places, asItIs)).toBe(fits);
  });

  it('returns at once for shared secrets and for impossible signatures, which need no pool', () => {
    const secret: VerificationKey = {
      kid: null,
      algorithms: new Set(['HS256'] as const),
      key: createSecretKey(Buffer.alloc(32)),
      identity: 'secret',
    };
    expect(concludeInPool(signed(Buffer.alloc(32, 1)), 'HS256', secret, places, asItIs)).toBe(false);
    expect(concludeInPool(signed(Buffer.alloc(63, 1)), 'ES256', key, places, asItIs)).toBe(false);
  });

  it('rejects when the key is unusable', async () => {
    const broken = { ...key, key: createSecretKey(Buffer.alloc(32)) };
    await expect(Promise.resolve(concludeInPool(signed(good), 'ES256', broken, places, asItIs))).rejects.toThrow(
      TypeError,
    );
  });

  it('returns what the callback returns for the outcome, and rejects with its error', async () => {
    const later = concludeInPool(signed(good), 'ES256', key, places, async (fits) => Promise.resolve(`fits: ${fits}`));
    expect(await later).toBe('fits: true');
    const refused = concludeInPool(signed(good), 'ES256', key, places, () => {
      throw new Error('refused');
    });
    await expect(Promise.resolve(refused)).rejects.toThrow('refused');
  });

  it('counts each job in the pool until it is done, and nothing without a job', async () => {
    const taken: string[] = [];
    const counted: PoolPlaces = { enterPool: () => taken.push('in'), leavePool: () => taken.push('out') };
    const fits = concludeInPool(signed(good), 'ES256', key, counted, asItIs);
    expect(taken).toEqual(['in']);
    await fits;
    expect(taken).toEqual(['in', 'out']);

    const broken = { ...key, key: createSecretKey(Buffer.alloc(32)) };
    await expect(Promise.resolve(concludeInPool(signed(good), 'ES256', broken, counted, asItIs))).rejects.toThrow(
      TypeError,
    );
    expect(concludeInPool(signed(Buffer.alloc(63, 1)), 'ES256', key, counted, asItIs)).toBe(false);
    expect(taken).toEqual(['in', 'out']);
  });

  it("has its own copy of each token's bytes while the pool works", async () => {
    const other = { signingInput: 'another.text', signature: Buffer.alloc(64, 7) };
    const inPool = Array.from({ length: 20 }, () => concludeInPool(signed(good), 'ES256', key, places, asItIs));
    for (let count = 0; count < 20; count += 1) expect(signatureFits(other, 'ES256', key)).toBe(false);

    expect(new Set(await Promise.all(inPool.map(async (fits) => fits)))).toEqual(new Set([true]));
  });
});
