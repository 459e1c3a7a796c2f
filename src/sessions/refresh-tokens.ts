import { createHmac, timingSafeEqual } from 'node:crypto';

import type { EncryptionKeys } from '../issuing/encryption-keys.js';
import { decodeBase64Url } from '../token/base64url.js';
import type { StoredSession } from './session-store.js';

/** How every refresh token begins, so that scanners for secrets find it and no issuer is asked about it. */
const refreshTokenPrefix = 'grt_';

const idBytes = 16;
const generationBytes = 4;
const headBytes = idBytes + generationBytes;
const proofBytes = 16;
const signedBytes = headBytes + proofBytes;
const macBytes = 16;
/** The characters of a token: the prefix, and its bytes in base64url without padding. */
const tokenLength = refreshTokenPrefix.length + Math.ceil(((signedBytes + macBytes) * 4) / 3);

/** A refresh token that this app has issued. Whether it is the current one of its session is not known yet. */
export interface ParsedRefreshToken {
  readonly sessionId: string;
  readonly generation: number;
  /** The bytes of both. */
  readonly head: Buffer;
  /** Computed from the seed of the session, which only the store has. */
  readonly proof: Buffer;
}

/**
 * Creates and recognizes refresh tokens. A token is computed from the session and from a key that is derived from the
 * encryption key, and is not stored: a copy of the database opens no session without the key, and the key opens none
 * without the database. The current token of a session can be computed again, so that several tabs receive the same one.
 *
 * Its bytes are the session's id, the generation, a proof that the issuer knows the session's seed, and a MAC over all of
 * it, by which a forged token is refused without a look-up.
 */
export class RefreshTokens {
  /** Newest first. The first one issues. */
  private readonly keys: readonly { readonly proof: Buffer; readonly mac: Buffer }[];

  constructor(encryptionKeys: EncryptionKeys) {
    const macs = encryptionKeys.derive('refresh token');
    this.keys = encryptionKeys.derive('refresh token proof').map((proof, at) => ({ proof, mac: macs[at] ?? proof }));
  }

  /** The refresh token of a generation of a session. */
  create({ id, seed }: Pick<StoredSession, 'id' | 'seed'>, generation: number): string {
    const [key] = this.keys;
    if (key === undefined) throw new TypeError('There is no encryption key');
    const bytes = Buffer.alloc(signedBytes + macBytes);
    bytes.write(id.replaceAll('-', ''), 'hex');
    bytes.writeUInt32BE(generation, idBytes);
    proofOf(key.proof, bytes.subarray(0, headBytes), seed).copy(bytes, headBytes);
    macOf(key.mac, bytes.subarray(0, signedBytes)).copy(bytes, signedBytes);
    return refreshTokenPrefix + bytes.toString('base64url');
  }

  /** Parses a token that this app has issued; `null` for any other text. */
  parse(text: string): ParsedRefreshToken | null {
    if (text.length !== tokenLength || !text.startsWith(refreshTokenPrefix)) return null;
    const bytes = decodeBase64Url(text.slice(refreshTokenPrefix.length));
    if (bytes?.length !== signedBytes + macBytes) return null;
    const signed = bytes.subarray(0, signedBytes);
    const mac = bytes.subarray(signedBytes);
    if (!this.keys.some((key) => timingSafeEqual(macOf(key.mac, signed), mac))) return null;
    return {
      sessionId: toUuid(bytes.subarray(0, idBytes)),
      generation: bytes.readUInt32BE(idBytes),
      head: bytes.subarray(0, headBytes),
      proof: bytes.subarray(headBytes, signedBytes),
    };
  }

  /** Whether a token was issued for exactly this session. */
  belongsTo({ sessionId, head, proof }: ParsedRefreshToken, { id, seed }: StoredSession): boolean {
    if (sessionId !== id) return false;
    return this.keys.some((key) => timingSafeEqual(proofOf(key.proof, head, seed), proof));
  }
}

function proofOf(key: Buffer, head: Buffer, seed: Uint8Array): Buffer {
  return createHmac('sha256', key).update(head).update(seed).digest().subarray(0, proofBytes);
}

function macOf(key: Buffer, signed: Buffer): Buffer {
  return createHmac('sha256', key).update(signed).digest().subarray(0, macBytes);
}

function toUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
