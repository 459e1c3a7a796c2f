import type { Algorithm } from '../keys/algorithm.js';
import type { VerificationKey } from '../keys/verification-key.js';
import { signatureFits, signatureFitsInPool } from './check-signature.js';
import type { ParsedToken } from './parse-token.js';

/** Milliseconds that signature checks may take in one turn of the event loop before the rest goes elsewhere. */
const turnBudgetMs = 2;

/**
 * Decides where a signature is checked. A lone token is checked here and now, which is the quickest for it.
 * As soon as several wait (called for in one breath, behind others in the pool, or when this turn of the
 * event loop has spent its time) they go to libuv's thread pool, so that other requests are served meanwhile.
 */
export class SignatureChecker {
  private inPool = 0;
  private calledInThisBreath = false;
  private spentInThisTurnMs = 0;

  /** @param stopwatch milliseconds that only ever grow; how long a check takes is real time, whatever the app's clock says */
  constructor(private readonly stopwatch: () => number = () => performance.now()) {}

  fits(token: ParsedToken, algorithm: Algorithm, key: VerificationKey): boolean | Promise<boolean> {
    if (this.inPool > 0 || this.calledInThisBreath || this.spentInThisTurnMs > turnBudgetMs) {
      return this.fitsInPool(token, algorithm, key);
    }
    this.calledInThisBreath = true;
    queueMicrotask(() => {
      this.calledInThisBreath = false;
    });
    const start = this.stopwatch();
    const fits = signatureFits(token, algorithm, key);
    this.spend(this.stopwatch() - start);
    return fits;
  }

  private async fitsInPool(token: ParsedToken, algorithm: Algorithm, key: VerificationKey): Promise<boolean> {
    this.inPool += 1;
    try {
      return await signatureFitsInPool(token, algorithm, key);
    } finally {
      this.inPool -= 1;
    }
  }

  private spend(milliseconds: number): void {
    if (this.spentInThisTurnMs === 0) {
      setImmediate(() => {
        this.spentInThisTurnMs = 0;
      });
    }
    this.spentInThisTurnMs += milliseconds;
  }
}
