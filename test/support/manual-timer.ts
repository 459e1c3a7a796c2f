import { Timer } from '../../src/clock/clock.js';

/** A timer that the test fires, and that shows the delay to which it was set. */
export class ManualTimer extends Timer {
  delayMs: number | null = null;
  private callback: (() => void) | null = null;

  override set(delayMs: number, onElapsed: () => void): void {
    this.delayMs = delayMs;
    this.callback = onElapsed;
  }

  override clear(): void {
    this.delayMs = null;
    this.callback = null;
  }

  ring(): void {
    const { callback } = this;
    this.clear();
    callback?.();
  }
}
