import type { Clock } from '../clock/clock.js';
import { RefusalError } from '../errors/refusal-error.js';
import { type Algorithm, findAlgorithm } from '../keys/algorithm.js';
import type { KeyMatch, KeySet } from '../keys/key-set.js';
import type { VerificationKey } from '../keys/verification-key.js';
import { logText } from '../telemetry/log-text.js';
import { checkClaims, checkValidity } from './check-claims.js';
import { signatureFits } from './check-signature.js';
import type { ClaimsCheck } from './claims-class.js';
import { deepFreeze } from './deep-freeze.js';
import type { IssuerRegistry } from './issuer-registry.js';
import { type ParsedToken, parseToken } from './parse-token.js';
import type { TrustedIssuer } from './trusted-issuer.js';
import type { VerifiedToken } from './verified-token.js';
import type { VerifiedEntry, VerifiedTokenCache } from './verified-token-cache.js';

/** What a verifier works with. */
export interface TokenVerifierParts {
  readonly issuers: IssuerRegistry;
  readonly clock: Clock;
  readonly cache: VerifiedTokenCache;
  /** What the app demands of the claims beyond the standard; `null` for nothing. */
  readonly claimsCheck: ClaimsCheck | null;
}

/**
 * Judges access tokens: form, issuer, key, signature, claims, in this order. Inject it to verify a token
 * that did not come with a guarded request: one from a queue, a handshake, a test.
 */
export class TokenVerifier {
  constructor(private readonly parts: TokenVerifierParts) {}

  /**
   * Verifies a token and gives what is in it.
   *
   * @throws {RefusalError} when the token does not pass; `reason` says at which check.
   * @throws {FaultError} when it cannot be judged, because the issuer's keys cannot be had.
   */
  async verify(token: string): Promise<VerifiedToken> {
    // A queue's message or a handshake may hold anything, whatever its type says.
    if (typeof (token as unknown) !== 'string') throw RefusalError.token('malformed', 'It is not a text');
    return this.findVerified(token) ?? (await this.verifyAnew(token));
  }

  /**
   * The same without waiting, for a token that has passed before; `undefined` when it has to be judged anew.
   * Its time and its key are looked at each time.
   *
   * @throws {RefusalError} when its time is over.
   */
  findVerified(token: string): VerifiedToken | undefined {
    const entry = this.parts.cache.find(token);
    if (entry === undefined) return undefined;
    if (entry.issuer.keys.current()?.has(entry.key) !== true) return undefined;
    this.checkStillValid(entry);
    return entry.token;
  }

  private checkStillValid(entry: VerifiedEntry): void {
    try {
      checkValidity(entry.validity, entry.issuer.terms, this.nowSeconds());
    } catch (refusal) {
      this.parts.cache.delete(entry);
      throw refusal;
    }
  }

  private async verifyAnew(text: string): Promise<VerifiedToken> {
    const parsed = parseToken(text);
    const issuer = this.parts.issuers.get(parsed.claims['iss']);
    const algorithm = readAlgorithm(parsed, issuer);
    const key = await checkSignature(parsed, algorithm, issuer);
    const validity = checkClaims(parsed.header, parsed.claims, issuer.terms, this.nowSeconds());
    await this.parts.claimsCheck?.(parsed.claims);
    const token: VerifiedToken = deepFreeze({
      issuer: issuer.terms.issuer,
      header: parsed.header,
      claims: parsed.claims,
      // A Date cannot be frozen, and this object is handed to many: each reader gets one of their own.
      get expiresAt(): Date {
        return new Date(validity.expiresAt * 1_000);
      },
    });
    this.parts.cache.add({ text, token, validity, issuer, key });
    return token;
  }

  private nowSeconds(): number {
    return this.parts.clock.now().getTime() / 1_000;
  }
}

/** The algorithm must be one that the issuer may use, before any key is looked for (RFC 8725 §3.1). */
function readAlgorithm(token: ParsedToken, issuer: TrustedIssuer): Algorithm {
  const algorithm = findAlgorithm(token.header.alg);
  if (algorithm !== undefined && issuer.terms.algorithms.has(algorithm)) return algorithm;
  throw RefusalError.token(
    'algorithm',
    `Expected an algorithm out of ${[...issuer.terms.algorithms].join(', ')}, the token says ${logText(token.header.alg)}`,
  );
}

/** @returns the key whose signature it is. */
async function checkSignature(
  token: ParsedToken,
  algorithm: Algorithm,
  issuer: TrustedIssuer,
): Promise<VerificationKey> {
  const kid = token.header.kid ?? null;
  const find = (keys: KeySet): KeyMatch => keys.find(kid, algorithm);
  const key = readMatch(find(await issuer.keys.obtain((keys) => find(keys).kind !== 'unknown')), token);
  if (signatureFits(token, algorithm, key)) return key;
  if (kid === null || key.kid === null) {
    // No name ties this token to this key, so a misfit may mean that the issuer has a new one.
    const newer = await issuer.keys.obtain((keys) => foundOther(find(keys), key));
    const match = find(newer);
    if (foundOther(match, key) && signatureFits(token, algorithm, match.key)) return match.key;
  }
  throw RefusalError.token('signature', `Its signature is not that of the issuer's key (kid ${logText(kid)})`);
}

function foundOther(match: KeyMatch, key: VerificationKey): match is Extract<KeyMatch, { kind: 'found' }> {
  return match.kind === 'found' && match.key !== key;
}

function readMatch(match: KeyMatch, { header }: ParsedToken): VerificationKey {
  const kid = header.kid === undefined ? 'no kid' : `kid ${logText(header.kid)}`;
  switch (match.kind) {
    case 'found':
      return match.key;
    case 'unfit':
      throw RefusalError.token('algorithm', `The key of ${kid} may not verify ${logText(header.alg)}`);
    case 'unknown':
      throw RefusalError.token('key', `The issuer publishes no key for ${kid} and ${logText(header.alg)}`);
    case 'ambiguous':
      throw RefusalError.token('key', `More than one of the issuer's keys fits ${kid}, so none can be chosen`);
  }
}
