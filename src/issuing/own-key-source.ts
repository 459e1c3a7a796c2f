import { type Clock, readMilliseconds } from '../clock/clock.js';
import { AuthUnavailableError, isAuthError, isConfigurationError } from '../errors/auth-error.js';
import { Backoff } from '../keys/backoff.js';
import { readKeys } from '../keys/jwks-loader.js';
import { IndexedKeySet, type KeySet } from '../keys/key-set.js';
import { KeySource, type KeyState } from '../keys/key-source.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { isThenable, type MaybePromise } from '../token/maybe-promise.js';
import { OutageWatch } from '../upstream/provider-calls.js';
import { SingleFlight } from '../upstream/single-flight.js';
import { isUpstreamFailure } from '../upstream/upstream-failure.js';
import type { PublicJwk, SigningKeys } from './signing-keys.js';

export interface OwnKeySourceParts {
  /** Looked for at the first use, because any module may provide them. */
  readonly findSigningKeys: () => SigningKeys;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

/** How old the set may be before it is read again in the background. */
const freshMs = 60_000;
/** From this age on callers wait for a reading, if it succeeds: keys may have been removed while nobody called. */
const waitMs = 10 * 60_000;
/** How long the set is used while it cannot be read. */
const usableMs = 24 * 60 * 60_000;

/** How many readings in vain unknown key ids cause within a time, whatever their number. */
const mostVainReadings = 3;
const vainWindowMs = 10_000;

interface HeldSet {
  readonly set: KeySet;
  /** What the set was made of. */
  readonly published: readonly PublicJwk[];
  /** The start of the last reading that succeeded. */
  readonly readAt: number;
}

/**
 * Provides the keys that verify the app's own tokens, from its `SigningKeys`: without network, and without waiting once they
 * were read. They are read again, by use, when they are older than a minute, and at once for a key id that is not among them.
 */
export class OwnKeySource extends KeySource {
  private held: HeldSet | null = null;
  /** Whether `published` answers from memory, so that asking it costs nothing. */
  private answersAtOnce = false;
  /** How many readings were started. */
  private readings = 0;
  private readonly vainReadings: number[] = [];
  private lastVainReading = 0;
  private closed = false;
  private problem: string | null = null;
  private readonly backoff = new Backoff();
  private readonly outage: OutageWatch;
  /** Gives the number of the reading. */
  private readonly flight = new SingleFlight<number>();

  constructor(private readonly parts: OwnKeySourceParts) {
    super();
    this.outage = new OutageWatch({
      ...parts,
      what: "the keys of the app's own tokens",
      consequence: 'Known keys stay in use for a day. Tokens that need other keys are answered with 503',
    });
  }

  override current(now = this.now()): KeySet | null {
    const { held } = this;
    if (held === null) return null;
    // A clock that was set back shows a time before the reading.
    const age = Math.abs(now - held.readAt);
    if (age < freshMs) return held.set;
    if (age >= usableMs || (age >= waitMs && !this.backoff.failing)) return null;
    if (!this.closed && this.backoff.mayTry(now)) this.flight.run(this.read).catch(() => undefined);
    return held.set;
  }

  override async obtain(wanted: (keys: KeySet) => boolean): Promise<KeySet> {
    const readingsBefore = this.readings;
    for (;;) {
      const known = this.peek();
      if (known !== null && (wanted(known) || this.isBudgetSpent())) return known;
      let reading: number;
      try {
        reading = await this.readOnce();
      } catch (error) {
        return this.fallBack(error, wanted);
      }
      const set = this.held?.set ?? new IndexedKeySet([]);
      if (wanted(set)) return set;
      // A reading that was in progress may have begun before the key was added; one that began later has not missed it.
      if (reading > readingsBefore) {
        this.noteVain(reading);
        return set;
      }
    }
  }

  /**
   * The same keys as JWKs, for the app to publish.
   *
   * @throws {AuthUnavailableError} when none is known and they cannot be read.
   */
  async published(): Promise<readonly PublicJwk[]> {
    if (this.peek() === null) await this.obtain(() => true);
    return this.held?.published ?? [];
  }

  override async refresh(): Promise<void> {
    await this.flight.landed();
    await this.flight.run(this.read);
  }

  override state(): KeyState {
    const now = this.now();
    const { held, problem } = this;
    const next = this.backoff.failing ? now + this.backoff.remainingMs(now) : held && held.readAt + freshMs;
    return {
      status: this.statusAt(now),
      ageSeconds: held === null ? null : Math.round((now - held.readAt) / 1_000),
      nextRefreshAt: next === null ? null : new Date(next),
      lastError: problem,
    };
  }

