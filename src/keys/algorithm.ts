/** The supported signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1). `none` is not supported. */
export type Algorithm = keyof typeof traits;

/** The properties that an algorithm requires of a key and of a signature. */
export interface AlgorithmTraits {
  readonly scheme: 'pkcs1' | 'pss' | 'ecdsa' | 'eddsa' | 'hmac';
  /** OpenSSL's name of the digest; `null` where the scheme includes one. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  readonly hashBytes: number;
  /** The JWK name of the curve; `null` for schemes without one. */
  readonly curve: 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | null;
  /** The exact length of a signature in bytes; `null` where it depends on the key. */
  readonly signatureBytes: number | null;
}

const traits = {
  RS256: rsa('pkcs1', 'sha256', 32),
  RS384: rsa('pkcs1', 'sha384', 48),
  RS512: rsa('pkcs1', 'sha512', 64),
  PS256: rsa('pss', 'sha256', 32),
  PS384: rsa('pss', 'sha384', 48),
  PS512: rsa('pss', 'sha512', 64),
  ES256: ecdsa('P-256', 'sha256', 32, 64),
  ES384: ecdsa('P-384', 'sha384', 48, 96),
  ES512: ecdsa('P-521', 'sha512', 64, 132),
  EdDSA: { scheme: 'eddsa', hash: null, hashBytes: 64, curve: 'Ed25519', signatureBytes: 64 },
  HS256: hmac('sha256', 32),
  HS384: hmac('sha384', 48),
  HS512: hmac('sha512', 64),
} as const satisfies Record<string, AlgorithmTraits>;

/** The algorithms for public keys. An issuer accepts all of them by default. */
export const publicKeyAlgorithms: readonly Algorithm[] = Object.freeze(
  (Object.keys(traits) as Algorithm[]).filter((name) => traits[name].scheme !== 'hmac'),
);

/** The algorithms for shared secrets. */
export const secretAlgorithms: readonly Algorithm[] = Object.freeze(['HS256', 'HS384', 'HS512']);

export function traitsOf(algorithm: Algorithm): AlgorithmTraits {
  return traits[algorithm];
}

/**
 * Finds the algorithm of a name; `undefined` when the name is unknown. `Ed25519` (RFC 9864) is an alias of `EdDSA`,
 * because Ed25519 is the only Edwards curve that is supported.
 */
export function findAlgorithm(name: unknown): Algorithm | undefined {
  if (name === 'Ed25519') return 'EdDSA';
  return typeof name === 'string' && Object.hasOwn(traits, name) ? (name as Algorithm) : undefined;
}

function rsa(scheme: 'pkcs1' | 'pss', hash: 'sha256' | 'sha384' | 'sha512', hashBytes: number): AlgorithmTraits {
  // An RSA signature is as long as the modulus, so its length is checked against the key.
  return { scheme, hash, hashBytes, curve: null, signatureBytes: null };
}

function ecdsa(
  curve: 'P-256' | 'P-384' | 'P-521',
  hash: 'sha256' | 'sha384' | 'sha512',
  hashBytes: number,
  signatureBytes: number,
): AlgorithmTraits {
  return { scheme: 'ecdsa', hash, hashBytes, curve, signatureBytes };
}

function hmac(hash: 'sha256' | 'sha384' | 'sha512', hashBytes: number): AlgorithmTraits {
  return { scheme: 'hmac', hash, hashBytes, curve: null, signatureBytes: hashBytes };
}
