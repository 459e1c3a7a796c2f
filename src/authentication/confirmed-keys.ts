import { createHash } from 'node:crypto';

import { type Clock, readMilliseconds } from '../clock/clock.js';
import { asPause, AuthUnavailableError, isRefusal, isUndecided, RefusalError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { BoundedMap } from '../upstream/bounded-map.js';
import { FairQueue } from '../upstream/fair-queue.js';
import { ProviderCalls } from '../upstream/provider-calls.js';
import { SingleFlight } from '../upstream/single-flight.js';
import { createAuthUser } from '../user/verified-user.js';
import type { AuthUser } from '../user/auth-user.js';
import type { ApiKeySource, ConfirmedApiKey } from './api-key-source.js';
import type { Authentication } from './authentication-scheme.js';
import type { EndedKeys } from './ended-keys.js';

export interface ConfirmedKeysParts {
  readonly source: ApiKeySource;
  /** `AuthUser.issuer` of the owners. The log names it as whoever confirms the keys. */
  readonly issuer: string;
  readonly clock: Clock;
  readonly report: ReportEvent;
  /** Notices that a key may have ended since it was confirmed; `null` where revocation is off. */
  readonly ended: EndedKeys | null;
}

/** What the provider has said of a key that it knows. */
interface KnownKey {
  readonly authentication: KeyAuthentication;
  /** When the provider was asked, in milliseconds since 1970. */
  readonly askedAt: number;
  /** The version of `EndedKeys` with which the key was last compared. */
  endedVersion: number;
}

/** What is answered to a refused key without another call. */
interface RefusedKey {
  readonly refusal: RefusalError;
  readonly from: number;
  readonly until: number;
}

/** How long a confirmation is used. */
const confirmedMs = 30_000;
/** How long a refusal is used. */
const refusedMs = 5_000;
/** The longest that a key is not asked about because its provider has asked for a pause of this key. */
const longestPauseMs = 60_000;
/** How many keys are remembered, of either kind. */
const mostKnown = 20_000;
const mostRefused = 10_000;
/** Calls about keys that were never confirmed here. Fewer than the connections to a provider, so that known keys have some left. */
const unknownKeys = { mostRunning: 32, mostWaitingOfGroup: 200, mostWaiting: 4_000 };
/** How long such a key waits for its turn. */
const patienceMs = 2_500;

/**
 * The keys of a provider: asks it, and remembers for a short time what it has said. Kept is the SHA-256 of a key, so that no key is
 * in memory. Requests with the same key share one call.
 */
export class ConfirmedKeys {
  private readonly known = new BoundedMap<string, KnownKey>(mostKnown);
  private readonly refused = new BoundedMap<string, RefusedKey>(mostRefused);
  private readonly flights = new SingleFlight<KeyAuthentication>();
  private readonly unknown = new FairQueue(unknownKeys);
  private readonly calls: ProviderCalls;

  constructor(private readonly parts: ConfirmedKeysParts) {
    const { issuer, clock, report } = parts;
    this.calls = new ProviderCalls({
      what: `an answer about API keys from ${issuer}`,
      consequence: 'Keys that were confirmed in the last 30 seconds are accepted, others are answered with 503',
      clock,
      report,
    });
  }

  /** The authentication by a key that was confirmed a short time ago, without a call; `undefined` when it has to be verified. */
  recall(text: string): Authentication | undefined {
    return this.findFresh(digestOf(text))?.authentication;
  }

  /**
   * Verifies a key.
   *
   * @param network where the request came from: the unknown keys of one network do not delay those of others
   * @throws {RefusalError} when it is not accepted.
   * @throws {AuthUnavailableError} when the provider does not answer, or too many unknown keys wait.
   */
  async verify(text: string, network: string | null): Promise<Authentication> {
    const digest = digestOf(text);
    const known = this.findFresh(digest);
    if (known !== undefined) return known.authentication;
    this.checkForm(text);
    const refused = this.findRefused(digest);
    if (refused !== undefined) throw refused;
    return this.ask(digest, text, network);
  }

  /** Verifies a key by a call that begins after this method was called, unless the provider has asked for a pause of this key. */
  async verifyOnline(text: string, network: string | null): Promise<Authentication> {
    this.checkForm(text);
    const digest = digestOf(text);
    await this.flights.landed(digest);
    const refused = this.findRefused(digest);
    if (refused !== undefined && isUndecided(refused)) throw refused;
    return this.ask(digest, text, network);
  }

  /** Whether an authentication still holds, without a call. */
  holds(authentication: Authentication): boolean {
    if (!(authentication instanceof KeyAuthentication)) return false;
    return this.findFresh(authentication.digest)?.authentication === authentication;
  }

  private checkForm(text: string): void {
    const fault = this.parts.source.findFault(text);
    if (fault !== undefined) throw RefusalError.apiKey('key', fault);
  }

  private findFresh(digest: string): KnownKey | undefined {
    const known = this.known.get(digest);
    if (known === undefined) return undefined;
    const { askedAt, authentication } = known;
    const now = this.now();
    // A clock that was set back says nothing of the age.
    if (now < askedAt || now >= askedAt + confirmedMs || hasExpired(authentication, now)) return undefined;
    return this.mayHaveEnded(known) ? undefined : known;
  }

  private mayHaveEnded(known: KnownKey): boolean {
    const { ended } = this.parts;
    if (ended === null || known.endedVersion === ended.version) return false;
    const { credentialId: id, user } = known.authentication;
    if (ended.mayHaveEnded({ id, userId: user.id }, known.askedAt)) return true;
    known.endedVersion = ended.version;
    return false;
  }

  /** What is thrown for a key that was refused a short time ago. */
  private findRefused(digest: string): RefusalError | undefined {
    const refused = this.refused.get(digest);
    const now = this.now();
    if (refused === undefined || now < refused.from || now >= refused.until) return undefined;
    const { refusal, until } = refused;
    return refusal.retryAfterSeconds === null ? refusal : pauseOf((until - now) / 1_000, refusal);
  }

  private ask(digest: string, text: string, network: string | null): Promise<KeyAuthentication> {
    return this.flights.run(() => this.call(digest, text, network), digest);
  }

  private async call(digest: string, text: string, network: string | null): Promise<KeyAuthentication> {
    const isKnown = this.known.has(digest);
    const endedVersion = this.parts.ended?.version ?? 0;
    const check = async (): Promise<KeyAuthentication> => {
      const askedAt = this.now();
      const authentication = this.read(digest, await this.calls.run(() => this.parts.source.check(text, { isKnown })));
      this.refused.delete(digest);
      this.known.set(digest, { authentication, askedAt, endedVersion });
      return authentication;
    };
    try {
      const group = network ?? '';
      return await (isKnown ? check() : this.unknown.run(check, { group, patienceMs, toError: tooManyUnknown }));
    } catch (error) {
      throw isRefusal(error) ? this.noteRefusal(digest, error) : error;
    }
  }

  private read(digest: string, confirmed: ConfirmedApiKey): KeyAuthentication {
    const authentication = new KeyAuthentication(digest, this.parts.issuer, confirmed);
    if (!hasExpired(authentication, this.now())) return authentication;
    throw RefusalError.apiKey('expired', 'The key has expired, as its provider states');
  }

  /** @returns what is thrown */
  private noteRefusal(digest: string, refusal: RefusalError): RefusalError {
    const from = this.now();
    const seconds = refusal.retryAfterSeconds;
    // A key that is used too often is still a known one.
    if (seconds === null) this.known.delete(digest);
    const lasts = seconds === null ? refusedMs : Math.min(seconds * 1_000, longestPauseMs);
    this.refused.set(digest, { refusal, from, until: from + lasts });
    return seconds === null ? refusal : pauseOf(seconds, refusal);
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

/** The refusal of a key whose provider limits its use. */
function pauseOf(seconds: number, { explanation, message }: RefusalError): RefusalError {
  return asPause(RefusalError.tooMany(seconds, explanation, message));
}

/** The authentication by a confirmed key. */
class KeyAuthentication implements Authentication {
  readonly scheme = 'Bearer';
  readonly token = null;
  readonly user: AuthUser;
  readonly credentialId: string | null;
  readonly expiresAtMs: number | null;
  // Not enumerable: a log of the authentication does not need it.
  declare readonly digest: string;

  constructor(digest: string, issuer: string, { id, owner, expiresAt }: ConfirmedApiKey) {
    this.user = createAuthUser({
      ...owner,
      issuer,
      provider: 'api-key',
      clientId: id,
      expiresAt,
      credential: { kind: 'api-key', id, scheme: 'Bearer' },
    });
    this.credentialId = id;
    this.expiresAtMs = expiresAt?.getTime() ?? null;
    Object.defineProperty(this, 'digest', { value: digest });
  }
}

function hasExpired({ expiresAtMs }: Authentication, now: number): boolean {
  return expiresAtMs !== null && expiresAtMs <= now;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

function tooManyUnknown(): AuthUnavailableError {
  return new AuthUnavailableError('Too many unknown API keys wait for an answer of their provider', 1);
}
