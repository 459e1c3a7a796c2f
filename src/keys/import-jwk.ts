import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

import { type Algorithm, findAlgorithm, publicKeyAlgorithms, traitsOf } from './algorithm.js';
import type { VerificationKey } from './key-set.js';

/** A key of a key set, not yet validated. */
export type Jwk = Readonly<Record<string, unknown>>;

/** States for the log why a key cannot verify tokens. */
export interface UnusableKey {
  readonly problem: string;
}

/** The minimum length of an RSA modulus (RFC 7518 §3.3). */
const leastModulusBits = 2048;

const coordinateBytes: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };

/** Imports a JWK (RFC 7517) as a verification key, or states why it cannot verify tokens. Never throws. */
export function importJwk(jwk: unknown): VerificationKey | UnusableKey {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return { problem: 'it is not an object' };
  const members = jwk as Jwk;
  const problem = findPurposeProblem(members);
  if (problem !== undefined) return { problem };
  const key = importPublic(members);
  return 'problem' in key ? key : describeKey(key, members);
}

/** Makes a verification key of an imported key, for example of a PEM. `alg` and `kid` in `members` narrow its use. */
export function describeKey(key: KeyObject, members: Jwk = {}): VerificationKey | UnusableKey {
  const exported = exportJwk(key);
  const fitting = publicKeyAlgorithms.filter((algorithm) => fits(key, exported.crv, algorithm));
  if (fitting.length === 0) return { problem: 'its type or curve verifies no accepted algorithm' };
  const weakness = findWeakness(key);
  if (weakness !== undefined) return { problem: weakness };
  const named =
    members['alg'] === undefined ? fitting : fitting.filter((name) => name === findAlgorithm(members['alg']));
  if (named.length === 0) return { problem: 'its "alg" does not go with its type' };
  const kid = typeof members['kid'] === 'string' ? members['kid'] : null;
  return {
    kid,
    algorithms: new Set(named),
    key,
    identity: JSON.stringify([kid, named, exported.kty, exported.crv, exported.n, exported.e, exported.x, exported.y]),
  };
}

/** Checks `use` and `key_ops` (RFC 7517 §4.2, §4.3): a key that is not meant for verification is ignored. */
function findPurposeProblem(jwk: Jwk): string | undefined {
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig') return 'its "use" is not "sig"';
  const operations = jwk['key_ops'];
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'its "key_ops" do not contain "verify"';
  }
  if (jwk['kid'] !== undefined && typeof jwk['kid'] !== 'string') return 'its "kid" is not a text';
  return undefined;
}

function importPublic(jwk: Jwk): KeyObject | UnusableKey {
  // Only the public members are used: a private key that an issuer published by accident is not kept in memory, and an
  // "oct" key is never used as a public one.
  try {
    const material = pickPublicMembers(jwk);
    if (material === undefined) return { problem: 'its type is not RSA, EC or OKP' };
    return createPublicKey({ key: material, format: 'jwk' });
  } catch {
    return { problem: 'its members do not make a key' };
  }
}

function pickPublicMembers(jwk: Jwk): Record<string, string> | undefined {
  switch (jwk['kty']) {
    case 'RSA':
      return { kty: 'RSA', n: textOf(jwk, 'n'), e: textOf(jwk, 'e') };
    case 'EC': {
      const crv = textOf(jwk, 'crv');
      return { kty: 'EC', crv, x: padCoordinate(textOf(jwk, 'x'), crv), y: padCoordinate(textOf(jwk, 'y'), crv) };
    }
    case 'OKP':
      return { kty: 'OKP', crv: textOf(jwk, 'crv'), x: textOf(jwk, 'x') };
    default:
      return undefined;
  }
}

/** Reads a text member. `String()` would accept lists, and would throw for some objects. */
function textOf(jwk: Jwk, member: string): string {
  const value = jwk[member];
  if (typeof value !== 'string') throw new TypeError(`"${member}" is not a text`);
  return value;
}

/**
 * Restores leading zeros of a coordinate. RFC 7518 §6.2.1.2 requires the full length, but some issuers drop leading
 * zeros. The key is still valid, and refusing it would lock out all users of the issuer.
 */
function padCoordinate(coordinate: string, curve: string): string {
  const bytes = Buffer.from(coordinate, 'base64url');
  const missing = (Object.hasOwn(coordinateBytes, curve) ? (coordinateBytes[curve] ?? 0) : 0) - bytes.length;
  return missing > 0 ? Buffer.concat([Buffer.alloc(missing), bytes]).toString('base64url') : coordinate;
}

/** Exports a key as a JWK; `{}` for types and curves that Node cannot export (DSA, RSA-PSS, brainpool). */
function exportJwk(key: KeyObject): JsonWebKey {
  try {
    return key.export({ format: 'jwk' });
  } catch {
    return {};
  }
}

function fits(key: KeyObject, curve: string | undefined, algorithm: Algorithm): boolean {
  const { scheme, curve: wanted } = traitsOf(algorithm);
  if (scheme === 'pkcs1') return key.asymmetricKeyType === 'rsa';
  if (scheme === 'pss') return key.asymmetricKeyType === 'rsa';
  return wanted !== null && curve === wanted;
}

function findWeakness(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType !== 'rsa') return undefined;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < leastModulusBits) return `its modulus has fewer than ${leastModulusBits} bits`;
  // With an exponent of 1 a signature is the padded message itself, so any attacker can create one.
  return publicExponent < 3n || publicExponent % 2n === 0n ? 'its public exponent is unsafe' : undefined;
}
