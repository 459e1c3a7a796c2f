import { type Clock, readMilliseconds } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import type { KeySet, VerificationKey } from '../keys/key-set.js';
import { detachedString } from './base64url.js';
import type { Validity } from './check-claims.js';
import { checkValidity } from './check-claims.js';
import { concludeInPool } from './check-signature.js';
import type { ClaimsCheck } from './claims-class.js';
import type { Arrival, FindNetwork } from './introspection-cache.js';
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
import { SessionExtensions } from './session-extensions.js';
import { SignatureScheduler, type VerificationPlace } from './signature-scheduler.js';
import type { TokenStatusCheck } from './token-status-check.js';
import type { TrustedIssuer } from './trusted-issuer.js';
import { toVerifiedToken, type VerifiedToken } from './verified-token.js';
import type { VerifiedEntry, VerifiedTokenCache } from './verified-token-cache.js';

/** A verified token, and the data to check it again when it is used again. */
export type Verdict = VerifiedEntry | IntrospectedEntry;

export interface TokenVerifierParts extends IntrospectionVerifierParts {
  readonly issuers: IssuerRegistry;
  readonly clock: Clock;
  readonly cache: VerifiedTokenCache;
  /** The check of the app's claims class; `null` without one. */
  readonly claimsCheck: ClaimsCheck | null;
  /**
   * Checks whether a verified token is still accepted, for example by a revocation list. @defaultValue null: no check
   */
  readonly statusCheck?: TokenStatusCheck | null;
}

const unknownNetwork: FindNetwork = () => null;

/** A parsed JWT that names a trusted issuer. None of its claims has been verified. */
interface UnprovenJwt {
  readonly text: string;
  readonly arrival: Arrival;
  readonly parsed: ParsedToken;
  readonly issuer: TrustedIssuer;
}

/**
 * Verifies access tokens: form, issuer, key, signature, claims and status, in this order. It also introspects them
 * where the issuer's option `verify` requires it. Inject it to verify a token that does not come from a guarded
 * request, for example from a queue or a handshake.
 */
export class TokenVerifier {
  /** For connections that outlive the tokens that they were opened with. */
  readonly sessions: SessionExtensions;
  private readonly scheduler = new SignatureScheduler();
  private readonly headers = new KnownHeaders();
  private readonly introspection: IntrospectionVerifier;
  private readonly statusCheck: TokenStatusCheck | null;

  constructor(private readonly parts: TokenVerifierParts) {
    this.introspection = new IntrospectionVerifier(parts);
    this.sessions = new SessionExtensions(parts);
    this.statusCheck = parts.statusCheck ?? null;
  }

  /**
   * Verifies a token and returns its content. A token that is bound to a key or a certificate (RFC 7800 `cnf`) is refused: without the request
   * that it came with, nothing shows that its sender has the key.
   *
   * @throws {RefusalError} when the token does not pass; `reason` names the check that failed.
   * @throws {AuthUnavailableError} when the token cannot be verified, because the issuer's keys are missing, or the
   * issuer or the status check does not answer.
   */
  async verify(token: string): Promise<VerifiedToken> {
    const verified = await this.inspect(token);
    if (!Object.hasOwn(verified.claims, 'cnf')) return verified;
    throw RefusalError.binding('The token is bound (it has "cnf"), and TokenVerifier.verify sees no proof');
  }

  /**
   * The same for a token about which somebody asks without using it: a bound one passes.
   *
   * @internal
   */
  async inspect(token: string): Promise<VerifiedToken> {
    // A message from a queue or a handshake may contain any value, regardless of its declared type.
    if (typeof (token as unknown) !== 'string') throw RefusalError.token('malformed', 'It is not a text');
    const cached = this.findVerified(token);
    if (cached !== undefined) return cached.token;
    const verdict = this.verifyUncached(token);
    // Awaited only when it is a promise, because each turn of the microtask queue costs time.
    return 'then' in verdict ? (await verdict).token : verdict.token;
  }

