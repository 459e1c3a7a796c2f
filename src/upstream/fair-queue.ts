import { type LinkedItem, LinkedList } from './linked-list.js';

export interface FairQueueLimits {
  /** How many calls may be in progress. */
  readonly mostRunning: number;
  /** How many calls of one group may wait. @defaultValue no limit */
  readonly mostWaitingOfGroup?: number;
  /** How many calls may wait in all. @defaultValue no limit */
  readonly mostWaiting?: number;
}

/** How a call waits. */
export interface QueuedCall {
  /** Calls of one group have their turns one after the other. @defaultValue one group for all calls without */
  readonly group?: string;
  /** How long the call may wait. */
  readonly patienceMs: number;
  /** Makes the error of a call that had no turn in this time, or for which there was no room. */
  readonly toError: () => Error;
}

/** A call that waits for its turn. */
interface Waiter {
  readonly group: Group;
  readonly start: () => void;
  readonly refuse: () => void;
  /** Its place among the calls of its group. */
  place: LinkedItem<Waiter> | null;
}

/** The calls of a group that wait, in the order in which they came. */
interface Group {
  readonly name: string;
  readonly waiters: LinkedList<Waiter>;
  size: number;
  /** Its place among the groups that have their turn one after the other. */
  turn: LinkedItem<Group> | null;
  /** Its place among the groups of its size. */
  rank: LinkedItem<Group> | null;
}

/**
 * Limits how many calls are in progress. The others wait; when a call ends, each group that waits has its turn, so that a
 * group with many calls does not delay the single call of another one by more than one call.
 *
 * When as many wait as may wait, a call takes the place of the newest call of the longest group, provided that its own group is
 * still shorter than that one was: the calls of a few groups cannot keep out all others. Each step takes the same time, however
 * many groups there are.
 */
export class FairQueue {
  private running = 0;
  private waiting = 0;
  private readonly groups = new Map<string, Group>();
  /** In the order in which they have their turn. */
  private readonly turns = new LinkedList<Group>();
  /** The groups of each size, by the size. Sizes change by one, so the longest one is known without a search. */
  private readonly ranks: LinkedList<Group>[] = [];
  private longest = 0;

  constructor(private readonly limits: FairQueueLimits) {}

  /** Waits for a turn, and makes the call, which is told how many milliseconds it has waited: 0 if it had its turn at once. */
  async run<Result>(call: (waitedMs: number) => Promise<Result>, how: QueuedCall): Promise<Result> {
    let waitedMs = 0;
    if (this.running < this.limits.mostRunning) this.running += 1;
    else {
      const before = performance.now();
      await this.wait(how);
      waitedMs = performance.now() - before;
    }
    try {
      return await call(waitedMs);
    } finally {
      this.passOn();
    }
  }

  private wait({ group: name = '', patienceMs, toError }: QueuedCall): Promise<void> {
    if (!this.makeRoom(name)) return Promise.reject(toError());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.remove(waiter);
        reject(toError());
      }, patienceMs);
      const waiter: Waiter = {
        group: this.groupOf(name),
        start: () => {
          clearTimeout(timer);
          resolve();
        },
        refuse: () => {
          clearTimeout(timer);
          reject(toError());
        },
        place: null,
      };
      this.add(waiter);
    });
  }

  /** @returns whether a call of the group may wait */
  private makeRoom(name: string): boolean {
    const { mostWaiting = Number.POSITIVE_INFINITY, mostWaitingOfGroup = mostWaiting } = this.limits;
    const size = this.groups.get(name)?.size ?? 0;
    if (size >= mostWaitingOfGroup) return false;
    if (this.waiting < mostWaiting) return true;
    // Otherwise two groups of the same size would take turns at displacing each other.
    return size + 1 < this.longest && this.displaceOne();
  }

  private displaceOne(): boolean {
    const displaced = this.ranks[this.longest]?.first?.waiters.last;
    if (displaced === undefined) return false;
    this.remove(displaced);
    displaced.refuse();
    return true;
  }

  /** Gives the turn of a call that has ended to the next group. */
  private passOn(): void {
    const group = this.turns.first;
    const waiter = group?.waiters.first;
    if (group === undefined || waiter === undefined) {
      this.running -= 1;
      return;
    }
    // The group goes to the end of the line.
    if (group.turn !== null) this.turns.remove(group.turn);
    group.turn = this.turns.add(group);
    this.remove(waiter);
    waiter.start();
  }

  private groupOf(name: string): Group {
    return this.groups.get(name) ?? { name, waiters: new LinkedList(), size: 0, turn: null, rank: null };
  }

  private add(waiter: Waiter): void {
    const { group } = waiter;
    waiter.place = group.waiters.add(waiter);
    this.waiting += 1;
    if (group.size === 0) {
      this.groups.set(group.name, group);
      group.turn = this.turns.add(group);
    }
    this.resize(group, group.size + 1);
  }

  private remove(waiter: Waiter): void {
    const { group, place } = waiter;
    if (place === null) return;
    waiter.place = null;
    group.waiters.remove(place);
    this.waiting -= 1;
    this.resize(group, group.size - 1);
    if (group.size > 0 || group.turn === null) return;
    this.groups.delete(group.name);
    this.turns.remove(group.turn);
    group.turn = null;
  }

  private resize(group: Group, size: number): void {
    if (group.rank !== null) this.ranks[group.size]?.remove(group.rank);
    group.size = size;
    group.rank = size === 0 ? null : (this.ranks[size] ??= new LinkedList()).add(group);
    if (size > this.longest) this.longest = size;
    if (this.ranks[this.longest]?.first !== undefined) return;
    // It was the only one of the greatest size.
    this.longest = size;
    this.ranks.length = size + 1;
  }
}
