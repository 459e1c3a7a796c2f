/** Wakes somebody up later. One timer rings once; setting it anew forgets the time before. */
export abstract class Timer {
  abstract set(delayMs: number, ring: () => void): void;
  abstract clear(): void;
}

/** The longest time that a timer of Node can be set to. */
const longestDelayMs = 2 ** 31 - 1;

/** An timer by the machine's timers. It does not keep the process alive. */
export class NodeTimer extends Timer {
  private timer: NodeJS.Timeout | undefined;

  override set(delayMs: number, ring: () => void): void {
    this.clear();
    this.timer = setTimeout(ring, Math.min(delayMs, longestDelayMs)).unref();
  }

  override clear(): void {
    clearTimeout(this.timer);
  }
}
