/** A clock that stands still until it is moved. Shared by an app and its issuer, it decides what "now" is for both. */
export class ManualClock {
  private milliseconds = Date.parse('2026-01-01T00:00:00Z');

  now(): Date {
    return new Date(this.milliseconds);
  }

  advanceSeconds(seconds: number): void {
    this.milliseconds += seconds * 1_000;
  }
}
