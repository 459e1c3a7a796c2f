/** What is scheduled: `dueAt` is set by the schedule, in milliseconds since 1970. */
export interface Scheduled {
  dueAt: number;
}

/**
 * Entries by the second in which they are due. Each operation takes constant time: the due times are within a minute, so
 * there are about sixty seconds with entries, however many entries there are.
 */
export class RecheckSchedule<Entry extends Scheduled> {
  private readonly bySecond = new Map<number, Set<Entry>>();

  /** Adds an entry, or moves it, to the first whole second that is not before `at`. */
  set(entry: Entry, at: number): void {
    this.delete(entry);
    entry.dueAt = Math.ceil(at / 1_000) * 1_000;
    const entries = this.bySecond.get(entry.dueAt);
    if (entries === undefined) this.bySecond.set(entry.dueAt, new Set([entry]));
    else entries.add(entry);
  }

  delete(entry: Entry): void {
    const entries = this.bySecond.get(entry.dueAt);
    if (entries?.delete(entry) === true && entries.size === 0) this.bySecond.delete(entry.dueAt);
  }

  /** When the first entry is due; infinite without entries. */
  nextDueAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const second of this.bySecond.keys()) next = Math.min(next, second);
    return next;
  }

  /** Removes one entry that is due, and returns it; `undefined` if none is. */
  takeDue(now: number): Entry | undefined {
    const next = this.nextDueAt();
    if (next > now) return undefined;
    for (const entry of this.bySecond.get(next) ?? []) {
      this.delete(entry);
      return entry;
    }
    return undefined;
  }

  clear(): void {
    this.bySecond.clear();
  }
}
