import { NodeTimer, type Clock, type Timer } from '../clock/clock.js';
import { AuthUnavailableError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { SingleFlight } from '../upstream/single-flight.js';
import { Backoff, RefetchCooldown } from './backoff.js';
import { type HeldKeys, holdKeys, type KeyFetch, rebaseTimes } from './held-keys.js';
import type { KeySet, VerificationKey } from './key-set.js';
import { KeySource, type KeyState } from './key-source.js';
import type { LoadedKeys } from './jwks-loader.js';

export interface RemoteKeySourceOptions {
  /** Names the keys in the log: `the keys of https://issuer.example`. */
  readonly what: string;
  /** Fetches the whole set. Rejects when the set has no usable key. */
  readonly load: () => Promise<LoadedKeys>;
  readonly clock: Clock;
  readonly report: ReportEvent;
  /** Seconds past their lifetime for which keys are used while the server does not answer. @defaultValue one day */
  readonly staleKeysForSeconds?: number | undefined;
  /** Keys that are used until the first fetch. */
  readonly initialKeys?: readonly VerificationKey[] | undefined;
  /** Starts the refreshes that no request causes. @defaultValue a timer of Node */
  readonly timer?: Timer | undefined;
}

/**
 * Provides the keys of an issuer that has a key server. It caches the whole set, shares one call among all requests,
 * refreshes the set before its lifetime ends, and keeps using it during an outage of the server.
 */
export class RemoteKeySource extends KeySource {
  private held: HeldKeys | null;
  private lastProblem: string | null = null;
  private closed = false;
  private readonly timer: Timer;
  private readonly staleMs: number;
  private readonly backoff = new Backoff();
  private readonly cooldown = new RefetchCooldown();
  private readonly flight = new SingleFlight<HeldKeys>();

  constructor(private readonly options: RemoteKeySourceOptions) {
    super();
    this.timer = options.timer ?? new NodeTimer();
    this.staleMs = (options.staleKeysForSeconds ?? 86_400) * 1_000;
    this.held = this.holdInitial();
  }

  override current(now = this.now()): KeySet | null {
    const held = this.heldAt(now);
    if (held === null || now >= held.usableUntil) return null;
    // No request waits while a usable set is cached, even a stale one: after the machine was suspended, the first
    // requests use the old keys while one fetch is under way.
    if (now >= held.refreshAt) this.refreshBehind(now);
    return held.set;
  }

  override async obtain(wanted: (keys: KeySet) => boolean): Promise<KeySet> {
    const cached = this.current(this.now());
    if (cached !== null && (wanted(cached) || this.isCoolingDown())) return cached;
    let newest: HeldKeys;
    try {
      newest = await this.fetchOnce();
    } catch (error) {
      return this.fallBack(error, wanted);
    }
    this.cooldown.note(newest.fetch, wanted(newest.set));
    return newest.set;
  }

  override async refresh(): Promise<void> {
    // The response of a call that is already under way may be older than the removal of a key.
    await this.flight.landed();
    await this.flight.run(() => this.fetch());
  }

  override state(): KeyState {
    const now = this.now();
    const held = this.heldAt(now);
    const next = this.backoff.failing ? now + this.backoff.remainingMs(now) : held?.refreshAt;
    return {
      status: this.statusOf(held, now),
      ageSeconds: held === null ? null : Math.round((now - held.fetchedAt) / 1_000),
      nextRefreshAt: next === undefined ? null : new Date(next),
      lastError: this.lastProblem,
    };
  }

  override close(): void {
    this.closed = true;
    this.timer.clear();
  }

  private statusOf(held: HeldKeys | null, now: number): KeyState['status'] {
    if (held === null) return this.backoff.failing ? 'missing' : 'unasked';
    if (now < held.freshUntil) return 'fresh';
    return now < held.usableUntil ? 'stale' : 'missing';
  }

  private heldAt(now: number): HeldKeys | null {
    if (this.held !== null && now < this.held.fetchedAt) this.held = rebaseTimes(this.held, now);
    return this.held;
  }

  /** Initial keys are used like fetched ones. Their first use starts a fetch that replaces them. */
  private holdInitial(): HeldKeys | null {
    const { initialKeys } = this.options;
    if (initialKeys === undefined) return null;
    const now = this.now();
    const loaded = { keys: initialKeys, maxAgeSeconds: null };
    const held = holdKeys(loaded, undefined, { fetch: { askedAt: now }, now, staleMs: this.staleMs });
    return { ...held, refreshAt: now };
  }

  /** The cooldown does not apply in an outage: as long as the server has not answered, a key may still be missing here. */
  private isCoolingDown(): boolean {
    return this.cooldown.isActive(this.now()) && !this.backoff.failing;
  }

  /** Gives the cached set if it contains what is wanted and is not too old; otherwise rethrows the error. */
  private fallBack(error: unknown, wanted: (keys: KeySet) => boolean): KeySet {
    const now = this.now();
    const held = this.heldAt(now);
    if (held !== null && now < held.usableUntil && wanted(held.set)) return held.set;
    throw error;
  }

  private refreshBehind(now: number): void {
    if (this.closed || !this.backoff.mayTry(now)) return;
    // `fetch` has already reported the failure, and no request waits for this promise.
    this.fetchOnce().catch(() => undefined);
  }

  private async fetchOnce(): Promise<HeldKeys> {
    const now = this.now();
    if (!this.backoff.mayTry(now)) throw this.fault(now);
    return this.flight.run(() => this.fetch());
  }

  private async fetch(): Promise<HeldKeys> {
    const fetch = { askedAt: this.now() };
    try {
      return this.keep(await this.options.load(), fetch);
    } catch (error) {
      throw this.noteFailure(error);
    }
  }

  private keep(loaded: LoadedKeys, fetch: KeyFetch): HeldKeys {
    const now = this.now();
    const held = holdKeys(loaded, this.held?.set, { fetch, now, staleMs: this.staleMs });
    this.held = held;
    this.lastProblem = null;
    const lastedMs = this.backoff.noteSuccess(now);
    if (lastedMs !== null) {
      const lastedSeconds = Math.round(lastedMs / 1_000);
      this.options.report({ type: 'outage-ended', what: this.options.what, lastedSeconds });
    }
    this.wakeIn(held.refreshAt - now);
    return held;
  }

  private noteFailure(error: unknown): AuthUnavailableError {
    const now = this.now();
    const problem = error instanceof Error ? error.message : 'it failed';
    this.lastProblem = problem;
    if (this.backoff.noteFailure(now)) {
      const { what, report } = this.options;
      report({ type: 'outage-began', what, problem, consequence: this.consequence(now) });
    }
    this.wakeIn(this.backoff.wakeInMs(now));
    return this.fault(now, error);
  }

  private wakeIn(delayMs: number): void {
    if (!this.closed) this.timer.set(Math.ceil(delayMs), () => this.wake());
  }

  /** Refreshes the keys, or retries in an outage, without a request. */
  private wake(): void {
    const now = this.now();
    const due = this.backoff.failing ? now + this.backoff.remainingMs(now) : (this.heldAt(now)?.refreshAt ?? now);
    // A clock of the app may run slower than the timer, which then fires too early.
    if (now < due) this.wakeIn(Math.max(due - now, 1_000));
    else this.refreshBehind(now);
  }

  private consequence(now: number): string {
    const until = this.heldAt(now)?.usableUntil ?? 0;
    return until > now
      ? `The known keys stay in use until ${new Date(until).toISOString()} at the latest`
      : 'Until it answers, tokens that need these keys are answered with 503';
  }

  private fault(now: number, cause?: unknown): AuthUnavailableError {
    const problem = this.lastProblem ?? 'it did not answer';
    const retryAfterSeconds = this.backoff.remainingMs(now) / 1_000;
    return new AuthUnavailableError(`Cannot get ${this.options.what}: ${problem}`, retryAfterSeconds, { cause });
  }

  private now(): number {
    return this.options.clock.now().getTime();
  }
}
