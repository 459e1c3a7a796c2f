import { NodeTimer, type Clock, type Timer } from '../clock/clock.js';
import { AuthUnavailableError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { SingleFlight } from '../upstream/single-flight.js';
import { Backoff, RefetchCooldown } from './backoff.js';
import { type HeldKeys, holdKeys, type KeyFetch, putBack } from './held-keys.js';
import type { KeySet, VerificationKey } from './key-set.js';
import { KeySource, type KeyState } from './key-source.js';
import type { LoadedKeys } from './jwks-loader.js';

export interface RemoteKeySourceOptions {
  /** What is fetched, for the log: `the keys of https://issuer.example`. */
  readonly what: string;
  /** Fetches the whole set. Fails rather than give an empty one. */
  readonly load: () => Promise<LoadedKeys>;
  readonly clock: Clock;
  readonly report: ReportEvent;
  /** Seconds past their life for which keys serve on while the server does not answer. @defaultValue a day */
  readonly staleKeysForSeconds?: number | undefined;
  /** Keys to start with, until the server has been asked. */
  readonly initialKeys?: readonly VerificationKey[] | undefined;
  /** Wakes the source up to refresh without a request. @defaultValue the machine's timers */
  readonly timer?: Timer | undefined;
}

/**
 * The keys of an issuer that has a key server: the whole set is kept, fetched by one call whoever asks,
 * refreshed before it is old, and used on while the server is in trouble.
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
    // Nobody waits for what is there already, be it past its life: a machine that has slept is behind by one fetch.
    if (now >= held.refreshAt) this.refreshBehind(now);
    return held.set;
  }

  override async obtain(wanted: (keys: KeySet) => boolean): Promise<KeySet> {
    const atHand = this.current(this.now());
    if (atHand !== null && (wanted(atHand) || this.askedInVainLately())) return atHand;
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
    // A call that is under way may have been answered before the issuer dropped a key.
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
    if (this.held !== null && now < this.held.fetchedAt) this.held = putBack(this.held, now);
    return this.held;
  }

  /** Handed-in keys serve like fetched ones, and are replaced as soon as they are used and the server answers. */
  private holdInitial(): HeldKeys | null {
    const { initialKeys } = this.options;
    if (initialKeys === undefined) return null;
    const now = this.now();
    const loaded = { keys: initialKeys, maxAgeSeconds: null };
    const held = holdKeys(loaded, undefined, { fetch: { askedAt: now }, now, staleMs: this.staleMs });
    return { ...held, refreshAt: now };
  }

  /** While the server does not answer, "it has no such key" is not known, so that is no reason to refuse. */
  private askedInVainLately(): boolean {
    return this.cooldown.isSpent(this.now()) && !this.backoff.failing;
  }

  /** What is held already serves, when it has what is wanted and is not too old; else the fault stands. */
  private fallBack(error: unknown, wanted: (keys: KeySet) => boolean): KeySet {
    const now = this.now();
    const held = this.heldAt(now);
    if (held !== null && now < held.usableUntil && wanted(held.set)) return held.set;
    throw error;
  }

  private refreshBehind(now: number): void {
    if (this.closed || !this.backoff.mayTry(now)) return;
    // A failure is noted, reported and counted by the flight itself; here anonymousCaller waits for it.
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

  /** Keys stay fresh, and an outage ends, whether or not anybody asks. */
  private wake(): void {
    const now = this.now();
    const due = this.backoff.failing ? now + this.backoff.remainingMs(now) : (this.heldAt(now)?.refreshAt ?? now);
    // An app may hand in a clock that goes at its own pace: then the timer rings early by it.
    if (now < due) this.wakeIn(Math.max(due - now, 1_000));
    else this.refreshBehind(now);
  }

  private consequence(now: number): string {
    const until = this.heldAt(now)?.usableUntil ?? 0;
    return until > now
      ? `The keys that are known serve on, at the latest until ${new Date(until).toISOString()}`
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
