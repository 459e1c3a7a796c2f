import { atEndOfCallback, atEndOfTurn } from '../clock/turn.js';

/** Where a signature is checked: while everybody waits, or in libuv's thread pool. */
export type VerificationPlace = 'here' | 'pool';

/** Judges one token as far as it gets without waiting. */
type Work<Result> = (place: VerificationPlace) => Result | Promise<Result>;

/** Milliseconds that judging may take of one turn of the event loop before other work gets its chance. */
const turnBudgetMs = 2;

/**
 * How many signatures are in the pool at once: enough to keep its threads at work, few enough that a file or a name that is
 * looked up there does not wait behind hundreds, and that those which are done together hold up anonymousCaller for long.
 */
const mostInPool = 32;

/** Somebody who waits, and who comes after. */
interface Waiting {
  readonly start: (place: VerificationPlace) => void;
  next: Waiting | undefined;
}

/**
 * Decides when a token is judged and where. A lone one is judged here and now, which is the quickest for it, and
 * so is the next one that is asked for when that is done. As soon as several come at once, their signatures go to libuv's
 * thread pool; and however many come, the event loop is never kept for long: the rest wait for their turn.
 *
 * Several come at once when they are asked for in one breath (before the microtasks that are due have run), or by several
 * callbacks in one turn of the event loop: a server under load finds more than one request in its sockets.
 */
export class SignatureScheduler {
  private first: Waiting | undefined;
  private last: Waiting | undefined;
  private inPool = 0;
  private calledInThisBreath = false;
  private calledInThisCallback = false;
  private callbacksInThisTurn = 0;
  private turnIsMarked = false;
  private spentInThisTurnMs = 0;

  /** @param stopwatch milliseconds that only ever grow; how long work takes is real time, whatever the app's clock says */
  constructor(private readonly stopwatch: () => number = () => performance.now()) {}

  /** Has the work done at once where that harms anonymousCaller, else as soon as it can be. */
  schedule<Result>(work: Work<Result>): Result | Promise<Result> {
    if (this.first !== undefined || this.inPool >= mostInPool || this.hasSpentThisTurn()) return this.wait(work);
    return this.start(work, this.inPool === 0 && this.comesAlone() ? 'here' : 'pool');
  }

  /** Takes a place in the pool. Whoever does calls `leavePool` when the job there is done, before its result is used. */
  enterPool(): void {
    this.inPool += 1;
  }

  /** Gives the place to the next one. */
  readonly leavePool = (): void => {
    this.inPool -= 1;
    this.startWaiting();
  };

  /** Notes the call, and tells whether it is the only one. Not asked while somebody is in the pool, where it goes then anyway. */
  private comesAlone(): boolean {
    this.markCallback();
    const alone = !this.calledInThisBreath && this.callbacksInThisTurn === 1;
    this.markBreath();
    return alone;
  }

  private wait<Result>(work: Work<Result>): Promise<Result> {
    return new Promise((resolve) => {
      const start = (place: VerificationPlace): void => resolve(this.startLater(work, place));
      const waiting = { start, next: undefined };
      if (this.last === undefined) this.first = waiting;
      else this.last.next = waiting;
      this.last = waiting;
    });
  }

  /** Async, so that what the work throws reaches the one who waits and not the one who went before. */
  private async startLater<Result>(work: Work<Result>, place: VerificationPlace): Promise<Result> {
    return this.start(work, place);
  }

  private startWaiting(): void {
    while (this.first !== undefined && this.inPool < mostInPool && !this.hasSpentThisTurn()) {
      const { start, next } = this.first;
      // Else one that has grown old would keep all who came after it from the collector, long after they have gone.
      this.first.next = undefined;
      this.first = next;
      if (next === undefined) this.last = undefined;
      start(this.inPool === 0 && next === undefined ? 'here' : 'pool');
    }
  }

  /** What is spent is forgotten at the end of the turn; whoever waits because of it goes on then. */
  private start<Result>(work: Work<Result>, place: VerificationPlace): Result | Promise<Result> {
    this.markTurn();
    const began = this.stopwatch();
    try {
      return work(place);
    } finally {
      this.spentInThisTurnMs += this.stopwatch() - began;
    }
  }

  private hasSpentThisTurn(): boolean {
    return this.spentInThisTurnMs > turnBudgetMs;
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

  /** A breath lasts until the microtasks that are due have run: who calls again after that has used what was given before. */
  private markBreath(): void {
    if (this.calledInThisBreath) return;
    this.calledInThisBreath = true;
    void settled.then(this.endBreath);
  }

  private readonly endBreath = (): void => {
    this.calledInThisBreath = false;
  };

  private markCallback(): void {
    if (this.calledInThisCallback) return;
    this.calledInThisCallback = true;
    this.callbacksInThisTurn += 1;
    atEndOfCallback(this.endCallback);
  }

  private readonly endCallback = (): void => {
    this.calledInThisCallback = false;
  };
}

const settled = Promise.resolve();
