import { constants, createHmac, timingSafeEqual, verify } from 'node:crypto';

import { type Algorithm, type AlgorithmTraits, traitsOf } from '../keys/algorithm.js';
import type { VerificationKey } from '../keys/key-set.js';
import type { ParsedToken } from './parse-token.js';
import { ScratchBytes } from './base64url.js';

/** What a signature check looks at in a token. */
type SignedText = Pick<ParsedToken, 'signingInput' | 'signature'>;

/** As many bytes as the longest token has characters. */
const signedScratchBytes = 16 * 1024;
const signedScratch = new ScratchBytes(signedScratchBytes);
/** Memory of jobs in the pool that have ended: there is as much of it as there have been jobs in the pool at once. */
const unusedScratches: ScratchBytes[] = [];

/** Whether the signature is the key's over exactly these bytes. Never throws for what is in the token. */
export function signatureFits(
  { signingInput, signature }: SignedText,
  algorithm: Algorithm,
  key: VerificationKey,
): boolean {
  const traits = traitsOf(algorithm);
  if (!isWellFormed(signature, traits)) return false;
  // What was signed: the first two parts and the point between them, all of it ASCII.
  const signed = signedScratch.write(signingInput, 'latin1');
  return traits.scheme === 'hmac'
    ? hmacFits(signed, signature, traits, key)
    : verify(traits.hash, signed, verifyOptions(traits, key), signature);
}

/** Counts how many signatures are in the pool. */
export interface PoolPlaces {
  enterPool(): void;
  leavePool(): void;
}

/**
 * Checks the same in libuv's thread pool, where it does not block the event loop, and gives what `conclude` makes of the
 * outcome. It calls `conclude` at once where there is next to nothing to do, as with shared secrets.
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
  // The pool reads these bytes while the next token is parsed, so that each job in it has memory of its own. It is used again
  // for another job when this one is done: to allocate it for each would cost more than to fill it.
  const scratch = unusedScratches.pop() ?? new ScratchBytes(signedScratchBytes);
  const signed = scratch.write(signingInput, 'latin1');
  return new Promise((resolve, reject) => {
    verify(traits.hash, signed, verifyOptions(traits, key), signature, (error, fits) => {
      unusedScratches.push(scratch);
      places.leavePool();
      // Concluded here and not behind another promise: each of them costs a microtask and garbage.
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
  // Zero as r or s was let through by some libraries ("psychic signatures"); OpenSSL refuses it, and we do
  // not lean on that alone.
  const half = signature.length / 2;
  return scheme !== 'ecdsa' || !(isZero(signature, 0, half) || isZero(signature, half, signature.length));
}

function verifyOptions(traits: AlgorithmTraits, { key }: VerificationKey): Parameters<typeof verify>[2] {
  switch (traits.scheme) {
    case 'pss':
      // RFC 7518 §3.5: the salt is as long as the digest.
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: traits.hashBytes };
    case 'ecdsa':
      // RFC 7518 §3.4: r and s side by side, not the DER that OpenSSL means by default.
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
