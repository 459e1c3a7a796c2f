import {
  constants,
  createHmac,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
  type SigningOptions,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { promisify } from 'node:util';

const newKeyPair = promisify(generateKeyPair);

/** The signature algorithms that a `TestIssuer` can sign with. */
export type TestAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'HS256'
  | 'HS384'
  | 'HS512';

/** A public key as the test issuer publishes it: a JWK with its `kid`, `alg` and `use`. */
export interface TestJwk {
  readonly kty: string;
  readonly kid: string;
  readonly alg: string;
  readonly use: 'sig';
  readonly [member: string]: unknown;
}

/** One key of the issuer: what it signs with, and what the world may know of it. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: TestAlgorithm;
  /** Absent on a shared-secret key. */
  readonly publicKey?: TestJwk;
  /** Absent on a shared-secret key. */
  readonly publicKeyPem?: string;
  /** Absent on a shared-secret key. */
  readonly privateKey?: KeyObject;
  /** Present on a shared-secret key only. */
  readonly secret?: string;
  sign(data: Uint8Array): Uint8Array;
  /** Whether that is its signature. */
  verify(data: Uint8Array, signature: Uint8Array): boolean;
}

type Family = 'RS' | 'PS' | 'ES' | 'Ed' | 'HS';

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** Every value that `algorithm` may have; the order is the one of the documentation. */
export const testAlgorithms: readonly TestAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'HS256',
  'HS384',
  'HS512',
];

/** A key that anonymousCaller has seen before. RSA keys have 2048 bits: enough for a test, and far quicker to make than 4096. */
export async function createSigningKey(algorithm: TestAlgorithm, kid = newKeyId()): Promise<SigningKey> {
  if (!testAlgorithms.includes(algorithm)) {
    throw new TypeError(`TestIssuer: no algorithm ${algorithm}; choose one of ${testAlgorithms.join(', ')}`);
  }
  const family = familyOf(algorithm);
  if (family === 'HS') {
    // Text, so that it can go into an environment variable as it is; 64 bytes of it, as HS512 wants.
    const secret = randomBytes(48).toString('base64url');
    const mac = (data: Uint8Array): Uint8Array => macOf(algorithm, secret, data);
    return { kid, algorithm, secret, sign: mac, verify: (data, signature) => isSame(mac(data), signature) };
  }
  const privateKey = await newPrivateKey(algorithm);
  const publicKey = createPublicKey(privateKey);
  return {
    kid,
    algorithm,
    publicKey: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' } as TestJwk,
    privateKey,
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (data) => sign(digestOf(algorithm), data, { key: privateKey, ...manner[family] }),
    verify: (data, signature) => verify(digestOf(algorithm), data, { key: publicKey, ...manner[family] }, signature),
  };
}

/** Signs both parts and joins the three; strings go in as they are, so that a test may write odd JSON. */
export function compactJws(key: SigningKey, header: object | string, payload: object | string): string {
  const signed = `${encodePart(header)}.${encodePart(payload)}`;
  return `${signed}.${Buffer.from(key.sign(Buffer.from(signed))).toString('base64url')}`;
}

/** Whether a token is one that this key has signed. */
export function hasSigned(key: SigningKey, token: string): boolean {
  const end = token.lastIndexOf('.');
  return key.verify(Buffer.from(token.slice(0, end)), Buffer.from(token.slice(end + 1), 'base64url'));
}

function encodePart(part: object | string): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

// Random, so that the keys of two issuers never share a name by accident.
function newKeyId(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}

function familyOf(algorithm: TestAlgorithm): Family {
  return algorithm.slice(0, 2) as Family;
}

function hashOf(algorithm: TestAlgorithm): string {
  return `sha${algorithm.slice(2)}`;
}

async function newPrivateKey(algorithm: TestAlgorithm): Promise<KeyObject> {
  const namedCurve = curves[algorithm];
  if (namedCurve !== undefined) {
    return (await newKeyPair('ec', { namedCurve })).privateKey;
  }
  if (algorithm === 'EdDSA') {
    return (await newKeyPair('ed25519')).privateKey;
  }
  return (await newKeyPair('rsa', { modulusLength: 2048 })).privateKey;
}

function macOf(algorithm: TestAlgorithm, secret: string, data: Uint8Array): Uint8Array {
  return createHmac(hashOf(algorithm), secret).update(data).digest();
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** EdDSA hashes by itself. */
function digestOf(algorithm: TestAlgorithm): string | null {
  return familyOf(algorithm) === 'Ed' ? null : hashOf(algorithm);
}

/** What has to be said to OpenSSL so that it signs as JOSE wants it. */
const manner: Readonly<Record<Exclude<Family, 'HS'>, SigningOptions>> = {
  RS: {},
  // RFC 7518 3.5: the salt is as long as the hash; OpenSSL would take the longest that fits.
  PS: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  // JOSE wants r and s side by side (RFC 7518 3.4); OpenSSL gives DER unless it is told.
  ES: { dsaEncoding: 'ieee-p1363' },
  Ed: {},
};
