import type { Clock } from '../clock/clock.js';
import type { ReportEvent } from '../telemetry/auth-event.js';

export interface WatchedThing {
  /** What cannot be had: `the profiles of https://issuer.example`. */
  readonly what: string;
  /** What goes on in the meantime. */
  readonly consequence: string;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

/** What works every other moment is reported once in a while, not at each turn. */
const quietMs = 60_000;

/** Reports an outage once when it begins and once when it ends, however many calls it fails. */
export class OutageWatch {
  private beganAt: number | null = null;
  private reportedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly watched: WatchedThing) {}

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
