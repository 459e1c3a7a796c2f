import { type Clock, readMilliseconds } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import type { KeySet, VerificationKey } from '../keys/key-set.js';
import { detachedString } from './base64url.js';
import type { Validity } from './check-claims.js';
import { checkValidity } from './check-claims.js';
import { concludeInPool } from './check-signature.js';
import type { ClaimsCheck } from './claims-class.js';
import {
  type IntrospectedEntry,
  IntrospectionVerifier,
  type IntrospectionVerifierParts,
} from './introspection-verifier.js';
import type { IssuerRegistry } from './issuer-registry.js';
import {
  hasOtherKey,
  type JwtOutcome,
  readAlgorithm,
  type SignatureCheck,
  type UnverifiedJwt,
  verifyJwt,
} from './jwt-verifier.js';
import { chain, isThenable, type MaybePromise } from './maybe-promise.js';
import { checkKind, KnownHeaders, type ParsedToken, parseToken } from './parse-token.js';
import { SignatureScheduler, type VerificationPlace } from './signature-scheduler.js';
import type { TokenStatusCheck } from './token-status-check.js';
import type { TrustedIssuer } from './trusted-issuer.js';
import { toVerifiedToken, type VerifiedToken } from './verified-token.js';
import type { VerifiedEntry, VerifiedTokenCache } from './verified-token-cache.js';

/** A token that has passed, and what has to be checked again when it is used once more. */
export type Verdict = VerifiedEntry | IntrospectedEntry;

/** What a verifier works with. */
export interface TokenVerifierParts extends IntrospectionVerifierParts {
  readonly issuers: IssuerRegistry;
  readonly clock: Clock;
  readonly cache: VerifiedTokenCache;
  /** What the app requires of the claims in addition to the standard; `null` for nothing. */
  readonly claimsCheck: ClaimsCheck | null;
  /** Whether verified tokens are still wanted, as a revocation list knows; `null` where there is no such list. */
  readonly statusCheck?: TokenStatusCheck | null;
}

/** A JWT that names a trusted issuer. None of its claims has been proven. */
interface Claimed {
  readonly text: string;
  /** How many introspection answers had arrived when the token came. */
  readonly cameAt: number;
  readonly parsed: ParsedToken;
  readonly issuer: TrustedIssuer;
}

/**
 * Verifies access tokens: form, issuer, key, signature, claims, status, in this order; and asks the issuer about them where
 * it is configured to (`verify`). Inject it to verify a token that did not come with a guarded request: one from
 * a queue, a handshake, a test.
 */
export class TokenVerifier {
  private readonly scheduler = new SignatureScheduler();
  private readonly headers = new KnownHeaders();
  private readonly introspection: IntrospectionVerifier;
  private readonly statusCheck: TokenStatusCheck | null;

  constructor(private readonly parts: TokenVerifierParts) {
    this.introspection = new IntrospectionVerifier(parts);
    this.statusCheck = parts.statusCheck ?? null;
  }

  /**
   * Verifies a token and returns its content.
   *
   * @throws {RefusalError} when the token does not pass; `reason` names the check that failed.
   * @throws {AuthUnavailableError} when it cannot be verified, because the issuer's keys are missing or it does not answer.
   */
  async verify(token: string): Promise<VerifiedToken> {
    // A queue's message or a handshake may hold anything, whatever its type says.
    if (typeof (token as unknown) !== 'string') throw RefusalError.token('malformed', 'It is not a text');
    const known = this.findVerified(token);
    if (known !== undefined) return known.token;
    const verdict = this.verifyAnew(token);
    // Awaited only when it is a promise: each turn of the microtask queue costs time.
    return 'then' in verdict ? (await verdict).token : verdict.token;
  }

  /**
   * Finds a token that passed before, without waiting; `undefined` when it has to be verified anew. Its validity, its key
   * and its status are checked each time.
   *
   * @throws {RefusalError} when it has expired or was revoked.
   */
  findVerified(text: string): VerifiedEntry | undefined {
    const entry = this.parts.cache.find(text);
    if (entry === undefined) return undefined;
    if (!this.isKeyCurrent(entry, this.now())) {
      this.parts.cache.delete(entry);
      return undefined;
    }
    return this.releaseAtOnce(entry);
  }

  /**
   * Whether an earlier verdict still holds, as far as memory tells; `false` when the token has to be verified anew.
   *
   * @throws {RefusalError} when it has expired or was revoked.
   */
  holds(verdict: Verdict): boolean {
    const holds = verdict.key === null ? this.introspection.holds(verdict) : this.isKeyCurrent(verdict, this.now());
    return holds && this.releaseAtOnce(verdict) !== undefined;
  }

  /** The text of a token in memory of its own. Where the token is remembered, it is the remembered text. */
  toDetachedString(text: string): string {
    return this.parts.cache.find(text)?.text ?? detachedString(text);
  }

  /**
   * Verifies a token without looking at remembered ones: at once where no other token is being verified and the issuer's
   * keys are in memory, else by a promise.
   *
   * @throws {RefusalError} or rejects with it, as `verify` does.
   */
  verifyAnew(text: string): MaybePromise<Verdict> {
    checkKind(text);
    const opaqueIssuer = this.introspection.findOpaqueIssuer(text);
    if (opaqueIssuer !== undefined) return this.introspection.verifyOpaque(text, opaqueIssuer).then(this.release);
    const cameAt = this.introspection.answered;
    return this.scheduler.schedule((place) => this.verifyAt(place, text, cameAt));
  }

