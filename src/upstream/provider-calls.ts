import type { Clock } from '../clock/clock.js';
import { AuthUnavailableError, isAuthError, isRefusal } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { isUpstreamFailure } from './upstream-failure.js';

export interface WatchedCalls {
  /** What the calls get: `the profiles of https://issuer.example`. */
  readonly what: string;
  /** What happens during an outage. */
  readonly consequence: string;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

/** Outages that follow each other within this time are reported once. */
const quietMs = 60_000;

/** Reports an outage once when it begins and once when it ends, however many calls fail during it. */
export class OutageWatch {
  private beganAt: number | null = null;
  private reportedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly watched: WatchedCalls) {}

  noteFailure(problem: string): void {
    const now = this.now();
    if (this.beganAt !== null || Math.abs(now - this.reportedAt) < quietMs) return;
    const { what, consequence, report } = this.watched;
    this.beganAt = now;
    this.reportedAt = now;
    report({ type: 'outage-began', what, problem, consequence });
  }

  noteSuccess(): void {
    if (this.beganAt === null) return;
    const { what, report } = this.watched;
    const lastedSeconds = Math.max(0, Math.round((this.now() - this.beganAt) / 1_000));
    this.beganAt = null;
    report({ type: 'outage-ended', what, lastedSeconds });
  }

  private now(): number {
    return this.watched.clock.now().getTime();
  }
}

/** Makes the calls to one provider for one purpose: converts their failures into faults, and reports outages. */
export class ProviderCalls {
  private readonly watch: OutageWatch;

  constructor(private readonly watched: WatchedCalls) {
    this.watch = new OutageWatch(watched);
  }

  /**
   * Makes one call.
   *
   * @throws {AuthUnavailableError} for every failure that is no `AuthError` yet. It states the `Retry-After` of the
   * provider, or the default one.
   */
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      const result = await call();
      this.watch.noteSuccess();
      return result;
    } catch (error) {
      if (isRefusal(error)) throw error;
      const problem = problemOf(error);
      // Calls that wait for each other are no outage of the provider.
      if (!isUpstreamFailure(error) || error.problem !== 'congested') this.watch.noteFailure(problem);
      if (isAuthError(error)) throw error;
      const seconds = (isUpstreamFailure(error) ? error.retryAfterSeconds : null) ?? undefined;
      throw new AuthUnavailableError(`Cannot get ${this.watched.what}: ${problem}`, seconds, { cause: error });
    }
  }
}

/** For the log. The message of an error of the app's own code may repeat what that code was called with. */
function problemOf(error: unknown): string {
  if (isAuthError(error)) return error.explanation;
  if (isUpstreamFailure(error)) return error.message;
  return `the call threw ${error instanceof Error ? error.name : 'something'}`;
}
