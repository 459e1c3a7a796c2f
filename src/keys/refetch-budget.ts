/** How long a time the budget is for. */
const windowMs = 10_000;
const budget = 10;
/** What a fetch costs that did not bring the key that was wanted. */
const costInVain = 5;
/** What one costs that did. */
const costFound = 1;

/**
 * How often unknown key ids may have a key set fetched again. Made-up key ids cost two calls in ten seconds,
 * however many they are, and so delay a true rotation by ten seconds at the most; the second call is there to
 * notice that the server has stopped answering. True rotations cost less: only a server that shows another set
 * each time it is asked is slowed down.
 */
export class RefetchBudget {
  private windowEnds = 0;
  private spent = 0;

  isSpent(now: number): boolean {
    return this.isInWindow(now) && this.spent >= budget;
  }

  note(now: number, foundIt: boolean): void {
    if (!this.isInWindow(now)) {
      this.windowEnds = now + windowMs;
      this.spent = 0;
    }
    this.spent += foundIt ? costFound : costInVain;
  }

  /** Not before its start either, where a clock that was put back is. */
  private isInWindow(now: number): boolean {
    return now < this.windowEnds && now >= this.windowEnds - windowMs;
  }
}
