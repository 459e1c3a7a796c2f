import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
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

/** A key of the issuer, with its public part. */
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
  /** Whether the signature was made with this key. */
  verify(data: Uint8Array, signature: Uint8Array): boolean;
}

/** The keys of an issuer, of which the first one signs. */
export type SigningKeys = readonly [SigningKey, ...SigningKey[]];

type Family = 'RS' | 'PS' | 'ES' | 'Ed' | 'HS';

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** Every supported algorithm, in the order of the documentation. */
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

/** Creates a new key. RSA keys have 2048 bits, which are enough for a test and much faster to create than 4096. */
export async function createSigningKey(algorithm: TestAlgorithm, kid = newKeyId()): Promise<SigningKey> {
  if (!testAlgorithms.includes(algorithm)) {
    throw new TypeError(`TestIssuer: no algorithm ${algorithm}; choose one of ${testAlgorithms.join(', ')}`);
  }
  const family = familyOf(algorithm);
  if (family === 'HS') {
    // A text fits into an environment variable; HS512 requires 64 bytes.
    const secret = randomBytes(48).toString('base64url');
    const mac = (data: Uint8Array): Uint8Array => macOf(algorithm, secret, data);
    return { kid, algorithm, secret, sign: mac, verify: (data, signature) => isSame(mac(data), signature) };
  }
  return keyPairOf(algorithm, kid, await newPrivateKey(algorithm));
}

/** A key with its private part as a JWK, to be kept in a file. */
export function exportSigningKey({ kid, algorithm, privateKey }: SigningKey): object {
  if (privateKey === undefined) throw new TypeError('TestIssuer: a shared secret is not kept in a file');
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: algorithm };
}

/** Reads what `exportSigningKey` gave. @throws {TypeError} for anything else. */
export function importSigningKey(jwk: unknown): SigningKey {
  const { kid, alg } = (jwk ?? {}) as { kid?: unknown; alg?: unknown };
  const algorithm = testAlgorithms.find((name) => name === alg);
  if (typeof kid !== 'string' || algorithm === undefined) throw new TypeError('TestIssuer: this is no key of it');
  return keyPairOf(algorithm, kid, createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' }));
}

function keyPairOf(algorithm: TestAlgorithm, kid: string, privateKey: KeyObject): SigningKey {
  const options = signingOptions[algorithm.slice(0, 2) as Exclude<Family, 'HS'>];
  const publicKey = createPublicKey(privateKey);
  return {
    kid,
    algorithm,
    publicKey: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' } as TestJwk,
    privateKey,
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (data) => sign(digestOf(algorithm), data, { key: privateKey, ...options }),
    verify: (data, signature) => verify(digestOf(algorithm), data, { key: publicKey, ...options }, signature),
  };
}

/** Creates a compact JWS. A part that is a text is used unchanged, so that a test may use unusual JSON. */
export function compactJws(key: SigningKey, header: object | string, payload: object | string): string {
  const signed = `${encodePart(header)}.${encodePart(payload)}`;
  return `${signed}.${Buffer.from(key.sign(Buffer.from(signed))).toString('base64url')}`;
}

/** Whether this key has signed a token. */
export function hasSigned(key: SigningKey, token: string): boolean {
  const end = token.lastIndexOf('.');
  return key.verify(Buffer.from(token.slice(0, end)), Buffer.from(token.slice(end + 1), 'base64url'));
}

function encodePart(part: object | string): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

/** A random id, so that keys of two issuers never have the same one by accident. */
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

/** The digest; `null` for EdDSA, which includes one. */
function digestOf(algorithm: TestAlgorithm): string | null {
  return familyOf(algorithm) === 'Ed' ? null : hashOf(algorithm);
}

/** The options with which OpenSSL creates signatures in the form of JOSE. */
const signingOptions: Readonly<Record<Exclude<Family, 'HS'>, SigningOptions>> = {
  RS: {},
  // RFC 7518 §3.5: the salt is as long as the hash; OpenSSL's default is the longest salt that fits.
  PS: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  // RFC 7518 §3.4: the signature is r and s concatenated; OpenSSL's default is DER.
  ES: { dsaEncoding: 'ieee-p1363' },
  Ed: {},
};
