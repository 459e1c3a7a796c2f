import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

import { type Clock, readMilliseconds } from '../clock/clock.js';

/** A nonce that the server has made, as a proof brings it back. */
export interface KnownNonce {
  /** Whether there is no newer one. */
  readonly isNewest: boolean;
  /** From when on it is not accepted any more, in milliseconds since 1970. */
  readonly endsAtMs: number;
}

/** How many steps a nonce is accepted for after its own, and before it: the clocks of two instances may differ. */
const acceptedSteps = 2;
const nonceBytes = 16;

/**
 * The nonces of the server (RFC 9449 §8, §9): another one for each step of time, made from a secret, so that instances with the same secret
 * accept each other's without asking each other.
 */
export class DpopNonces {
  private readonly key: Buffer;
  private readonly stepMs: number;

  /**
   * @param purpose nonces of one purpose are not accepted for another (RFC 9449 §8.2)
   * @param secret `null` makes a random one
   */
  constructor(
    purpose: 'authorization-server' | 'resource-server',
    secret: Buffer | null,
    windowSeconds: number,
    private readonly clock: Clock,
  ) {
    const info = `nest-gatehouse.dpop-nonce.${purpose}`;
    this.key = Buffer.from(hkdfSync('sha256', secret ?? randomBytes(32), '', info, 32));
    this.stepMs = (windowSeconds * 1_000) / 2;
  }

  /** The newest nonce. */
  current(): string {
    return this.nonceOf(this.step()).toString('base64url');
  }

  /** `undefined` for what is no nonce of this server, and for one that is too old. */
  find(given: string): KnownNonce | undefined {
    const bytes = Buffer.from(given, 'base64url');
    if (bytes.length !== nonceBytes || bytes.toString('base64url') !== given) return undefined;
    const newest = this.step();
    for (let step = newest - acceptedSteps; step <= newest + acceptedSteps; step += 1) {
      if (!timingSafeEqual(this.nonceOf(step), bytes)) continue;
      return { isNewest: step >= newest, endsAtMs: (step + acceptedSteps + 1) * this.stepMs };
    }
    return undefined;
  }

  private step(): number {
    return Math.floor(readMilliseconds(this.clock) / this.stepMs);
  }

  private nonceOf(step: number): Buffer {
    return createHmac('sha256', this.key).update(String(step)).digest().subarray(0, nonceBytes);
  }
}
