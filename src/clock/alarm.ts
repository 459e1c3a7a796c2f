/** Wakes somebody up later. One alarm rings once; setting it anew forgets the time before. */
export abstract class Alarm {
  abstract set(delayMs: number, ring: () => void): void;
  abstract clear(): void;
}

/** The longest time that a timer of Node can be set to. */
const longestDelayMs = 2 ** 31 - 1;

/** An alarm by the machine's timers. It does not keep the process alive. */
export class TimerAlarm extends Alarm {
  private timer: NodeJS.Timeout | undefined;

  override set(delayMs: number, ring: () => void): void {
    this.clear();
    this.timer = setTimeout(ring, Math.min(delayMs, longestDelayMs)).unref();
  }

  override clear(): void {
    clearTimeout(this.timer);
  }
}
