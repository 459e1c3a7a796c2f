import { Timer } from '../../src/clock/clock.js';

/** A timer that the test fires, and that shows the delay to which it was set. */
export class ManualTimer extends Timer {
  delayMs: number | null = null;
  private ringer: (() => void) | null = null;

  override set(delayMs: number, ring: () => void): void {
    this.delayMs = delayMs;
    this.ringer = ring;
  }

  override clear(): void {
    this.delayMs = null;
    this.ringer = null;
  }

  ring(): void {
    const { ringer } = this;
    this.clear();
    ringer?.();
  }
}
