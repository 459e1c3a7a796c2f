import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { expect } from 'vitest';
import { importJwk, type Jwk } from '../../../src/keys/import-jwk.js';
import type { VerificationKey } from '../../../src/keys/key-set.js';

export interface MadeKey {
  readonly jwk: Jwk;
  readonly privateKey: KeyObject;
}

function made({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): MadeKey {
  return { jwk: { ...publicKey.export({ format: 'jwk' }) }, privateKey };
}

export function newEc(namedCurve = 'P-256'): MadeKey {
  return made(generateKeyPairSync('ec', { namedCurve }));
}

export function newOkp(type: 'ed25519' | 'ed448' | 'x25519' = 'ed25519'): MadeKey {
  // The calls are separate because Node's type declarations do not accept a union here.
  if (type === 'ed448') return made(generateKeyPairSync('ed448'));
  return made(type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519'));
}

export function newRsa(modulusLength = 2048): MadeKey {
  return made(generateKeyPairSync('rsa', { modulusLength }));
}

/** One key of each type, created once because RSA keys take long to create. */
export const rsa = newRsa();
export const ec = newEc();
export const okp = newOkp();

export function bytesOf(member: unknown): Buffer {
  return Buffer.from(member as string, 'base64url');
}

/** Imports a JWK that must be usable. */
export function importUsable(jwk: unknown): VerificationKey {
  const key = importJwk(jwk);
  expect(key).not.toHaveProperty('problem');
  return key as VerificationKey;
}

/** The problem of a JWK that must not be usable. */
export function problemOf(jwk: unknown): string {
  const key = importJwk(jwk);
  return 'problem' in key ? key.problem : 'usable';
}

/** Whether a key verifies a signature of the private key. */
export function verifiesFor({ key }: VerificationKey, privateKey: KeyObject): boolean {
  const data = Buffer.from('signed');
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return verify(digest, data, key, sign(digest, data, privateKey));
}

/** The same public key, from the members that Node reads. */
export function sameKey(key: VerificationKey, jwk: Jwk): boolean {
  return key.key.equals(createPublicKey({ key: { ...jwk }, format: 'jwk' }));
}