  /**
   * Finds a cached token synchronously; `undefined` when the token must be verified again. The validity, the key and
   * the status of the cached token are checked each time.
   *
   * @throws {RefusalError} when it has expired or was revoked.
   */
  findVerified(text: string): VerifiedEntry | undefined {
    const entry = this.parts.cache.find(text);
    if (entry === undefined) return undefined;
    if (!this.isCurrent(entry, this.now())) {
      this.parts.cache.delete(entry);
      return undefined;
    }
    return this.releaseAtOnce(entry);
  }

  /**
   * Whether an earlier verdict still holds, without any I/O; `false` when the token must be verified again.
   *
   * @throws {RefusalError} when it has expired or was revoked.
   */
  holds(verdict: Verdict): boolean {
    const holds = verdict.key === null ? this.introspection.holds(verdict) : this.isCurrent(verdict, this.now());
    return holds && this.releaseAtOnce(verdict) !== undefined;
  }

  /** A copy of a token that keeps no longer text in memory; the copy in the cache, where the token is cached. */
  toDetachedString(text: string): string {
    return this.parts.cache.find(text)?.text ?? detachedString(text);
  }

  /**
   * Verifies a token without looking it up in the cache. The result is synchronous when no other token is being
   * verified and the issuer's keys are in memory, otherwise a promise.
   *
   * @param findNetwork finds the network of the caller, of which a limited number of unknown tokens is introspected at
   * a time
   * @throws the errors of `verify`, or rejects with them.
   */
  verifyUncached(text: string, findNetwork = unknownNetwork): MaybePromise<Verdict> {
    checkKind(text);
    const arrival = this.introspection.noteArrival(findNetwork);
    const opaqueIssuer = this.introspection.findOpaqueIssuer(text);
    if (opaqueIssuer !== undefined)
      return this.introspection.verifyOpaque(text, opaqueIssuer, arrival).then(this.release);
    return this.scheduler.schedule((place) => this.verifyAt(place, text, arrival));
  }

  /**
   * The same as `verify`, with an introspection in any case.
   *
   * @throws {ConfigurationError} when introspection is not configured for the issuer.
   */
  async verifyOnline(text: string, findNetwork = unknownNetwork): Promise<Verdict> {
    const arrival = this.introspection.noteArrival(findNetwork);
    const verdict = this.findVerified(text) ?? (await this.verifyUncached(text, findNetwork));
    const isIntrospected = verdict.key === null;
    return isIntrospected ? verdict : this.release(await this.introspection.confirm(verdict, arrival));
  }

  /** Verifies a JWT as far as possible at the given place. */
  private verifyAt(place: VerificationPlace, text: string, arrival: Arrival): MaybePromise<Verdict> {
    const parsed = parseToken(text, this.headers);
    const issuer = this.parts.issuers.get(parsed.claims['iss']);
    if (issuer.verification === 'online') {
      return this.introspection.verifyJwtOnline(text, parsed, issuer, arrival).then(this.release);
    }
    const jwt: UnprovenJwt = { text, arrival, parsed, issuer };
    const keys = issuer.keys.current(this.now());
    if (keys === null) return this.verifyByNewerKeys(jwt, null);
    return chain(this.check(place, jwt, keys), (outcome) => this.conclude(jwt, outcome));
  }

  private check(place: VerificationPlace, { parsed, issuer }: UnprovenJwt, keys: KeySet): MaybePromise<JwtOutcome> {
    return verifyJwt(parsed, issuer.terms, keys, this.now, place === 'pool' ? this.checkInPool : undefined);
  }

  private conclude(jwt: UnprovenJwt, outcome: JwtOutcome): MaybePromise<Verdict> {
    if (outcome.kind === 'needs-newer-keys') return this.verifyByNewerKeys(jwt, outcome);
    const { claimsCheck } = this.parts;
    const { key, validity } = outcome;
    if (claimsCheck === null) return this.accept(jwt, key, validity);
    return claimsCheck(jwt.parsed.claims).then(() => this.accept(jwt, key, validity));
  }

