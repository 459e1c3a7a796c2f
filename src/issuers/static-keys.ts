import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';

import { ConfigurationError } from '../errors/auth-error.js';
import { type Algorithm, secretAlgorithms, traitsOf } from '../keys/algorithm.js';
import { describeKey, importJwk, type Jwk, type UnusableKey } from '../keys/import-jwk.js';
import { IndexedKeySet, type VerificationKey } from '../keys/key-set.js';
import { readKeys } from '../keys/jwks-loader.js';
import { type KeySource, StaticKeySource } from '../keys/key-source.js';
import type { Capability } from '../upstream/auth-context.js';

/** Keys that the app has, with the algorithms that they can verify. */
export interface StaticKeys {
  readonly keys: Capability<KeySource>;
  readonly algorithms: readonly Algorithm[];
}

/** One public key, as PEM or as JWK. */
export function readPublicKey(where: string, given: unknown): StaticKeys {
  const key = typeof given === 'string' ? readPem(where, given) : readJwk(where, given);
  if ('problem' in key) {
    throw new ConfigurationError(
      where,
      `the key cannot be used: ${key.problem}`,
      'Write the public key that signs tokens',
    );
  }
  return staticKeys([key]);
}

/** A key set (RFC 7517 §5). */
export function readKeySet(where: string, given: unknown): StaticKeys {
  return staticKeys(readGivenKeys(where, given));
}

/** Reads the keys of a set that the app provides: public ones only, of which at least one can verify tokens. */
export function readGivenKeys(where: string, given: unknown): readonly VerificationKey[] {
  const jwks: unknown = typeof given === 'object' && given !== null && 'keys' in given ? given.keys : undefined;
  if (Array.isArray(jwks) && jwks.some(isPrivate)) throw privateKeyGiven(where);
  try {
    return readKeys(jwks);
  } catch {
    throw new ConfigurationError(
      where,
      'it holds no key that verifies tokens',
      'Write { keys: [ … ] } with public keys',
    );
  }
}

/**
 * A shared secret, at least as long as the hash: a shorter one is the weakest part of the signature (RFC 7518 §3.2).
 *
 * @param wanted the algorithms that the app has named, which are checked by the caller
 */
export function readSecret(where: string, given: unknown, wanted?: unknown): StaticKeys {
  if (typeof given !== 'string' && !(given instanceof Uint8Array)) {
    throw new ConfigurationError(where, 'a text or bytes are expected', 'Write the secret as the issuer has it');
  }
  const bytes = typeof given === 'string' ? Buffer.from(given, 'utf8') : Buffer.from(given);
  const algorithms = secretAlgorithms.filter((name) => bytes.length >= traitsOf(name).hashBytes);
  if (algorithms.length === 0) {
    throw new ConfigurationError(
      where,
      'it is shorter than the hash',
      'HS256 needs 32 bytes, HS384 48, HS512 64; make one with: openssl rand -base64 48',
    );
  }
  const named: readonly unknown[] = Array.isArray(wanted) ? wanted : [];
  const tooLong = secretAlgorithms.find((name) => named.includes(name) && !algorithms.includes(name));
  if (tooLong !== undefined) {
    throw new ConfigurationError(
      where,
      `it has ${bytes.length} bytes, and ${tooLong} needs ${traitsOf(tooLong).hashBytes}`,
      `Write a longer one, the same as the issuer has, or leave ${tooLong} out of algorithms`,
    );
  }
  const key: VerificationKey = {
    kid: null,
    algorithms: new Set(algorithms),
    key: createSecretKey(bytes),
    identity: 'secret',
  };
  return staticKeys([key]);
}

function staticKeys(keys: readonly VerificationKey[]): StaticKeys {
  const source = new StaticKeySource(new IndexedKeySet(keys));
  return { keys: { create: () => source }, algorithms: [...new Set(keys.flatMap((key) => [...key.algorithms]))] };
}

function readPem(where: string, given: string): VerificationKey | UnusableKey {
  if (given.includes('PRIVATE KEY')) throw privateKeyGiven(where);
  // Many files of environment variables have \n where the line breaks were.
  return describeKey(importPem(where, given.replaceAll(/(?:\\r)?\\n/g, '\n')));
}

function importPem(where: string, pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    const [problem, fix] = describePem(pem);
    throw new ConfigurationError(where, problem, fix);
  }
}

/** What stands where a PEM is expected, and what to write. */
function describePem(text: string): readonly [problem: string, fix: string] {
  if (/^\s*["'`]/.test(text))
    return ['it is not a key in PEM form: it stands in quotes', 'Write it without the quotes'];
  if (/^\s*[A-Za-z0-9+/\s]{40,}={0,2}\s*$/.test(text)) {
    return [
      'it is not a key in PEM form: it is the base64 of one, as Keycloak shows it',
      'Write -----BEGIN PUBLIC KEY-----, a line break, this text, a line break, and -----END PUBLIC KEY-----',
    ];
  }
  if (/^\s*-----BEGIN [A-Z ]+-----(?!\s*[\r\n])/.test(text)) {
    return [
      'it is not a key in PEM form: its line breaks are missing',
      'Keep the line breaks, or write them as \\n: there is one behind -----BEGIN PUBLIC KEY----- and one before -----END',
    ];
  }
  return [
    'it is not a key in PEM form',
    'It starts with -----BEGIN PUBLIC KEY-----; written on one line, its line breaks are \\n',
  ];
}

function readJwk(where: string, given: unknown): VerificationKey | UnusableKey {
  if (isPrivate(given)) throw privateKeyGiven(where);
  return importJwk(given);
}

function isPrivate(jwk: unknown): boolean {
  return typeof jwk === 'object' && jwk !== null && (jwk as Jwk)['d'] !== undefined;
}

function privateKeyGiven(where: string): ConfigurationError {
  return new ConfigurationError(
    where,
    'that is a private key',
    'Write the public one: verification does not need the private key, which could only leak here',
  );
}
