import { constants, createHmac, timingSafeEqual, verify } from 'node:crypto';

import { type Algorithm, type AlgorithmTraits, traitsOf } from '../keys/algorithm.js';
import type { VerificationKey } from '../keys/key-set.js';
import type { ParsedToken } from './parse-token.js';
import { ScratchBytes } from './base64url.js';

/** The parts of a token that a signature check needs. */
type SignedText = Pick<ParsedToken, 'signingInput' | 'signature'>;

/** Enough for the longest token that is accepted. */
const signedScratchBytes = 16 * 1024;
const signedScratch = new ScratchBytes(signedScratchBytes);
/**
 * Buffers of jobs that have ended, to be used by the next ones. It never has more than the pool had jobs at one time.
 */
const freeScratches: ScratchBytes[] = [];

/** Whether the signature was made with the key over exactly these bytes. No content of a token makes it throw. */
export function signatureFits(
  { signingInput, signature }: SignedText,
  algorithm: Algorithm,
  key: VerificationKey,
): boolean {
  const traits = traitsOf(algorithm);
  if (!isWellFormed(signature, traits)) return false;
  // The signing input is ASCII, for which latin1 is the fastest encoding.
  const signed = signedScratch.write(signingInput, 'latin1');
  return traits.scheme === 'hmac'
    ? hmacFits(signed, signature, traits, key)
    : verify(traits.hash, signed, verifyOptions(traits, key), signature);
}

/** Counts how many signatures are checked in the thread pool. */
export interface PoolPlaces {
  enterPool(): void;
  leavePool(): void;
}

/**
 * The same as `signatureFits`, but in libuv's thread pool, where it does not block the event loop; returns what
 * `conclude` returns for the result. Signatures by a shared secret are cheap and malformed ones need no check, so for
 * these `conclude` is called synchronously.
 */
export function concludeInPool<Result>(
  token: SignedText,
  algorithm: Algorithm,
  key: VerificationKey,
  places: PoolPlaces,
  conclude: (fits: boolean) => Result | Promise<Result>,
): Result | Promise<Result> {
  const traits = traitsOf(algorithm);
  const { signingInput, signature } = token;
  if (traits.scheme === 'hmac' || !isWellFormed(signature, traits)) {
    return conclude(signatureFits(token, algorithm, key));
  }
  // The pool reads these bytes while the next token is parsed, so each job needs a buffer of its own. Buffers are
  // reused when their job is done, because allocating one costs more than filling it.
  const scratch = freeScratches.pop() ?? new ScratchBytes(signedScratchBytes);
  const signed = scratch.write(signingInput, 'latin1');
  return new Promise((resolve, reject) => {
    verify(traits.hash, signed, verifyOptions(traits, key), signature, (error, fits) => {
      freeScratches.push(scratch);
      places.leavePool();
      // `conclude` runs here and not in a `then`, which would cost another promise and another microtask.
      try {
        if (error !== null) throw error;
        resolve(conclude(fits));
      } catch (thrown) {
        const reason: Error = thrown as Error;
        reject(reason);
      }
    });
    places.enterPool();
  });
}

function isWellFormed(signature: Buffer, { signatureBytes, scheme }: AlgorithmTraits): boolean {
  if (signatureBytes !== null && signature.length !== signatureBytes) return false;
  // An ECDSA signature with r = 0 or s = 0 is invalid, but some libraries accepted it for every key (CVE-2022-21449,
  // "psychic signatures"). OpenSSL refuses it too; this check does not depend on that.
  const half = signature.length / 2;
  return scheme !== 'ecdsa' || !(isZero(signature, 0, half) || isZero(signature, half, signature.length));
}

function verifyOptions(traits: AlgorithmTraits, { key }: VerificationKey): Parameters<typeof verify>[2] {
  switch (traits.scheme) {
    case 'pss':
      // RFC 7518 §3.5: the salt has the length of the digest.
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: traits.hashBytes };
    case 'ecdsa':
      // RFC 7518 §3.4: r and s are concatenated. OpenSSL expects DER by default.
      return { key, dsaEncoding: 'ieee-p1363' };
    case 'pkcs1':
    case 'eddsa':
    case 'hmac':
      return key;
  }
}

function hmacFits(signed: Buffer, signature: Buffer, { hash }: AlgorithmTraits, { key }: VerificationKey): boolean {
  return hash !== null && timingSafeEqual(createHmac(hash, key).update(signed).digest(), signature);
}

function isZero(bytes: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) {
    if (bytes[at] !== 0) return false;
  }
  return true;
}
