import { AuthUnavailableError, ConfigurationError, isAuthError } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';
import { isThenable } from '../token/maybe-promise.js';
import type { SigningAlgorithm } from './signing-key-store.js';
import type { SigningKeyName, SigningKeys } from './signing-keys.js';

/** The bytes of an ES256 signature and of each of its two numbers (RFC 7518 §3.4), and those of EdDSA (RFC 8032 §5.1.6). */
const signatureBytes = 64;
const numberBytes = 32;

/** Signs JWTs with the key that the app's `SigningKeys` name at that time. */
export class JwtSigner {
  /** The encoded headers of the key that signed last, by their `typ`. */
  private readonly headers = new Map<string, string>();
  private lastKid = '';

  /** @param findSigningKeys looks for the keys at each call; any module may provide them */
  constructor(private readonly findSigningKeys: () => SigningKeys) {}

  /**
   * Signs claims, and returns a compact JWS (RFC 7515 §3.1) whose header has `alg`, `typ` and `kid`.
   *
   * @param typ the type of the token: `at+jwt`
   * @throws {AuthUnavailableError} when there is no key, or what signs does not answer.
   */
  async sign(typ: string, claims: JsonObject): Promise<string> {
    try {
      const keys = this.findSigningKeys();
      // Awaited only when it is a promise, because each turn of the microtask queue costs time.
      const current = keys.current();
      const key = isThenable(current) ? await current : current;
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
      const signingInput = `${this.headerOf(key, typ)}.${payload}`;
      const signing = keys.sign(key.kid, Buffer.from(signingInput, 'latin1'));
      const signature = isThenable(signing) ? await signing : signing;
      return `${signingInput}.${toJose(signature, key.algorithm).toString('base64url')}`;
    } catch (error) {
      if (isAuthError(error)) throw error;
      throw new AuthUnavailableError('The token cannot be signed', undefined, { cause: error });
    }
  }

  private headerOf({ algorithm: alg, kid }: SigningKeyName, typ: string): string {
    if (kid !== this.lastKid) {
      this.headers.clear();
      this.lastKid = kid;
    }
    const known = this.headers.get(typ);
    if (known !== undefined) return known;
    const header = Buffer.from(JSON.stringify({ alg, typ, kid })).toString('base64url');
    this.headers.set(typ, header);
    return header;
  }
}

/**
 * Brings a signature into the form of JOSE, and checks its length.
 *
 * @throws {ConfigurationError} for what is no signature of this algorithm.
 */
function toJose(signature: Uint8Array, algorithm: SigningAlgorithm): Buffer {
  const bytes = Buffer.from(signature.buffer, signature.byteOffset, signature.byteLength);
  if (algorithm === 'RS256' ? bytes.length >= 256 : bytes.length === signatureBytes) return bytes;
  const converted = algorithm === 'ES256' ? fromDer(bytes) : null;
  if (converted !== null) return converted;
  throw new ConfigurationError(
    'SigningKeys.sign',
    `it returned ${bytes.length} bytes, which are no ${algorithm} signature`,
    'Return the raw signature: for ES256, r and s of 32 bytes each, or DER',
  );
}

/** Converts an ECDSA signature from DER (RFC 3279 §2.2.3), a sequence of two integers; `null` when it is none. */
function fromDer(der: Buffer): Buffer | null {
  // A sequence of two integers for P-256 has at most 72 bytes, so its length is one byte.
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  const r = readInteger(der, 2);
  const s = r === null ? null : readInteger(der, r.end);
  if (r === null || s?.end !== der.length) return null;
  return Buffer.concat([r.number, s.number]);
}

/** Reads an integer as an unsigned number of 32 bytes. */
function readInteger(der: Buffer, at: number): { readonly number: Buffer; readonly end: number } | null {
  const length = der[at + 1] ?? 0;
  const start = at + 2;
  const end = start + length;
  if (der[at] !== 0x02 || length === 0 || end > der.length) return null;
  // DER puts a zero before a number whose first bit is set, and leaves out leading zeros.
  const digits = der.subarray(der[start] === 0 ? start + 1 : start, end);
  if (digits.length > numberBytes) return null;
  return { number: Buffer.concat([Buffer.alloc(numberBytes - digits.length), digits]), end };
}
