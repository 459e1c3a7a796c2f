import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

import { ConfigurationError } from '../errors/auth-error.js';

const keyBytes = 32;
const version = 1;
const tagBytes = 4;
const ivBytes = 12;
const headerBytes = 1 + tagBytes + ivBytes;
const macBytes = 16;

interface EncryptionKey {
  readonly bytes: Buffer;
  /** The first bytes of its hash, which name it in what it has encrypted. */
  readonly tag: Buffer;
}

/** Thrown when something was encrypted with a key that is not configured, or was changed after it was encrypted. */
class UndecryptableError extends Error {
  override readonly name = 'UndecryptableError';
}

/**
 * The keys that encrypt what the stores keep: private signing keys and other secrets. `SqlStoresModule` provides them from
 * its option `encryptionKey`. The first key encrypts; all of them decrypt, so that the key can be changed.
 */
export class EncryptionKeys {
  private readonly keys: readonly [EncryptionKey, ...EncryptionKey[]];

  /** @param keys of 32 bytes each, newest first */
  constructor(keys: readonly Uint8Array[]) {
    const [first, ...others] = keys.map(toKey);
    if (first === undefined) throw new TypeError('At least one encryption key is required');
    this.keys = [first, ...others];
  }

  /** New random keys, for tests and for databases in memory. */
  static random(): EncryptionKeys {
    return new EncryptionKeys([randomBytes(keyBytes)]);
  }

  /**
   * Encrypts with AES-256-GCM and the newest key.
   *
   * @param context what the bytes are and whom they belong to; needed again for decryption, so that one value cannot be put
   *   in the place of another
   */
  seal(plain: Uint8Array, context: string): Buffer {
    const [{ bytes, tag }] = this.keys;
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', bytes, iv, { authTagLength: macBytes });
    cipher.setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Buffer.of(version), tag, iv, sealed, cipher.getAuthTag()]);
  }

  /** @throws {UndecryptableError} when no configured key decrypts it, or it was sealed for another context. */
  open(sealed: Uint8Array, context: string): Buffer {
    const given = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    const key = this.keys.find(({ tag }) => tag.equals(given.subarray(1, 1 + tagBytes)));
    if (given.length < headerBytes + macBytes || given[0] !== version || key === undefined) {
      throw new UndecryptableError('It was encrypted with an encryption key that is not configured');
    }
    const iv = given.subarray(1 + tagBytes, headerBytes);
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, iv, { authTagLength: macBytes });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(given.subarray(-macBytes));
    try {
      return Buffer.concat([decipher.update(given.subarray(headerBytes, -macBytes)), decipher.final()]);
    } catch (cause) {
      throw new UndecryptableError('It was changed after it was encrypted', { cause });
    }
  }

  /** Derives a key of 32 bytes for one purpose from each key, newest first (RFC 5869). */
  derive(purpose: string): readonly Buffer[] {
    return this.keys.map(({ bytes }) => Buffer.from(hkdfSync('sha256', bytes, '', `nest-gatehouse ${purpose}`, 32)));
  }
}

/**
 * Reads the option `encryptionKey`: one key or a list of keys, newest first, each 32 bytes in base64.
 *
 * @throws {ConfigurationError} for anything else. The message does not repeat the key.
 */
export function readEncryptionKeys(where: string, given: unknown): EncryptionKeys {
  const texts: readonly unknown[] = Array.isArray(given) ? given : [given];
  const keys = texts.map((text) => (typeof text === 'string' ? Buffer.from(text.trim(), 'base64') : Buffer.alloc(0)));
  if (keys.length > 0 && keys.every((key) => key.length === keyBytes && new Set(key).size > 1)) {
    return new EncryptionKeys(keys);
  }
  throw new ConfigurationError(
    where,
    '32 bytes in base64 are expected, or a list of such texts, newest first',
    'Make one with: openssl rand -base64 32',
  );
}

function toKey(bytes: Uint8Array): EncryptionKey {
  if (bytes.length !== keyBytes) throw new TypeError('An encryption key has 32 bytes');
  const copy = Buffer.from(bytes);
  return { bytes: copy, tag: createHash('sha256').update(copy).digest().subarray(0, tagBytes) };
}