  override close(): void {
    this.closed = true;
  }

  private statusAt(now: number): KeyState['status'] {
    if (this.held === null) return this.backoff.failing ? 'missing' : 'unasked';
    if (!this.backoff.failing) return 'fresh';
    return this.isUsable(this.held, now) ? 'stale' : 'missing';
  }

  private isUsable(held: HeldSet, now: number): boolean {
    return Math.abs(now - held.readAt) < usableMs;
  }

  /** The set without waiting, with what the keys know in memory: a key that was created in this process is among them. */
  private peek(): KeySet | null {
    const set = this.current();
    if (set === null || !this.answersAtOnce) return set;
    this.adoptFromMemory(this.parts.findSigningKeys().published());
    return this.held?.set ?? set;
  }

  private async readOnce(): Promise<number> {
    const now = this.now();
    if (!this.backoff.mayTry(now)) throw this.fault(undefined);
    return this.flight.run(this.read);
  }

  private readonly read = async (): Promise<number> => {
    this.readings += 1;
    const reading = this.readings;
    const readAt = this.now();
    try {
      const keys = this.parts.findSigningKeys();
      const fault = await findFault(() => keys.refresh());
      const published = keys.published();
      this.answersAtOnce = !isThenable(published);
      if (fault === null) this.adopt(await published, readAt);
      else this.adoptFromMemory(published);
      if (fault !== null) throw fault.error;
    } catch (error) {
      throw this.noteFailure(error);
    }
    this.problem = null;
    this.backoff.noteSuccess(this.now());
    this.outage.noteSuccess();
    return reading;
  };

  /** During an outage, keys whose time is over are dropped as well. What is not in memory is not waited for. */
  private adoptFromMemory(published: MaybePromise<readonly PublicJwk[]>): void {
    if (isThenable(published)) published.catch(() => undefined);
    else this.adopt(published, null);
  }

  /** @param readAt `null` to leave the age of the set as it is */
  private adopt(published: readonly PublicJwk[], readAt: number | null): void {
    const { held } = this;
    const set = held?.published === published ? held.set : toKeySet(published, held?.set);
    this.held = { set, published, readAt: readAt ?? held?.readAt ?? this.now() - freshMs };
  }

  /** Gives the known set if it contains what is wanted and is not too old; otherwise rethrows the error. */
  private fallBack(error: unknown, wanted: (keys: KeySet) => boolean): KeySet {
    const { held } = this;
    if (held !== null && this.isUsable(held, this.now()) && wanted(held.set)) return held.set;
    throw error;
  }

  private isBudgetSpent(): boolean {
    const now = this.now();
    const recent = this.vainReadings.filter((at) => now >= at && now < at + vainWindowMs);
    return recent.length >= mostVainReadings;
  }

  private noteVain(reading: number): void {
    // Requests that shared a reading count once.
    if (reading === this.lastVainReading) return;
    this.lastVainReading = reading;
    this.vainReadings.push(this.now());
    if (this.vainReadings.length > mostVainReadings) this.vainReadings.shift();
  }

  private noteFailure(error: unknown): unknown {
    if (isConfigurationError(error)) return error;
    this.problem = problemOf(error);
    this.backoff.noteFailure(this.now());
    this.outage.noteFailure(this.problem);
    return isAuthError(error) ? error : this.fault(error);
  }

  private fault(cause: unknown): AuthUnavailableError {
    const explanation = `Cannot get the keys of the app's own tokens: ${this.problem ?? 'they were not read yet'}`;
    return new AuthUnavailableError(explanation, this.backoff.remainingMs(this.now()) / 1_000, { cause });
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

/** A set of the published keys. Keys that have not changed stay the same objects, and so does a set that has not. */
function toKeySet(published: readonly PublicJwk[], before: KeySet | undefined): KeySet {
  const known = new Map((before?.keys ?? []).map((key) => [key.identity, key]));
  const keys = readKeys(published).map((key) => known.get(key.identity) ?? key);
  const isSame = before?.keys.length === keys.length && keys.every((key) => before.has(key));
  return isSame ? before : new IndexedKeySet(keys);
}

async function findFault(call: () => Promise<void>): Promise<{ readonly error: unknown } | null> {
  try {
    await call();
    return null;
  } catch (error) {
    return { error };
  }
}

/** For the log. What the client of a key service throws may repeat its address, and a secret with it. */
function problemOf(error: unknown): string {
  if (isAuthError(error)) return error.explanation;
  return isUpstreamFailure(error) ? error.message : 'it failed';
}
