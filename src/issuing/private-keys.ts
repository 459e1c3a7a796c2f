import { createPrivateKey, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';

import { AuthUnavailableError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { logText } from '../telemetry/log-text.js';
import type { MaybePromise } from '../token/maybe-promise.js';
import type { EncryptionKeys } from './encryption-keys.js';
import type { SigningAlgorithm } from './signing-key-store.js';
import { type PublicJwk, type SigningKeyName, toPublicJwk } from './signing-keys.js';

/** A new key, as a store may keep it. */
export interface SealedKey {
  readonly jwk: PublicJwk;
  readonly sealed: Uint8Array;
}

/** Creates, encrypts and decrypts private signing keys, and signs with them. */
export class PrivateKeys {
  /** By their `kid`; `null` for one that no encryption key decrypts. */
  private readonly opened = new Map<string, KeyObject | null>();

  constructor(
    private readonly findEncryptionKeys: () => EncryptionKeys,
    private readonly report: ReportEvent,
  ) {}

  async create(algorithm: SigningAlgorithm): Promise<SealedKey> {
    const encryptionKeys = this.findEncryptionKeys();
    const privateKey = await createKey[algorithm]();
    const jwk = toPublicJwk(privateKey.export({ format: 'jwk' }), algorithm);
    const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
    return { jwk, sealed: encryptionKeys.seal(plain, contextOf(jwk.kid, algorithm)) };
  }

  /** Whether a key can sign. It is decrypted at the first call; a failure is reported once. */
  canSign(name: SigningKeyName, sealed: Uint8Array): boolean {
    let key = this.opened.get(name.kid);
    if (key === undefined) {
      key = this.decrypt(name, sealed);
      this.opened.set(name.kid, key);
    }
    return key !== null;
  }

  /** @throws {AuthUnavailableError} for a key of which `canSign` was not true before. */
  sign(kid: string, bytes: Uint8Array): MaybePromise<Uint8Array> {
    const key = this.opened.get(kid) ?? null;
    if (key === null) throw new AuthUnavailableError(`There is no private key with the kid ${logText(kid)}`);
    // On the calling thread, which is faster than the pool; RSA in the pool, as it would hold up the event loop.
    if (key.asymmetricKeyType === 'rsa') return signInPool('sha256', bytes, key);
    if (key.asymmetricKeyType === 'ec') return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' });
    return sign(null, bytes, key);
  }

  /** Forgets the keys that are not in the store any more. */
  retain(kids: ReadonlySet<string>): void {
    for (const kid of this.opened.keys()) {
      if (!kids.has(kid)) this.opened.delete(kid);
    }
  }

  private decrypt({ kid, algorithm }: SigningKeyName, sealed: Uint8Array): KeyObject | null {
    const encryptionKeys = this.findEncryptionKeys();
    try {
      const key = encryptionKeys.open(sealed, contextOf(kid, algorithm));
      return createPrivateKey({ key, type: 'pkcs8', format: 'der' });
    } catch {
      this.report({
        type: 'misconfigured',
        problem: `The signing key ${logText(kid)} cannot be decrypted with the encryptionKey of this app, so another key is used. The tokens that it has signed stay valid`,
        fix: `If encryptionKey was changed, add the old key behind the new one: [new, old]; all instances need both. If the old key is lost, remove this signing key (SigningKeyStore.remove, or its row in the table signing_keys), and this message ends: its tokens are then refused, and their users refresh`,
      });
      return null;
    }
  }
}

/** What a private key is sealed for: it opens only as the key of this name and algorithm. */
function contextOf(kid: string, algorithm: SigningAlgorithm): string {
  return `signing-key ${kid} ${algorithm}`;
}

const newKeyPair = promisify(generateKeyPair);

const createKey: Readonly<Record<SigningAlgorithm, () => Promise<KeyObject>>> = {
  ES256: async () => (await newKeyPair('ec', { namedCurve: 'P-256' })).privateKey,
  EdDSA: async () => (await newKeyPair('ed25519')).privateKey,
  RS256: async () => (await newKeyPair('rsa', { modulusLength: 2_048 })).privateKey,
};

const signInPool = promisify<string, Uint8Array, KeyObject, Buffer>(sign);
