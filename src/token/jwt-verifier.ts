import { RefusalError } from '../errors/auth-error.js';
import { type Algorithm, findAlgorithm } from '../keys/algorithm.js';
import type { KeySource } from '../keys/key-source.js';
import type { KeyMatch, KeySet, VerificationKey } from '../keys/key-set.js';
import { logText } from '../telemetry/log-text.js';
import { checkClaims, refusalBy, type Validity } from './check-claims.js';
import { signatureFits } from './check-signature.js';
import type { MaybePromise } from './maybe-promise.js';
import type { ParsedToken } from './parse-token.js';
import type { IssuerTerms } from './trusted-issuer.js';

/**
 * Checks one signature, on the calling thread or in the thread pool, and returns what `conclude` returns for the
 * result. A check in the pool calls `conclude` in its own callback, which saves a promise for each token.
 */
export type SignatureCheck = <Result>(
  token: ParsedToken,
  algorithm: Algorithm,
  key: VerificationKey,
  conclude: (fits: boolean) => MaybePromise<Result>,
) => MaybePromise<Result>;

const checkOnCallingThread: SignatureCheck = (token, algorithm, key, conclude) =>
  conclude(signatureFits(token, algorithm, key));

/** The result of verifying a JWT with one key set. */
export type JwtOutcome = VerifiedJwt | UnverifiedJwt;

/** The signature belongs to one of the keys, and the claims satisfy the terms. */
interface VerifiedJwt {
  readonly kind: 'verified';
  readonly key: VerificationKey;
  readonly validity: Validity;
}

/** No key of this set verifies the token, and a newer set of the issuer might. */
export interface UnverifiedJwt {
  readonly kind: 'needs-newer-keys';
  /** The key that does not verify the signature; `null` when the set has no key for the token. */
  readonly tried: VerificationKey | null;
  /** The refusal to throw when the issuer has no newer keys. */
  readonly refusal: RefusalError;
}

/**
 * Verifies a parsed JWT against the terms and the keys of its issuer: algorithm, key, signature and claims, in this
 * order (RFC 7519 §7.2, RFC 8725 §3). It keeps no state and performs no I/O: the caller fetches keys, caches tokens and
 * introspects them.
 *
 * @param now returns the current time in milliseconds; called after the signature check
 * @throws {RefusalError} when newer keys would not change the result.
 */
export function verifyJwt(
  token: ParsedToken,
  terms: IssuerTerms,
  keys: KeySet,
  now: () => number,
  checkSignature: SignatureCheck = checkOnCallingThread,
): MaybePromise<JwtOutcome> {
  const algorithm = readAlgorithm(token, terms);
  const kid = token.header.kid ?? null;
  const match = keys.find(kid, algorithm);
  if (match.kind === 'unknown') return { kind: 'needs-newer-keys', tried: null, refusal: keyRefusal(match, token) };
  if (match.kind !== 'found') throw keyRefusal(match, token);
  const { key } = match;
  return checkSignature(token, algorithm, key, (fits) => conclude(fits, token, terms, key, now));
}

/** Whether a key set holds a key for the token that is not the one already tried. */
export function hasOtherKey(
  keys: KeySet,
  token: ParsedToken,
  terms: IssuerTerms,
  tried: VerificationKey | null,
): boolean {
  const match = keys.find(token.header.kid ?? null, readAlgorithm(token, terms));
  return tried === null ? match.kind !== 'unknown' : match.kind === 'found' && match.key !== tried;
}

/**
 * Verifies a parsed JWT against the terms of its issuer, with keys that are fetched where those in memory do not verify it. For tokens
 * that are used once; `TokenVerifier` does the same for access tokens, with a cache.
 *
 * @throws {RefusalError} when the token does not pass.
 * @throws {AuthUnavailableError} when the keys cannot be had.
 */
export async function verifyByKeySource(
  token: ParsedToken,
  terms: IssuerTerms,
  source: KeySource,
  now: () => number,
): Promise<void> {
  const known = source.current(now());
  const first = known === null ? null : await verifyJwt(token, terms, known, now);
  if (first?.kind === 'verified') return;
  // The algorithm is checked before any key is fetched (RFC 8725 §3.1).
  readAlgorithm(token, terms);
  const tried = first?.tried ?? null;
  const isNewer = (keys: KeySet): boolean => hasOtherKey(keys, token, terms, tried);
  const newer = await source.obtain(isNewer);
  if (first !== null && !isNewer(newer)) throw first.refusal;
  const second = await verifyJwt(token, terms, newer, now);
  if (second.kind !== 'verified') throw second.refusal;
}

function conclude(
  fits: boolean,
  token: ParsedToken,
  terms: IssuerTerms,
  key: VerificationKey,
  now: () => number,
): JwtOutcome {
  if (fits) return { kind: 'verified', key, validity: checkClaims(token.header, token.claims, terms, now() / 1_000) };
  const refusal = signatureRefusal(token, terms);
  // The token and the key have the same `kid`, so another key would not change the result.
  if (token.header.kid !== undefined && key.kid !== null) throw refusal;
  return { kind: 'needs-newer-keys', tried: key, refusal };
}

/**
 * Reads the algorithm of a token. Call it before a key is looked up (RFC 8725 §3.1).
 *
 * @throws {RefusalError} with reason `algorithm` when the issuer may not use it.
 */
export function readAlgorithm({ header }: ParsedToken, { algorithms }: IssuerTerms): Algorithm {
  const algorithm = findAlgorithm(header.alg);
  if (algorithm !== undefined && algorithms.has(algorithm)) return algorithm;
  throw RefusalError.token(
    'algorithm',
    `Expected one of the algorithms ${[...algorithms].join(', ')}, the token says ${logText(header.alg)}`,
  );
}

/** The refusal of a token whose signature its key does not verify. */
export function signatureRefusal({ header, claims }: ParsedToken, terms: IssuerTerms): RefusalError {
  const problem = `Its signature does not match the issuer's key (kid ${logText(header.kid ?? null)})`;
  return refusalBy(terms, 'signature', problem, header, claims);
}

/** The refusal of a token for which a key set has no key. */
export function keyRefusal(match: Exclude<KeyMatch, { kind: 'found' }>, { header }: ParsedToken): RefusalError {
  const kid = header.kid === undefined ? 'no kid' : `kid ${logText(header.kid)}`;
  switch (match.kind) {
    case 'unfit':
      return RefusalError.token('algorithm', `The key for ${kid} may not be used with ${logText(header.alg)}`);
    case 'unknown':
      return RefusalError.token('key', `The issuer publishes no key for ${kid} and ${logText(header.alg)}`);
    case 'ambiguous':
      return RefusalError.token('key', `More than one of the issuer's keys fits ${kid}, so none can be chosen`);
  }
}
