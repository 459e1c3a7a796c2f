import { type Clock, readMilliseconds } from '../clock/clock.js';
import { RefusalError } from '../errors/refusal-error.js';
import { type Algorithm, findAlgorithm } from '../keys/algorithm.js';
import type { KeyMatch, KeySet } from '../keys/key-set.js';
import type { VerificationKey } from '../keys/verification-key.js';
import { logText } from '../telemetry/log-text.js';
import { checkClaims, checkValidity, type Validity } from './check-claims.js';
import { concludeInPool, signatureFits } from './check-signature.js';
import type { ClaimsCheck } from './claims-class.js';
import type { IssuerRegistry } from './issuer-registry.js';
import { KnownHeaders } from './known-headers.js';
import { type AskedEntry, OnlineJudge, type OnlineJudgeParts } from './online-judge.js';
import { toOwnText } from './own-text.js';
import { type ParsedToken, parseToken } from './parse-token.js';
import { type CheckPlace, SignatureScheduler } from './signature-scheduler.js';
import type { TrustedIssuer } from './trusted-issuer.js';
import { toVerifiedToken, type VerifiedToken } from './verified-token.js';
import type { VerifiedEntry, VerifiedTokenCache } from './verified-token-cache.js';

/** A token that has passed, and what has to be looked at again when it is used once more. */
export type Verdict = VerifiedEntry | AskedEntry;

/** What a verifier works with. */
export interface TokenVerifierParts extends OnlineJudgeParts {
  readonly issuers: IssuerRegistry;
  readonly clock: Clock;
  readonly cache: VerifiedTokenCache;
  /** What the app demands of the claims beyond the standard; `null` for nothing. */
  readonly claimsCheck: ClaimsCheck | null;
}

/**
 * Judges access tokens: form, issuer, key, signature, claims, in this order; and asks the issuer about them where
 * it is configured to (`verify`). Inject it to verify a token that did not come with a guarded request: one from
 * a queue, a handshake, a test.
 */
export class TokenVerifier {
  private readonly scheduler = new SignatureScheduler();
  private readonly headers = new KnownHeaders();
  private readonly online: OnlineJudge;

  constructor(private readonly parts: TokenVerifierParts) {
    this.online = new OnlineJudge(parts);
  }

