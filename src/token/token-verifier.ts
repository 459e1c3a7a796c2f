import type { Clock } from '../clock/clock.js';
import { RefusalError } from '../errors/refusal-error.js';
import { type Algorithm, findAlgorithm } from '../keys/algorithm.js';
import type { KeyMatch, KeySet } from '../keys/key-set.js';
import type { VerificationKey } from '../keys/verification-key.js';
import { logText } from '../telemetry/log-text.js';
import { checkClaims, checkValidity } from './check-claims.js';
import type { ClaimsCheck } from './claims-class.js';
import type { IssuerRegistry } from './issuer-registry.js';
import { KnownHeaders } from './known-headers.js';
import { type ParsedToken, parseToken } from './parse-token.js';
import { SignatureChecker } from './signature-checker.js';
import type { TrustedIssuer } from './trusted-issuer.js';
import { toVerifiedToken, type VerifiedToken } from './verified-token.js';
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
  private readonly signatures = new SignatureChecker();
  private readonly headers = new KnownHeaders();

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
    return this.findVerified(token) ?? (await this.judge(token)).token;
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
    const verified = this.recheck(entry);
    if (verified === undefined) this.parts.cache.delete(entry);
    return verified;
  }

  /**
   * The token of an earlier verdict, while its key is still the issuer's; else `undefined`.
   *
   * @throws {RefusalError} when its time is over.
   */
  recheck({ token, validity, issuer, key }: VerifiedEntry): VerifiedToken | undefined {
    const now = this.parts.clock.now().getTime();
    if (issuer.keys.current(now)?.has(key) !== true) return undefined;
    checkValidity(validity, issuer.terms, now / 1_000);
    return token;
  }

  /** Judges a token anew, and gives beside it what `recheck` looks at when the verdict is used once more. */
  async judge(text: string): Promise<VerifiedEntry> {
    const parsed = parseToken(text, this.headers);
    const issuer = this.parts.issuers.get(parsed.claims['iss']);
    const algorithm = readAlgorithm(parsed, issuer);
    const key = await this.checkSignature(parsed, algorithm, issuer);
    const validity = checkClaims(parsed.header, parsed.claims, issuer.terms, this.now() / 1_000);
    if (this.parts.claimsCheck !== null) await this.parts.claimsCheck(parsed.claims);
    const token = toVerifiedToken(issuer.terms.issuer, parsed.header, parsed.claims);
    this.headers.add(parsed.encodedHeader, token.header);
    const entry: VerifiedEntry = { text, token, validity, issuer, key };
    if (this.parts.cache.admits(text)) this.parts.cache.add(entry);
    return entry;
  }

  /** @returns the key whose signature it is. */
  private async checkSignature(
    token: ParsedToken,
    algorithm: Algorithm,
    { keys }: TrustedIssuer,
  ): Promise<VerificationKey> {
    const kid = token.header.kid ?? null;
    const find = (set: KeySet): KeyMatch => set.find(kid, algorithm);
    const atHand = keys.current(this.now())?.find(kid, algorithm);
    const match = atHand?.kind === 'found' ? atHand : find(await keys.obtain((set) => find(set).kind !== 'unknown'));
    const key = readMatch(match, token);
    if (await this.fits(token, algorithm, key)) return key;
    if (kid === null || key.kid === null) {
      // No name ties this token to this key, so a misfit may mean that the issuer has a new one.
      const newer = find(await keys.obtain((set) => foundOther(find(set), key)));
      if (foundOther(newer, key) && (await this.fits(token, algorithm, newer.key))) return newer.key;
    }
    throw RefusalError.token('signature', `Its signature is not that of the issuer's key (kid ${logText(kid)})`);
  }

  private fits(token: ParsedToken, algorithm: Algorithm, key: VerificationKey): boolean | Promise<boolean> {
    return this.signatures.fits(token, algorithm, key);
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.parts.cache.close();
  }

  private now(): number {
    return this.parts.clock.now().getTime();
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

function foundOther(match: KeyMatch, key: VerificationKey): match is Extract<KeyMatch, { kind: 'found' }> {
  return match.kind === 'found' && match.key !== key;
}

function readMatch(match: KeyMatch, { header }: ParsedToken): VerificationKey {
  if (match.kind === 'found') return match.key;
  const kid = header.kid === undefined ? 'no kid' : `kid ${logText(header.kid)}`;
  switch (match.kind) {
    case 'unfit':
      throw RefusalError.token('algorithm', `The key of ${kid} may not verify ${logText(header.alg)}`);
    case 'unknown':
      throw RefusalError.token('key', `The issuer publishes no key for ${kid} and ${logText(header.alg)}`);
    case 'ambiguous':
      throw RefusalError.token('key', `More than one of the issuer's keys fits ${kid}, so none can be chosen`);
  }
}
