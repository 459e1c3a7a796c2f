import { Alarm } from '../../src/clock/alarm.js';

/** An alarm that rings when the test says so, and tells what it was set to. */
export class HandAlarm extends Alarm {
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
