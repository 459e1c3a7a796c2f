import { AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import { DpopReplayStore } from './dpop-replay-store.js';

/** How many proofs are remembered: 1,000 a second for five minutes. */
const usualMost = 300_000;
/** Which part of the memory the proofs of one key may take, so that one client cannot keep out all others. */
const partOfOneKey = 1 / 10;
/** How many of the oldest entries each call looks at. */
const sweptEach = 2;
/** How long a store that is full waits before it looks through all entries again. */
const sweepEveryMs = 1_000;

/** A key that has made proofs which are remembered. It is forgotten with the last of them, so there are never more keys than proofs. */
interface ProofKey {
  readonly jkt: string;
  proofs: number;
}

interface UsedProof {
  readonly expiresAt: number;
  readonly by: ProofKey;
}

/** A `DpopReplayStore` in memory: what an app of one process needs. Its entries end with the process. */
export class MemoryDpopReplayStore extends DpopReplayStore {
  /** In the order in which they came. */
  private readonly used = new Map<string, UsedProof>();
  private readonly keys = new Map<string, ProofKey>();
  private readonly mostOfOneKey: number;
  private sweptAt = Number.NEGATIVE_INFINITY;

  /** @param most how many proofs are remembered at one time; those of one key up to a tenth of it, and at least one */
  constructor(private readonly most = usualMost) {
    super();
    this.mostOfOneKey = Math.max(1, Math.floor(most * partOfOneKey));
  }

  /** @throws {RefusalError} `TOO_MANY_ATTEMPTS` when the proofs of one key take their part of the memory. */
  override remember(key: string, expiresAt: Date, now: Date, jkt: string): Promise<boolean> {
    const ms = now.getTime();
    this.sweepOldest(ms);
    const known = this.used.get(key);
    if (known !== undefined && known.expiresAt > ms) return Promise.resolve(false);
    if (known !== undefined) this.forget(key, known);
    const fault = this.findFault(jkt, expiresAt.getTime(), ms);
    if (fault !== undefined) return Promise.reject(fault);
    this.used.set(key, { expiresAt: expiresAt.getTime(), by: this.count(jkt) });
    return Promise.resolve(true);
  }

  /** Why there is no room. The part of the key comes first: what the caller has caused is no outage. */
  private findFault(jkt: string, expiresAt: number, now: number): RefusalError | AuthUnavailableError | undefined {
    if (this.hasTooMany(jkt) || this.isFull) this.sweep(now);
    if (this.hasTooMany(jkt)) {
      const explanation =
        `${this.mostOfOneKey} DPoP proofs of its key are remembered, a tenth of what this process has room for. ` +
        'Nothing more is accepted of this key until some of them expire';
      return RefusalError.tooMany((expiresAt - now) / 1_000, explanation, 'Too many DPoP proofs of one key');
    }
    if (!this.isFull) return undefined;
    const explanation = `${this.most} DPoP proofs are remembered, and there is no room for another one until some expire`;
    return new AuthUnavailableError(explanation);
  }

  private get isFull(): boolean {
    return this.used.size >= this.most;
  }

  private hasTooMany(jkt: string): boolean {
    return (this.keys.get(jkt)?.proofs ?? 0) >= this.mostOfOneKey;
  }

  private count(jkt: string): ProofKey {
    const key = this.keys.get(jkt) ?? { jkt, proofs: 0 };
    if (key.proofs === 0) this.keys.set(jkt, key);
    key.proofs += 1;
    return key;
  }

  private forget(key: string, { by }: UsedProof): void {
    this.used.delete(key);
    by.proofs -= 1;
    if (by.proofs === 0) this.keys.delete(by.jkt);
  }

  /** Entries expire nearly in the order in which they came, so that this keeps the map small. */
  private sweepOldest(now: number): void {
    let left = sweptEach;
    for (const [key, proof] of this.used) {
      if (proof.expiresAt > now || left === 0) return;
      this.forget(key, proof);
      left -= 1;
    }
  }

  private sweep(now: number): void {
    if (Math.abs(now - this.sweptAt) < sweepEveryMs) return;
    this.sweptAt = now;
    for (const [key, proof] of this.used) if (proof.expiresAt <= now) this.forget(key, proof);
  }
}