  /**
   * Verifies a token and gives what is in it.
   *
   * @throws {RefusalError} when the token does not pass; `reason` says at which check.
   * @throws {FaultError} when it cannot be judged, because the issuer's keys cannot be had or it does not answer.
   */
  async verify(token: string): Promise<VerifiedToken> {
    // A queue's message or a handshake may hold anything, whatever its type says.
    if (typeof (token as unknown) !== 'string') throw RefusalError.token('malformed', 'It is not a text');
    const known = this.findVerified(token);
    if (known !== undefined) return known;
    const verdict = this.judge(token);
    // Not awaited without need: each turn of the microtasks costs something.
    return 'then' in verdict ? (await verdict).token : verdict.token;
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
  recheck(verdict: Verdict): VerifiedToken | undefined {
    if (verdict.key === null) return this.online.recheck(verdict);
    const { token, validity, issuer, key } = verdict;
    const now = this.now();
    if (issuer.keys.current(now)?.has(key) !== true) return undefined;
    checkValidity(validity, issuer.terms, now / 1_000);
    return token;
  }

  /** A token's text in memory of its own: that which is remembered, so that there are not two of it. */
  toOwnText(text: string): string {
    return this.parts.cache.find(text)?.text ?? toOwnText(text);
  }

  /** Whether a text is no JWT, and an issuer would be asked about it. */
  isOpaque(text: string): boolean {
    return this.online.findOpaqueIssuer(text) !== undefined;
  }

  /**
   * Judges a token anew, and gives beside it what `recheck` looks at when the verdict is used once more: at once
   * where nobody else is being judged and the issuer's keys are at hand, else a promise.
   *
   * @throws {RefusalError} or rejects with it, as `verify` does.
   */
  judge(text: string): Verdict | Promise<Verdict> {
    const opaqueIssuer = this.online.findOpaqueIssuer(text);
    if (opaqueIssuer !== undefined) return this.online.judgeOpaque(text, opaqueIssuer);
    const cameAt = this.online.answered;
    return this.scheduler.schedule((place) => this.judgeAt(place, text, cameAt));
  }

  /**
   * The same, and the issuer has been asked in any case.
   *
   * @throws {ConfigurationError} when it cannot be asked as it is configured.
   */
  async judgeOnline(text: string): Promise<Verdict> {
    const cameAt = this.online.answered;
    const known = this.parts.cache.find(text);
    const passed = known !== undefined && this.recheck(known) !== undefined ? known : await this.judge(text);
    return passed.key === null ? passed : this.online.confirm(passed, cameAt);
  }

  private judgeAt(place: CheckPlace, text: string, cameAt: number): Verdict | Promise<Verdict> {
    const parsed = parseToken(text, this.headers);
    const issuer = this.parts.issuers.get(parsed.claims['iss']);
    if (issuer.verification === 'online') return this.online.judgeUnsigned(text, parsed, issuer, cameAt);
    const claim: Claimed = { text, cameAt, parsed, issuer, algorithm: readAlgorithm(parsed, issuer) };
    const now = this.now();
    const match = issuer.keys.current(now)?.find(parsed.header.kid ?? null, claim.algorithm);
    if (match?.kind !== 'found') return this.judgeByNewKeys(claim);
    const { key } = match;
    if (place === 'pool') return this.inPool(claim, key, (fits) => this.concludeOrRetry(fits, claim, key));
    return this.concludeOrRetry(signatureFits(parsed, claim.algorithm, key), claim, key, now);
  }

  private async judgeByNewKeys(claim: Claimed): Promise<Verdict> {
    const find = (set: KeySet): KeyMatch => set.find(claim.parsed.header.kid ?? null, claim.algorithm);
    const newest = await claim.issuer.keys.obtain((set) => find(set).kind !== 'unknown');
    const key = readMatch(find(newest), claim.parsed);
    // Many may have waited for the same keys, and go on at once.
    const fits = await this.scheduler.schedule((place) => this.fits(place, claim, key));
    return this.concludeOrRetry(fits, claim, key);
  }

  private concludeOrRetry(
    fits: boolean,
    claim: Claimed,
    key: VerificationKey,
    now?: number,
  ): Verdict | Promise<Verdict> {
    return fits ? this.conclude(claim, key, now) : this.judgeByOtherKey(claim, key);
  }

  /** The signature is not the key's. Where no name ties the token to that key, the issuer may have a new one. */
  private judgeByOtherKey(claim: Claimed, key: VerificationKey): Promise<Verdict> {
    const kid = claim.parsed.header.kid ?? null;
    if (kid !== null && key.kid !== null) throw notSigned(kid);
    return this.judgeByNewer(claim, key, kid);
  }

  private async judgeByNewer(claim: Claimed, key: VerificationKey, kid: string | null): Promise<Verdict> {
    const find = (set: KeySet): KeyMatch => set.find(kid, claim.algorithm);
    const newer = find(await claim.issuer.keys.obtain((set) => foundOther(find(set), key)));
    if (!foundOther(newer, key)) throw notSigned(kid);
    const fits = await this.scheduler.schedule((place) => this.fits(place, claim, newer.key));
    if (!fits) throw notSigned(kid);
    return this.conclude(claim, newer.key);
  }

  private fits(place: CheckPlace, claim: Claimed, key: VerificationKey): boolean | Promise<boolean> {
    if (place === 'pool') return this.inPool(claim, key, (fits) => fits);
    return signatureFits(claim.parsed, claim.algorithm, key);
  }

  private inPool<Result>(
    { parsed, algorithm }: Claimed,
    key: VerificationKey,
    conclude: (fits: boolean) => Result | Promise<Result>,
  ): Result | Promise<Result> {
    return concludeInPool(parsed, algorithm, key, this.scheduler, conclude);
  }

  /** The signature is the key's; what is left are the claims. */
  private conclude(claim: Claimed, key: VerificationKey, now = this.now()): Verdict | Promise<Verdict> {
    const { parsed, issuer } = claim;
    const validity = checkClaims(parsed.header, parsed.claims, issuer.terms, now / 1_000);
    const { claimsCheck } = this.parts;
    if (claimsCheck === null) return this.enter(claim, key, validity);
    return claimsCheck(parsed.claims).then(() => this.enter(claim, key, validity));
  }

  private enter(
    { text, cameAt, parsed, issuer }: Claimed,
    key: VerificationKey,
    validity: Validity,
  ): Verdict | Promise<Verdict> {
    const token = toVerifiedToken(issuer.terms.issuer, parsed.header, parsed.claims);
    this.headers.add(parsed.encodedHeader, token.header);
    const entry: VerifiedEntry = { text, token, validity, issuer, key };
    // Not remembered: a token that is would pass without the question.
    if (issuer.verification === 'hybrid') return this.online.confirm(entry, cameAt);
    if (!this.parts.cache.admits(text)) return entry;
    const remembered: VerifiedEntry = { ...entry, text: toOwnText(text) };
    this.parts.cache.add(remembered);
    return remembered;
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.parts.cache.close();
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

/** A token that names an issuer we trust and an algorithm that it may use. Nothing in it has been proven. */
interface Claimed {
  readonly text: string;
  /** How many answers issuers had given when it came. */
  readonly cameAt: number;
  readonly parsed: ParsedToken;
  readonly issuer: TrustedIssuer;
  readonly algorithm: Algorithm;
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

function notSigned(kid: string | null): RefusalError {
  return RefusalError.token('signature', `Its signature is not that of the issuer's key (kid ${logText(kid)})`);
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
