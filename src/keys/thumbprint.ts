import { createHash, type JsonWebKey } from 'node:crypto';

/** The public members of each type of key that its thumbprint consists of, in their order (RFC 7638 §3.2, RFC 8037 §2). */
const thumbprintMembers = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
} as const;

/** The members of a key that are public, and that make it this key. */
export interface PublicMembers {
  readonly kty: 'EC' | 'OKP' | 'RSA';
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}

/** The JWK thumbprint of a key with SHA-256 (RFC 7638), 43 characters. It is the same for the public and the private key. */
export function thumbprintOf(jwk: JsonWebKey): string {
  return createHash('sha256')
    .update(JSON.stringify(pickPublic(jwk)))
    .digest('base64url');
}

/** Copies the public members alone. @throws {TypeError} when it is not an RSA, EC or OKP key. */
export function pickPublic(jwk: JsonWebKey): PublicMembers {
  const { kty } = jwk;
  if (kty !== 'EC' && kty !== 'OKP' && kty !== 'RSA') throw new TypeError('It is not an RSA, EC or OKP key');
  const members = thumbprintMembers[kty].map((name) => {
    const value = jwk[name];
    if (typeof value !== 'string') throw new TypeError(`Its member "${name}" is missing`);
    return [name, value] as const;
  });
  return Object.fromEntries(members) as unknown as PublicMembers;
}