  /**
   * The same, and the issuer has been asked about the token in any case.
   *
   * @throws {ConfigurationError} when it cannot be asked as it is configured.
   */
  async verifyOnline(text: string): Promise<Verdict> {
    const cameAt = this.introspection.answered;
    const passed = this.findVerified(text) ?? (await this.verifyAnew(text));
    return passed.key === null ? passed : this.release(await this.introspection.confirm(passed, cameAt));
  }

  private verifyAt(place: VerificationPlace, text: string, cameAt: number): MaybePromise<Verdict> {
    const parsed = parseToken(text, this.headers);
    const issuer = this.parts.issuers.get(parsed.claims['iss']);
    if (issuer.verification === 'online') {
      return this.introspection.verifyUnsigned(text, parsed, issuer, cameAt).then(this.release);
    }
    const claimed: Claimed = { text, cameAt, parsed, issuer };
    const keys = issuer.keys.current(this.now());
    if (keys === null) return this.verifyByNewerKeys(claimed, { tried: null });
    return chain(this.check(place, claimed, keys), (outcome) => this.conclude(claimed, outcome));
  }

  private check(place: VerificationPlace, { parsed, issuer }: Claimed, keys: KeySet): MaybePromise<JwtOutcome> {
    return verifyJwt(parsed, issuer.terms, keys, this.now, place === 'pool' ? this.checkInPool : undefined);
  }

  private conclude(claimed: Claimed, outcome: JwtOutcome): MaybePromise<Verdict> {
    if (outcome.kind === 'needs-newer-keys') return this.verifyByNewerKeys(claimed, outcome);
    const { claimsCheck } = this.parts;
    const { key, validity } = outcome;
    if (claimsCheck === null) return this.admit(claimed, key, validity);
    return claimsCheck(claimed.parsed.claims).then(() => this.admit(claimed, key, validity));
  }

  /** The keys in memory do not verify the token; the issuer may have published others. */
  private async verifyByNewerKeys(
    claimed: Claimed,
    { tried, refusal }: Pick<UnverifiedJwt, 'tried'> & Partial<UnverifiedJwt>,
  ): Promise<Verdict> {
    const { parsed, issuer } = claimed;
    // The algorithm is checked before anybody is asked for keys (RFC 8725 §3.1).
    readAlgorithm(parsed, issuer.terms);
    const isNewer = (keys: KeySet): boolean => hasOtherKey(keys, parsed, issuer.terms, tried);
    const keys = await issuer.keys.obtain(isNewer);
    if (tried !== null && refusal !== undefined && !isNewer(keys)) throw refusal;
    // Many may have waited for the same keys, and continue at once.
    const outcome = await this.scheduler.schedule((place) => this.check(place, claimed, keys));
    if (outcome.kind === 'verified') return this.conclude(claimed, outcome);
    if (tried !== null || outcome.tried === null) throw outcome.refusal;
    return this.verifyByNewerKeys(claimed, outcome);
  }

  private readonly checkInPool: SignatureCheck = (token, algorithm, key, conclude) =>
    concludeInPool(token, algorithm, key, this.scheduler, conclude);

  /** Signature and claims are verified: remembers the token where it is worth it. */
  private admit(
    { text, cameAt, parsed, issuer }: Claimed,
    key: VerificationKey,
    validity: Validity,
  ): MaybePromise<Verdict> {
    const token = toVerifiedToken(issuer.terms.issuer, parsed.header, parsed.claims);
    this.headers.add(parsed.encodedHeader, token.header);
    const entry: VerifiedEntry = { text, token, validity, issuer, key, statusVersion: Number.NaN };
    // Not remembered: a remembered token would pass without the question.
    if (issuer.verification === 'hybrid') return this.introspection.confirm(entry, cameAt).then(this.release);
    if (!this.parts.cache.admits(text)) return this.release(entry);
    const remembered: VerifiedEntry = { ...entry, text: detachedString(text) };
    return chain(this.release(remembered), (released) => {
      this.parts.cache.add(remembered);
      return released;
    });
  }

  /**
   * The single exit: every verified token leaves through here. Where nothing has changed since the token was checked last,
   * the status check is one comparison.
   */
  private readonly release = <Passed extends Verdict>(verdict: Passed): MaybePromise<Passed> => {
    const check = this.statusCheck;
    if (check === null || check.version === verdict.statusVersion) return verdict;
    const { version } = check;
    const checked = check.check(verdict.token);
    if (!isThenable(checked)) {
      verdict.statusVersion = version;
      return verdict;
    }
    return checked.then(() => {
      verdict.statusVersion = version;
      return verdict;
    });
  };

  /** The same without waiting; `undefined` where the status check has to wait, and the token has to be verified anew. */
  private releaseAtOnce<Passed extends Verdict>(verdict: Passed): Passed | undefined {
    const released = this.release(verdict);
    if (!isThenable(released)) return released;
    // `verifyAnew` makes this check again. A refusal of this one, which nobody awaits, would end the process.
    released.catch(() => undefined);
    return undefined;
  }

  /** @throws {RefusalError} when the token has expired. */
  private isKeyCurrent({ validity, issuer, key }: VerifiedEntry, now: number): boolean {
    if (issuer.keys.current(now)?.has(key) !== true) return false;
    checkValidity(validity, issuer.terms, now / 1_000);
    return true;
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.parts.cache.close();
  }

  private readonly now = (): number => readMilliseconds(this.parts.clock);
}