  /**
   * Verifies a JWT with keys that the issuer may have published since the keys in memory were fetched. It calls itself
   * at most once: when no key was tried before, and the key that was then found does not verify the signature.
   *
   * @param previous the result with the keys in memory; `null` when there were none
   */
  private async verifyByNewerKeys(jwt: UnprovenJwt, previous: UnverifiedJwt | null): Promise<Verdict> {
    const { parsed, issuer } = jwt;
    const tried = previous?.tried ?? null;
    // The algorithm is checked before any key is fetched (RFC 8725 §3.1).
    readAlgorithm(parsed, issuer.terms);
    const isNewer = (keys: KeySet): boolean => hasOtherKey(keys, parsed, issuer.terms, tried);
    const keys = await issuer.keys.obtain(isNewer);
    if (previous !== null && tried !== null && !isNewer(keys)) throw previous.refusal;
    // Many tokens may have waited for the same keys and continue in the same tick, so the scheduler distributes them.
    const outcome = await this.scheduler.schedule((place) => this.check(place, jwt, keys));
    if (outcome.kind === 'verified') return this.conclude(jwt, outcome);
    if (tried !== null || outcome.tried === null) throw outcome.refusal;
    return this.verifyByNewerKeys(jwt, outcome);
  }

  private readonly checkInPool: SignatureCheck = (token, algorithm, key, conclude) =>
    concludeInPool(token, algorithm, key, this.scheduler, conclude);

  /**
   * Accepts a token whose signature and claims are verified: introspects it if required, and caches it if the cache
   * admits it.
   */
  private accept(
    { text, arrival, parsed, issuer }: UnprovenJwt,
    key: VerificationKey,
    validity: Validity,
  ): MaybePromise<Verdict> {
    const token = toVerifiedToken(issuer.terms.issuer, parsed.header, parsed.claims);
    this.headers.add(parsed.encodedHeader, token.header);
    const entry: VerifiedEntry = { text, token, validity, issuer, key, statusVersion: Number.NaN };
    // Not cached, because a cached token is accepted without introspection.
    if (issuer.verification === 'hybrid') {
      return this.introspection.confirm(entry, arrival).then((confirmed) => {
        this.sessions.noteKey(confirmed.token, entry);
        return this.release(confirmed);
      });
    }
    this.sessions.noteKey(token, entry);
    if (!this.parts.cache.admits(text)) return this.release(entry);
    const cached: VerifiedEntry = { ...entry, text: detachedString(text) };
    return chain(this.release(cached), (released) => {
      this.parts.cache.add(cached);
      return released;
    });
  }

  /**
   * Runs the status check. Every verified token passes through here before it is returned. When the version of the
   * check has not changed since the token was last checked, this is one comparison.
   */
  private readonly release = <Passed extends Verdict>(verdict: Passed): MaybePromise<Passed> => {
    const check = this.statusCheck;
    if (check === null || this.hasCurrentStatus(verdict)) return verdict;
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

  private hasCurrentStatus({ statusVersion }: Verdict): boolean {
    return this.statusCheck === null || this.statusCheck.version === statusVersion;
  }

  /** The same without waiting; `undefined` where the status check has to wait, and the token has to be verified again. */
  private releaseAtOnce<Passed extends Verdict>(verdict: Passed): Passed | undefined {
    if (this.hasCurrentStatus(verdict)) return verdict;
    const released = this.release(verdict);
    if (!isThenable(released)) return released;
    // `verifyUncached` makes this check again. An unhandled rejection would end the process.
    released.catch(() => undefined);
    return undefined;
  }

  /**
   * Whether the key of a verified token is still in use.
   *
   * @throws {RefusalError} when the token has expired.
   */
  private isCurrent({ validity, issuer, key }: VerifiedEntry, now: number): boolean {
    if (issuer.keys.current(now)?.has(key) !== true) return false;
    checkValidity(validity, issuer.terms, now / 1_000);
    return true;
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.parts.cache.close();
    this.introspection.close();
  }

  private readonly now = (): number => readMilliseconds(this.parts.clock);
}
