import type { Clock } from '../clock/clock.js';

/**
 * Whether a provider is called: `closed`, it is; `open`, it is not for some seconds, because it failed to answer several
 * times in a row; `half-open`, one call tests whether it answers again.
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Failures in a row after which the breaker opens. */
export const failuresToOpen = 5;
/** How long it stays open before one call tests the provider. */
const coolDownMs = 10_000;

/** Stops the calls to a provider that does not answer. Its times are those of the app's clock. */
export class CircuitBreaker {
  private failures = 0;
  private openedAt: number | null = null;
  private isTesting = false;

  constructor(
    private readonly clock: Clock,
    /** Whether an error of a call indicates an outage of the provider. */
    private readonly isOutage: (error: unknown) => boolean,
  ) {}

  get state(): BreakerState {
    if (this.openedAt === null) return 'closed';
    return this.isTesting ? 'half-open' : 'open';
  }

  /** Whether a call is refused now. While one call tests the provider, the others are refused and do not wait for it. */
  get isRefusing(): boolean {
    return this.isTesting || this.remainingMs() > 0;
  }

  /** Milliseconds until a call may test the provider. */
  remainingMs(): number {
    if (this.openedAt === null) return 0;
    const passed = this.now() - this.openedAt;
    // A clock that was set back must not prolong the pause.
    return passed < 0 ? 0 : Math.max(0, coolDownMs - passed);
  }

  /** Makes a call, which must not be refused, and counts its outcome. */
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.openedAt !== null) return this.test(call);
    try {
      const result = await call();
      this.failures = 0;
      return result;
    } catch (error) {
      if (this.isOutage(error)) this.noteFailure();
      throw error;
    }
  }

  private async test<Result>(call: () => Promise<Result>): Promise<Result> {
    this.isTesting = true;
    let isOver = true;
    try {
      return await call();
    } catch (error) {
      isOver = !this.isOutage(error);
      throw error;
    } finally {
      this.isTesting = false;
      this.failures = 0;
      this.openedAt = isOver ? null : this.now();
    }
  }

  private noteFailure(): void {
    this.failures += 1;
    // Calls that started earlier may fail after it has opened.
    if (this.failures >= failuresToOpen) this.openedAt ??= this.now();
  }

  private now(): number {
    return this.clock.now().getTime();
  }
}
