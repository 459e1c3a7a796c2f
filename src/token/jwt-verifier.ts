import { RefusalError } from '../errors/auth-error.js';
import { type Algorithm, findAlgorithm } from '../keys/algorithm.js';
import type { KeyMatch, KeySet, VerificationKey } from '../keys/key-set.js';
import { logText } from '../telemetry/log-text.js';
import { checkClaims, type Validity } from './check-claims.js';
import { signatureFits } from './check-signature.js';
import type { MaybePromise } from './maybe-promise.js';
import type { ParsedToken } from './parse-token.js';
import type { IssuerTerms } from './trusted-issuer.js';

/**
 * Checks one signature, on the calling thread or elsewhere, and gives what `conclude` makes of the result. A check elsewhere
 * concludes in its own callback, which saves a promise for each token.
 */
export type SignatureCheck = <Result>(
  token: ParsedToken,
  algorithm: Algorithm,
  key: VerificationKey,
  conclude: (fits: boolean) => MaybePromise<Result>,
) => MaybePromise<Result>;

/** Checks it on the calling thread. */
const checkHere: SignatureCheck = (token, algorithm, key, conclude) => conclude(signatureFits(token, algorithm, key));

/** What a JWT came to when it was checked against one key set. */
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
  /** The key whose signature it is not; `null` when the set has no key for the token. */
  readonly tried: VerificationKey | null;
  /** The refusal to throw when the issuer has no newer keys. */
  readonly refusal: RefusalError;
}

/**
 * Verifies a parsed JWT against the terms and the keys of its issuer: algorithm, key, signature and claims, in this order
 * (RFC 7519 §7.2, RFC 8725 §3). It keeps no state and performs no I/O: fetching keys, remembering tokens and asking issuers
 * are its caller's part.
 *
 * @param now the current time in milliseconds, read when the signature has been checked
 * @throws {RefusalError} for everything that newer keys would not change.
 */
export function verifyJwt(
  token: ParsedToken,
  terms: IssuerTerms,
  keys: KeySet,
  now: () => number,
  checkSignature: SignatureCheck = checkHere,
): MaybePromise<JwtOutcome> {
  const algorithm = readAlgorithm(token, terms);
  const kid = token.header.kid ?? null;
  const match = keys.find(kid, algorithm);
  if (match.kind === 'unknown') return { kind: 'needs-newer-keys', tried: null, refusal: refusalOf(match, token) };
  if (match.kind !== 'found') throw refusalOf(match, token);
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

function conclude(
  fits: boolean,
  token: ParsedToken,
  terms: IssuerTerms,
  key: VerificationKey,
  now: () => number,
): JwtOutcome {
  if (fits) return { kind: 'verified', key, validity: checkClaims(token.header, token.claims, terms, now() / 1_000) };
  const { kid = null } = token.header;
  const refusal = RefusalError.token(
    'signature',
    `Its signature does not match the issuer's key (kid ${logText(kid)})`,
  );
  // Where token and key share a name, the name ties them together, and another key would not change the result.
  if (kid !== null && key.kid !== null) throw refusal;
  return { kind: 'needs-newer-keys', tried: key, refusal };
}

/** The algorithm must be one that the issuer may use, before any key is looked for (RFC 8725 §3.1). */
export function readAlgorithm({ header }: ParsedToken, { algorithms }: IssuerTerms): Algorithm {
  const algorithm = findAlgorithm(header.alg);
  if (algorithm !== undefined && algorithms.has(algorithm)) return algorithm;
  throw RefusalError.token(
    'algorithm',
    `Expected an algorithm out of ${[...algorithms].join(', ')}, the token says ${logText(header.alg)}`,
  );
}

function refusalOf(match: Exclude<KeyMatch, { kind: 'found' }>, { header }: ParsedToken): RefusalError {
  const kid = header.kid === undefined ? 'no kid' : `kid ${logText(header.kid)}`;
  switch (match.kind) {
    case 'unfit':
      return RefusalError.token('algorithm', `The key of ${kid} may not verify ${logText(header.alg)}`);
    case 'unknown':
      return RefusalError.token('key', `The issuer publishes no key for ${kid} and ${logText(header.alg)}`);
    case 'ambiguous':
      return RefusalError.token('key', `More than one of the issuer's keys fits ${kid}, so none can be chosen`);
  }
}
