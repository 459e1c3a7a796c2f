import { constants, createHmac, timingSafeEqual, verify } from 'node:crypto';

import { type Algorithm, type AlgorithmTraits, traitsOf } from '../keys/algorithm.js';
import type { VerificationKey } from '../keys/verification-key.js';
import type { ParsedToken } from './parse-token.js';

/** Whether the signature is the key's over exactly these bytes. Never throws for what is in the token. */
export function signatureFits(token: ParsedToken, algorithm: Algorithm, key: VerificationKey): boolean {
  const traits = traitsOf(algorithm);
  if (!isWellFormed(token.signature, traits)) return false;
  return traits.scheme === 'hmac'
    ? hmacFits(token, traits, key)
    : verify(traits.hash, signedBytes(token), verifyOptions(traits, key), token.signature);
}

/**
 * The same in libuv's thread pool, where it keeps nobody waiting; at once where there is next to nothing to do,
 * as with shared secrets.
 */
export function signatureFitsInPool(
  token: ParsedToken,
  algorithm: Algorithm,
  key: VerificationKey,
): boolean | Promise<boolean> {
  const traits = traitsOf(algorithm);
  if (traits.scheme === 'hmac' || !isWellFormed(token.signature, traits)) return signatureFits(token, algorithm, key);
  return new Promise((resolve, reject) => {
    verify(traits.hash, signedBytes(token), verifyOptions(traits, key), token.signature, (error, fits) => {
      if (error === null) resolve(fits);
      else reject(error);
    });
  });
}

function isWellFormed(signature: Buffer, traits: AlgorithmTraits): boolean {
  if (traits.signatureBytes !== null && signature.length !== traits.signatureBytes) return false;
  // Zero as r or s was let through by some libraries ("psychic signatures"); OpenSSL refuses it, and we do
  // not lean on that alone.
  return traits.scheme !== 'ecdsa' || !hasZeroHalf(signature);
}

/** What was signed: the first two parts and the point between them, all of it ASCII. */
function signedBytes({ signingInput }: ParsedToken): Buffer {
  return Buffer.from(signingInput, 'latin1');
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

function hmacFits(token: ParsedToken, traits: AlgorithmTraits, { key }: VerificationKey): boolean {
  if (traits.hash === null) return false;
  return timingSafeEqual(createHmac(traits.hash, key).update(signedBytes(token)).digest(), token.signature);
}

function hasZeroHalf(signature: Buffer): boolean {
  const half = signature.length / 2;
  return isZero(signature.subarray(0, half)) || isZero(signature.subarray(half));
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
