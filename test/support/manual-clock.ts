/** A clock that the test advances. An app and its issuer can share it. */
export class ManualClock {
  private milliseconds = Date.parse('2026-01-01T00:00:00Z');

  now(): Date {
    return new Date(this.milliseconds);
  }

  advanceSeconds(seconds: number): void {
    this.milliseconds += seconds * 1_000;
  }
}
