import { BoundedMap } from '../upstream/bounded-map.js';
import { type AttemptCounter, AttemptStore, countedTimes, mostNetworks, roomFrom } from './attempt-store.js';

/** How many counters, and how many logins, are kept in memory. */
const mostKeys = 50_000;

/** An `AttemptStore` in memory, for tests and for several apps in one process. Its counts end with the process. */
export class MemoryAttemptStore extends AttemptStore {
  private readonly times = new BoundedMap<string, readonly number[]>(mostKeys);
  /** The networks of each login with the times at which they expire. */
  private readonly networks = new BoundedMap<string, BoundedMap<string, number>>(mostKeys);

  override take(counters: readonly AttemptCounter[], now: Date): Promise<Date | null> {
    const ms = now.getTime();
    const rooms = counters.map((counter) => roomFrom(counter, this.times.get(counter.key) ?? [], ms));
    const blocked = rooms.filter((room) => room !== null);
    if (blocked.length > 0) return Promise.resolve(new Date(Math.max(...blocked)));
    for (const { key, windowMs } of counters) {
      this.times.set(key, [...countedTimes(this.times.get(key) ?? [], windowMs, ms), ms]);
    }
    return Promise.resolve(null);
  }

  override giveBack(keys: readonly string[], at: Date): Promise<void> {
    for (const key of keys) {
      const times = this.times.get(key) ?? [];
      const found = times.indexOf(at.getTime());
      if (found === -1) continue;
      if (times.length === 1) this.times.delete(key);
      else this.times.set(key, times.toSpliced(found, 1));
    }
    return Promise.resolve();
  }

  override rememberNetwork(login: string, network: string, expiresAt: Date): Promise<void> {
    const networks = this.networks.get(login) ?? new BoundedMap(mostNetworks);
    networks.set(network, expiresAt.getTime());
    this.networks.set(login, networks);
    return Promise.resolve();
  }

  override knowsNetwork(login: string, network: string, now: Date): Promise<boolean> {
    return Promise.resolve((this.networks.get(login)?.get(network) ?? 0) > now.getTime());
  }
}
