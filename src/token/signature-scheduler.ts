import { performance } from 'node:perf_hooks';

import { atEndOfCallback, atEndOfTurn } from '../clock/turn.js';

/** Where a signature is checked: on the main thread, or in libuv's thread pool. */
export type VerificationPlace = 'here' | 'pool';

/** Verifies one token. It returns a promise only where it must wait, for the thread pool or for keys. */
type Work<Result> = (place: VerificationPlace) => Result | Promise<Result>;

/**
 * How many milliseconds one turn of the event loop may spend on tokens before further tokens wait for the next turn.
 * The limit is higher for a caller that awaits one token after the other: only the limit interrupts that caller, and
 * each additional turn costs as much as one or two RSA checks.
 */
const sequentialBudgetMs = 4;
const concurrentBudgetMs = 2;

/**
 * The longest time that is counted for one token. A check takes a small part of it. A longer time means that the
 * operating system suspended the process, which an early end of the turn would not compensate.
 */
const maxCountedMs = 1;

/**
 * How many signatures may be in the pool at once: enough to keep its threads busy, and few enough that file operations
 * and DNS look-ups, which use the same pool, do not wait for hundreds of signatures.
 */
const maxInPool = 32;

interface Waiting {
  readonly start: (place: VerificationPlace) => void;
  next: Waiting | undefined;
}

/**
 * Decides when and where a token is verified. A single token is verified at once on the main thread, which has the
 * lowest latency; a further token that is scheduled after the first is done counts as single too. The signatures of
 * concurrent tokens are checked in libuv's thread pool. The time that one turn of the event loop spends on tokens is
 * limited; further tokens wait in a queue.
 *
 * Tokens are concurrent when they are scheduled in one tick (before the pending microtasks have run), or by several
 * callbacks in one turn of the event loop, as in a server under load, which reads several requests from its sockets in
 * one turn.
 */
export class SignatureScheduler {
  private first: Waiting | undefined;
  private last: Waiting | undefined;
  private inPool = 0;
  private calledInThisTick = false;
  private calledInThisCallback = false;
  private callbacksInThisTurn = 0;
  private endOfTurnIsScheduled = false;
  private spentInThisTurnMs = 0;

  /** @param stopwatch returns monotonic milliseconds; durations are real time, independent of the app's clock */
  constructor(private readonly stopwatch: () => number = monotonicNow) {}

  /** Runs the work at once if the limits allow it, otherwise when its turn in the queue comes. */
  schedule<Result>(work: Work<Result>): Result | Promise<Result> {
    if (this.first !== undefined) return this.wait(work);
    if (this.inPool > 0 || !this.isSingle()) {
      const mayStart = this.inPool < maxInPool && this.spentInThisTurnMs <= concurrentBudgetMs;
      return mayStart ? this.start(work, 'pool') : this.wait(work);
    }
    return this.spentInThisTurnMs <= sequentialBudgetMs ? this.start(work, 'here') : this.wait(work);
  }

  /** Takes a place in the pool. The caller calls `leavePool` when the job is done, before its result is used. */
  enterPool(): void {
    this.inPool += 1;
  }

  /** Frees a place in the pool and gives it to the next token in the queue. */
  leavePool(): void {
    this.inPool -= 1;
    if (this.first !== undefined) this.startWaiting();
  }

  /**
   * Records the call, and returns whether its token is single. It is not called while the pool is in use, because then
   * a token goes to the pool in any case.
   */
  private isSingle(): boolean {
    this.countCallback();
    if (this.calledInThisTick) return false;
    this.calledInThisTick = true;
    void resolved.then(this.endTick);
    return this.callbacksInThisTurn === 1;
  }

  private wait<Result>(work: Work<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const start = (place: VerificationPlace): void => {
        // An error of the work must reach its own caller, not the code that called `leavePool`.
        try {
          resolve(this.start(work, place));
        } catch (thrown) {
          const reason: Error = thrown as Error;
          reject(reason);
        }
      };
      const waiting = { start, next: undefined };
      if (this.last === undefined) this.first = waiting;
      else this.last.next = waiting;
      this.last = waiting;
    });
  }

  /**
   * Starts queued work. It runs when a place in the pool becomes free and at the end of a turn. One of the two always
   * follows while work is queued: work waits because the pool is full or because the time of the turn is spent, and
   * whenever time is counted, `endTurn` is scheduled.
   */
  private startWaiting(): void {
    while (this.first !== undefined && this.inPool < maxInPool && this.spentInThisTurnMs <= concurrentBudgetMs) {
      const { start, next } = this.first;
      // A reference from an object in the old generation would keep its successors from being collected in the young
      // one.
      this.first.next = undefined;
      this.first = next;
      if (next === undefined) this.last = undefined;
      start(this.inPool === 0 && next === undefined ? 'here' : 'pool');
    }
  }

  /**
   * Runs work, and counts its time unless it entered the pool. Jobs in the pool are limited by their number instead,
   * because reading the clock and scheduling `endTurn` for each costs more than parsing some of them.
   */
  private start<Result>(work: Work<Result>, place: VerificationPlace): Result | Promise<Result> {
    const inPoolBefore = this.inPool;
    const began = this.stopwatch();
    try {
      return work(place);
    } finally {
      if (this.inPool === inPoolBefore) {
        this.spentInThisTurnMs += Math.min(this.stopwatch() - began, maxCountedMs);
        this.scheduleEndOfTurn();
      }
    }
  }

  private scheduleEndOfTurn(): void {
    if (this.endOfTurnIsScheduled) return;
    this.endOfTurnIsScheduled = true;
    atEndOfTurn(this.endTurn);
  }

  private readonly endTurn = (): void => {
    this.endOfTurnIsScheduled = false;
    this.spentInThisTurnMs = 0;
    this.callbacksInThisTurn = 0;
    this.startWaiting();
  };

  private readonly endTick = (): void => {
    this.calledInThisTick = false;
  };

  private countCallback(): void {
    if (this.calledInThisCallback) return;
    this.calledInThisCallback = true;
    this.callbacksInThisTurn += 1;
    this.scheduleEndOfTurn();
    atEndOfCallback(this.endCallback);
  }

  private readonly endCallback = (): void => {
    this.calledInThisCallback = false;
  };
}

const resolved = Promise.resolve();

// Bound when this file is loaded, so that fake timers in an app's tests do not replace it.
const monotonicNow = performance.now.bind(performance);
