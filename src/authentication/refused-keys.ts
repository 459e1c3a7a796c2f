import { type Clock, readMilliseconds } from '../clock/clock.js';
import { isAuthError, RefusalError } from '../errors/auth-error.js';
import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import { BoundedMap } from '../upstream/bounded-map.js';

/** How many refused keys of one network are answered as such within the window. */
const mostRefused = 30;
const windowMs = 300_000;
/** How many networks are remembered. An attacker with more of them is slowed down by their number instead. */
const mostNetworks = 10_000;

/**
 * Counts the refused keys of each network in this process, to answer a caller who tries keys with 429. It never concerns a good
 * key, so a blocked network keeps working.
 */
export class RefusedKeys {
  /** The times of the last refusals of each network, oldest first. */
  private readonly networks = new BoundedMap<string, number[]>(mostNetworks);

  constructor(private readonly clock: Clock) {}

  /**
   * Notes a refused key.
   *
   * @param network as `networkOf` gives it; `null` where it is not known, which is not counted
   * @returns `null`, or after how many seconds the network may try again
   */
  note(network: string | null): number | null {
    if (network === null) return null;
    const now = readMilliseconds(this.clock);
    // A clock that was set back shows times that have not come yet.
    const recent = (this.networks.get(network) ?? []).filter((at) => at > now - windowMs && at <= now);
    const [oldest] = recent;
    const isFull = recent.length >= mostRefused;
    if (!isFull) recent.push(now);
    this.networks.set(network, recent);
    return isFull && oldest !== undefined ? (oldest + windowMs - now) / 1_000 : null;
  }
}

/** Counts a refused key. @returns what is thrown: the refusal, or `TOO_MANY_ATTEMPTS` after too many of them */
export function countRefusal(error: unknown, refused: RefusedKeys, request: RequestView): unknown {
  if (!isAuthError(error) || error.code !== 'INVALID_TOKEN') return error;
  const seconds = refused.note(networkOf(request));
  if (seconds === null) return error;
  return RefusalError.tooMany(seconds, `30 keys of this network were refused in five minutes. ${error.explanation}`);
}
