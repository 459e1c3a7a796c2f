import type { Clock } from '../clock/clock.js';
import { FaultError } from '../errors/fault-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { OneFlight } from '../upstream/one-flight.js';
import { Backoff } from './backoff.js';
import { KeySet } from './key-set.js';
import { KeySource } from './key-source.js';
import type { LoadedKeys } from './loaded-keys.js';
import type { VerificationKey } from './verification-key.js';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** How long keys are kept when the server does not say. */
const usualLifeMs = 10 * minute;
const shortestLifeMs = minute;
const longestLifeMs = 24 * hour;
/** The part of their life after which keys are fetched anew behind the requests' backs. */
const refreshAhead = 0.8;
/** How long past their life keys serve on while the server does not answer. */
const staleMs = 24 * hour;
/** How long it is not asked again after it was asked for a key in vain. */
const pauseAfterMissMs = 10 * second;

export interface RemoteKeySourceOptions {
  /** What is fetched, for the log: `keys of https://issuer.example`. */
  readonly what: string;
  /** Fetches the whole set. Fails rather than give an empty one. */
  readonly load: () => Promise<LoadedKeys>;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

interface HeldKeys {
  readonly set: KeySet;
  readonly refreshAt: number;
  readonly freshUntil: number;
  readonly usableUntil: number;
}

/**
 * The keys of an issuer that has a key server: the whole set is kept, fetched by one call whoever asks,
 * refreshed before it is old, and used on while the server is in trouble.
 */
export class RemoteKeySource extends KeySource {
  private held: HeldKeys | null = null;
  private missPauseUntil = 0;
  private readonly backoff = new Backoff();
  private readonly flight = new OneFlight<KeySet>();

  constructor(private readonly options: RemoteKeySourceOptions) {
    super();
  }

  override current(): KeySet | null {
    const held = this.held;
    if (held === null) return null;
    const now = this.now();
    if (now < held.refreshAt) return held.set;
    if (now >= held.usableUntil) return null;
    // Past its life a set is only used unasked while the server is known not to answer: a key may have
    // been withdrawn since, and a quiet night must not let it in once more in the morning. That it did not
    // answer before the night says nothing about the morning.
    if (now >= held.freshUntil && !this.backoff.failsStill(now)) return null;
    this.refreshBehind(now);
    return held.set;
  }

  override async obtain(wanted: (keys: KeySet) => boolean): Promise<KeySet> {
    const atHand = this.current();
    if (atHand !== null && (wanted(atHand) || this.now() < this.missPauseUntil)) return atHand;
    const newest = await this.refresh().catch((error: unknown) => this.fallBack(error, wanted));
    // Only a call in vain starts the pause: a stranger's made-up key ids are damped, a rotation is not.
    if (!wanted(newest)) this.missPauseUntil = this.now() + pauseAfterMissMs;
    return newest;
  }

  /** What is held already serves, when it has what is wanted and is not too old; else the fault stands. */
  private fallBack(error: unknown, wanted: (keys: KeySet) => boolean): KeySet {
    const held = this.held;
    if (held !== null && this.now() < held.usableUntil && wanted(held.set)) return held.set;
    throw error;
  }

  private refreshBehind(now: number): void {
    if (!this.backoff.mayTry(now)) return;
    // A failure is noted, reported and counted by the flight itself; here nobody waits for it.
    this.refresh().catch(() => undefined);
  }

  private async refresh(): Promise<KeySet> {
    const now = this.now();
    if (!this.backoff.mayTry(now)) throw this.fault(now);
    return this.flight.run(() => this.fetch());
  }

  private async fetch(): Promise<KeySet> {
    try {
      const loaded = await this.options.load();
      return this.keep(loaded);
    } catch (error) {
      throw this.noteFailure(error);
    }
  }

  private keep(loaded: LoadedKeys): KeySet {
    const now = this.now();
    const life = loaded.maxAgeSeconds === null ? usualLifeMs : loaded.maxAgeSeconds * second;
    const lifeMs = Math.min(Math.max(life, shortestLifeMs), longestLifeMs);
    const set = new KeySet(loaded.keys.map((key) => this.sameAsBefore(key)));
    this.held = {
      set,
      refreshAt: now + lifeMs * refreshAhead,
      freshUntil: now + lifeMs,
      usableUntil: now + lifeMs + staleMs,
    };
    const lastedMs = this.backoff.noteSuccess(now);
    if (lastedMs !== null) {
      const lastedSeconds = Math.round(lastedMs / second);
      this.options.report({ type: 'outage-ended', what: this.options.what, lastedSeconds });
    }
    return set;
  }

  /** A key that was there before stays the same object, so that what it has verified stays verified. */
  private sameAsBefore(key: VerificationKey): VerificationKey {
    return this.held?.set.keys.find((known) => known.identity === key.identity) ?? key;
  }

  private noteFailure(error: unknown): FaultError {
    const now = this.now();
    const problem = error instanceof Error ? error.message : 'it failed';
    const first = this.backoff.noteFailure(now);
    if (first) {
      const { what, report } = this.options;
      report({ type: 'outage-began', what, problem, consequence: this.consequence(now) });
    }
    return this.fault(now, problem, error);
  }

  private consequence(now: number): string {
    const until = this.held?.usableUntil ?? 0;
    return until > now
      ? `The keys that are known serve on, at the latest until ${new Date(until).toISOString()}`
      : 'Until it answers, tokens that need these keys are answered with 503';
  }

  private fault(now: number, problem = 'it did not answer when it was last asked', cause?: unknown): FaultError {
    return new FaultError(`Cannot get ${this.options.what}: ${problem}`, this.backoff.remainingMs(now) / second, {
      cause,
    });
  }

  private now(): number {
    return this.options.clock.now().getTime();
  }
}
