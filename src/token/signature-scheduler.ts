import { performance } from 'node:perf_hooks';

import { atEndOfCallback, atEndOfTurn } from '../clock/turn.js';

/** Where a signature is checked: on the main thread, or in libuv's thread pool. */
export type VerificationPlace = 'here' | 'pool';

/** Verifies one token as far as that is possible without waiting. */
type Work<Result> = (place: VerificationPlace) => Result | Promise<Result>;

/**
 * Milliseconds of one turn of the event loop after which a token waits for the next turn. A caller that awaits one token
 * after the other gets more of them, because nothing but a turn of its own interrupts it, and each turn costs as much as
 * one or two RSA checks.
 */
const aloneBudgetMs = 4;
const sharedBudgetMs = 2;

/**
 * The most that is counted for one token. A check takes a small part of that. Where it seems to take longer, the process has
 * had to give its core to others meanwhile, and to end the turn early would not make up for it.
 */
const longestCountedMs = 1;

/**
 * How many signatures are in the pool at once. It is enough to keep the threads of the pool busy, and few enough that a
 * file or a host name that is looked up there does not wait behind hundreds of signatures.
 */
const maxInPool = 32;

interface Waiting {
  readonly start: (place: VerificationPlace) => void;
  next: Waiting | undefined;
}

/**
 * Decides when a token is verified and where. A token that comes alone is verified at once on the main thread, which is
 * the fastest way for it, and so is the next one that is asked for when the first is done. As soon as several tokens come
 * together, their signatures are checked in libuv's thread pool. The time that one turn of the event loop spends on
 * tokens is limited; the rest of them wait in a queue.
 *
 * Tokens come together when they are asked for in one tick (before the pending microtasks have run), or by several
 * callbacks in one turn of the event loop: a server under load finds more than one request in its sockets.
 */
export class SignatureScheduler {
  private first: Waiting | undefined;
  private last: Waiting | undefined;
  private inPool = 0;
  private calledInThisTick = false;
  private calledInThisCallback = false;
  private callbacksInThisTurn = 0;
  private turnIsMarked = false;
  private spentInThisTurnMs = 0;

  /** @param stopwatch monotonic milliseconds; how long work takes is real time, whatever the app's clock says */
  constructor(private readonly stopwatch: () => number = monotonicNow) {}

  /** Runs the work at once where it delays nobody for long, otherwise as soon as it may run. */
  schedule<Result>(work: Work<Result>): Result | Promise<Result> {
    if (this.first !== undefined) return this.wait(work);
    if (this.inPool > 0 || !this.comesAlone()) {
      const mayStart = this.inPool < maxInPool && this.spentInThisTurnMs <= sharedBudgetMs;
      return mayStart ? this.start(work, 'pool') : this.wait(work);
    }
    return this.spentInThisTurnMs <= aloneBudgetMs ? this.start(work, 'here') : this.wait(work);
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

  /** Notes the call, and tells whether it comes alone. It is not asked while the pool is in use: then the pool is the place. */
  private comesAlone(): boolean {
    this.markCallback();
    if (this.calledInThisTick) return false;
    this.calledInThisTick = true;
    void settled.then(this.endTick);
    return this.callbacksInThisTurn === 1;
  }

  private wait<Result>(work: Work<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const start = (place: VerificationPlace): void => {
        // What the work throws belongs to the caller that waits for it, not to the one whose job has just ended.
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
   * Called when a place in the pool gets free and at the end of a turn. A token waits only for one of the two, because time is
   * only counted in a turn that is marked.
   */
  private startWaiting(): void {
    while (this.first !== undefined && this.inPool < maxInPool && this.spentInThisTurnMs <= sharedBudgetMs) {
      const { start, next } = this.first;
      // An old object that still points to its successors would keep them from the minor collector.
      this.first.next = undefined;
      this.first = next;
      if (next === undefined) this.last = undefined;
      start(this.inPool === 0 && next === undefined ? 'here' : 'pool');
    }
  }

  /**
   * Counts the time of work that did not enter the pool. What enters it is limited by the number of places, and to read the
   * clock and to mark the turn for each of them costs more than to parse some of them.
   */
  private start<Result>(work: Work<Result>, place: VerificationPlace): Result | Promise<Result> {
    const inPoolBefore = this.inPool;
    const began = this.stopwatch();
    try {
      return work(place);
    } finally {
      if (this.inPool === inPoolBefore) {
        this.spentInThisTurnMs += Math.min(this.stopwatch() - began, longestCountedMs);
        this.markTurn();
      }
    }
  }

  private markTurn(): void {
    if (this.turnIsMarked) return;
    this.turnIsMarked = true;
    atEndOfTurn(this.endTurn);
  }

  private readonly endTurn = (): void => {
    this.turnIsMarked = false;
    this.spentInThisTurnMs = 0;
    this.callbacksInThisTurn = 0;
    this.startWaiting();
  };

  private readonly endTick = (): void => {
    this.calledInThisTick = false;
  };

  private markCallback(): void {
    if (this.calledInThisCallback) return;
    this.calledInThisCallback = true;
    this.callbacksInThisTurn += 1;
    this.markTurn();
    atEndOfCallback(this.endCallback);
  }

  private readonly endCallback = (): void => {
    this.calledInThisCallback = false;
  };
}

const settled = Promise.resolve();

// Taken when this file is loaded, so that fake timers in the tests of an app do not stop it.
const monotonicNow = performance.now.bind(performance);
