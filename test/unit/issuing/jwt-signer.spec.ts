import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AuthUnavailableError, ConfigurationError } from '../../../src/errors/auth-error.js';
import { JwtSigner } from '../../../src/issuing/jwt-signer.js';
import { OwnKeySource } from '../../../src/issuing/own-key-source.js';
import type { SigningAlgorithm } from '../../../src/issuing/signing-key-store.js';
import { type PublicJwk, type SigningKeyName, SigningKeys, toPublicJwk } from '../../../src/issuing/signing-keys.js';
import { verifyJwt } from '../../../src/token/jwt-verifier.js';
import { parseToken } from '../../../src/token/parse-token.js';
import { issuerTerms } from '../../support/issuer-terms.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openApp } from '../../support/shared-signing-keys.js';

const clock = new ManualClock();
const claims = { iss: 'joe', sub: 'u1', exp: clock.now().getTime() / 1_000 + 600, name: 'Zoë' };

/** Verifies a token as the app does, with the published keys. */
async function verifyOwn(token: string, keys: SigningKeys, algorithm: SigningAlgorithm): Promise<string> {
  const source = new OwnKeySource({ findSigningKeys: () => keys, clock, report: () => undefined });
  const terms = issuerTerms({ algorithms: new Set([algorithm]), tokenType: 'at+jwt' });
  const set = await source.obtain(() => true);
  return (await verifyJwt(parseToken(token), terms, set, () => clock.now().getTime())).kind;
}

/** A key that is kept elsewhere: what signs answers later, in the given form. */
class KmsKeys extends SigningKeys {
  private readonly pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  constructor(private readonly signBytes: (bytes: Uint8Array, key: KeyObject) => Uint8Array | Promise<Uint8Array>) {
    super();
  }

  override current(): Promise<SigningKeyName> {
    return Promise.resolve({ kid: 'alias/tokens', algorithm: 'ES256' });
  }

  override async sign(_: string, bytes: Uint8Array): Promise<Uint8Array> {
    return this.signBytes(bytes, this.pair.privateKey);
  }

  override published(): readonly PublicJwk[] {
    return [toPublicJwk(this.pair.publicKey.export({ format: 'jwk' }), 'ES256', 'alias/tokens')];
  }

  override rotate(): Promise<void> {
    return Promise.resolve();
  }
}

const der = (bytes: Uint8Array, key: KeyObject): Buffer => sign('sha256', bytes, key);

describe('JwtSigner', () => {
  it.each<SigningAlgorithm>(['ES256', 'EdDSA', 'RS256'])('signs tokens by %s that the app verifies', async (alg) => {
    const keys = openApp().start({ algorithm: alg });
    const token = await new JwtSigner(() => keys).sign('at+jwt', claims);
    const parsed = parseToken(token);

    expect(parsed.header).toEqual({ alg, typ: 'at+jwt', kid: (await keys.current()).kid });
    expect(parsed.claims).toEqual(claims);
    expect(await verifyOwn(token, keys, alg)).toBe('verified');
  });

  it('names the type and the key of each token', async () => {
    const keys = openApp().start();
    const signer = new JwtSigner(() => keys);
    const headersOf = async (): Promise<readonly unknown[]> => {
      const tokens = [await signer.sign('at+jwt', claims), await signer.sign('logout+jwt', claims)];
      return tokens.map((token) => parseToken(token).header);
    };
    const before = (await keys.current()).kid;
    expect(await headersOf()).toEqual([
      { alg: 'ES256', typ: 'at+jwt', kid: before },
      { alg: 'ES256', typ: 'logout+jwt', kid: before },
    ]);

    await keys.rotate();
    const after = (await keys.current()).kid;
    expect(after).not.toBe(before);
    expect(await headersOf()).toEqual([
      { alg: 'ES256', typ: 'at+jwt', kid: after },
      { alg: 'ES256', typ: 'logout+jwt', kid: after },
    ]);
  });

  it.each([69, 70, 71, 72])('converts a signature in DER of %d bytes', async (length) => {
    // Numbers with a leading zero are shorter, and those whose first bit is set are longer.
    const keys = new KmsKeys((bytes, key) => {
      let signature = der(bytes, key);
      while (signature.length !== length) signature = der(bytes, key);
      return signature;
    });

    expect(await verifyOwn(await new JwtSigner(() => keys).sign('at+jwt', claims), keys, 'ES256')).toBe('verified');
  });

  it('takes signatures of r and s as they are', async () => {
    const keys = new KmsKeys((bytes, key) => sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }));

    expect(await verifyOwn(await new JwtSigner(() => keys).sign('at+jwt', claims), keys, 'ES256')).toBe('verified');
  });

  it.each<readonly [string, (bytes: Uint8Array, key: KeyObject) => Uint8Array]>([
    ['nothing', () => Buffer.alloc(0)],
    ['another length', () => Buffer.alloc(65, 1)],
    ['no sequence', (bytes, key) => Buffer.concat([Buffer.of(0x31), der(bytes, key).subarray(1)])],
    ['bytes after the sequence', (bytes, key) => Buffer.concat([der(bytes, key), Buffer.of(0)])],
    ['a sequence that was cut', (bytes, key) => der(bytes, key).subarray(0, -1)],
    ['one integer', () => Buffer.of(0x30, 3, 0x02, 1, 1)],
    ['empty integers', () => Buffer.of(0x30, 4, 0x02, 0, 0x02, 0)],
    ['an integer that is too long', () => Buffer.of(0x30, 39, 0x02, 34, 1, ...Buffer.alloc(33, 1), 0x02, 1, 1)],
  ])('refuses %s as a signature', async (_, signBytes) => {
    const keys = new KmsKeys(signBytes);

    await expect(new JwtSigner(() => keys).sign('at+jwt', claims)).rejects.toBeInstanceOf(ConfigurationError);
  });

  it('answers with a fault when what signs does not answer', async () => {
    const cause = new Error('https://key:secret@kms.example');
    const keys = new KmsKeys(() => Promise.reject(cause));
    const failure: unknown = await new JwtSigner(() => keys).sign('at+jwt', claims).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(AuthUnavailableError);
    expect(failure).toMatchObject({ cause });
    expect((failure as AuthUnavailableError).explanation).not.toContain('secret');
  });
});
