import type { Clock } from '../clock/clock.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { OutageWatch } from '../upstream/provider-calls.js';
import { fromStored, toStoreKey, toStored, type ProfileKey, type ProfileRecord } from './profile-record.js';

/**
 * A store outside of the process in which several instances of the app share profiles: any Keyv
 * (`new Keyv(new KeyvRedis('redis://…'))`), or an object with the same three methods.
 *
 * Anyone who can write to it can change the profiles that your handlers receive, so protect it like your database. Apps
 * that share one server must each use a Keyv with a different `namespace`.
 */
export interface ProfileStore {
  get(key: string): unknown;
  /** @param ttlMs milliseconds after which the entry may be deleted */
  set(key: string, value: string, ttlMs: number): unknown;
  delete(key: string): unknown;
  /** Gives the values in the order of the keys. Optional; it saves calls. */
  getMany?(keys: string[]): unknown;
}

/** Whether a value has the methods of a store. */
export function isProfileStore(value: unknown): value is ProfileStore {
  if (typeof value !== 'object' || value === null) return false;
  const store = value as Readonly<Record<string, unknown>>;
  return ['get', 'set', 'delete'].every((name) => typeof store[name] === 'function');
}

/** The longest time that a look-up waits for the store. */
const timeoutMs = 250;
/** The time after a failure in which the store is not called, so that not every look-up waits for the timeout. */
const pauseMs = 5_000;
/** The accepted difference to the clocks of other instances. */
const skewMs = 5_000;

export interface SharedStoreParts {
  readonly store: ProfileStore;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

/** Wraps the app's store, so that one which hangs, throws or returns invalid records never makes a look-up fail. */
export class SharedStore {
  private readonly watch: OutageWatch;
  private pausedAt: number | null = null;

  constructor(private readonly parts: SharedStoreParts) {
    this.watch = new OutageWatch({
      ...parts,
      what: 'profiles out of the store',
      consequence: 'Until it answers, each instance of the app keeps profiles for itself',
    });
  }

  /** Reads the record of a user; `undefined` where there is none, or where the store does not answer. Never throws. */
  async read(key: ProfileKey): Promise<ProfileRecord | undefined> {
    const [record] = await this.readAll([key]);
    return record;
  }

  /** Reads the records of several users, in the order of the keys. Never throws. */
  async readAll(keys: readonly ProfileKey[]): Promise<readonly (ProfileRecord | undefined)[]> {
    const { store } = this.parts;
    const names = keys.map(toStoreKey);
    const stored = await this.use(async () =>
      store.getMany !== undefined && names.length > 1
        ? await store.getMany(names)
        : Promise.all(names.map(async (name) => await store.get(name))),
    );
    const found: readonly unknown[] = Array.isArray(stored) ? stored : [];
    // An empty result does not prove that the server answers: a Keyv returns one also when its server is down.
    if (found.some((value) => value !== undefined && value !== null)) this.watch.noteSuccess();
    return keys.map((key, index) => this.withinSkew(fromStored(key, found[index])));
  }

  /** Writes a record in the background. */
  write(key: ProfileKey, record: ProfileRecord, ttlMs: number): void {
    void this.use(async () => {
      const kept = await this.parts.store.set(toStoreKey(key), toStored(key, record), ttlMs);
      if (kept === false) throw new Error('A Keyv whose server is down returns false and throws nothing');
      this.watch.noteSuccess();
    });
  }

  delete(key: ProfileKey): void {
    // The pause does not apply: other instances would use a record that is not deleted now.
    void this.try(async () => {
      await this.parts.store.delete(toStoreKey(key));
    });
  }

  /** Ignores a record that an instance with a wrong clock has written. */
  private withinSkew(record: ProfileRecord | undefined): ProfileRecord | undefined {
    return record === undefined || record.askedAt > this.now() + skewMs ? undefined : record;
  }

  private async use<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
    const sincePause = this.pausedAt === null ? pauseMs : Math.abs(this.now() - this.pausedAt);
    return sincePause < pauseMs ? undefined : this.try(ask);
  }

  private async try<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
    try {
      const result = await inTime(ask());
      this.pausedAt = null;
      return result;
    } catch (error) {
      this.pausedAt = this.now();
      // The store's own error message is not logged, because it may contain its address with the password.
      this.watch.noteFailure(error instanceof StoreTimeout ? `it did not answer within ${timeoutMs} ms` : 'it failed');
      return undefined;
    }
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}

class StoreTimeout extends Error {}

async function inTime<Result>(call: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new StoreTimeout());
    }, timeoutMs);
  });
  try {
    return await Promise.race([call, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
