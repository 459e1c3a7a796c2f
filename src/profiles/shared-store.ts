import type { Clock } from '../clock/clock.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { OutageWatch } from '../upstream/provider-calls.js';
import { fromStored, toStoreKey, toStored, type ProfileKey, type ProfileRecord } from './profile-record.js';

/**
 * A place outside of the app where several of its instances share what they know of users: any Keyv
 * (`new Keyv(new KeyvRedis('redis://…'))`), or an object with the same three methods.
 *
 * Who can write to it decides what your handlers are told about users, so it is as private as your database. Apps that
 * share one server give each of their Keyvs a `namespace` of its own.
 */
export interface ProfileStore {
  get(key: string): unknown;
  /** `ttlMs`: milliseconds after which the entry is worth nothing. */
  set(key: string, value: string, ttlMs: number): unknown;
  delete(key: string): unknown;
  /** The values in the order of the keys; used where it is there. */
  getMany?(keys: string[]): unknown;
}

/** Whether something given has the methods. */
export function isProfileStore(value: unknown): value is ProfileStore {
  if (typeof value !== 'object' || value === null) return false;
  const store = value as Readonly<Record<string, unknown>>;
  return ['get', 'set', 'delete'].every((name) => typeof store[name] === 'function');
}

/** The longest that a look-up waits for the store. */
const patienceMs = 250;
/** After it did not answer, it is left alone for so long, so that not every look-up waits for nothing. */
const pauseMs = 5_000;
/** How far ahead the clock of another instance may be. */
const skewMs = 5_000;

export interface SharedStoreParts {
  readonly store: ProfileStore;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

/** The app's store, with whatever can be wrong with it held off: it waits, throws, or gives what anonymousCaller has put in. */
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

  /** What is known of a user; `undefined` where nothing is, or where the store cannot say. Never throws. */
  async read(key: ProfileKey): Promise<ProfileRecord | undefined> {
    const [record] = await this.readAll([key]);
    return record;
  }

  /** The same of several users, in their order. */
  async readAll(keys: readonly ProfileKey[]): Promise<readonly (ProfileRecord | undefined)[]> {
    const { store } = this.parts;
    const names = keys.map(toStoreKey);
    const stored = await this.use(async () =>
      store.getMany !== undefined && names.length > 1
        ? await store.getMany(names)
        : Promise.all(names.map(async (name) => await store.get(name))),
    );
    const found: readonly unknown[] = Array.isArray(stored) ? stored : [];
    // That it has nothing is what a Keyv says of a server that is away, too.
    if (found.some((value) => value !== undefined && value !== null)) this.watch.noteSuccess();
    return keys.map((key, index) => this.believe(fromStored(key, found[index])));
  }

  /** Nobody waits for it. */
  write(key: ProfileKey, record: ProfileRecord, ttlMs: number): void {
    void this.use(async () => {
      const kept = await this.parts.store.set(toStoreKey(key), toStored(key, record), ttlMs);
      if (kept === false) throw new Error('A Keyv whose server is away throws nothing');
      this.watch.noteSuccess();
    });
  }

  delete(key: ProfileKey): void {
    // Also while it is left alone: what is not deleted now would be given to other instances.
    void this.try(async () => {
      await this.parts.store.delete(toStoreKey(key));
    });
  }

  /** An instance whose clock is ahead may have put it in. */
  private believe(record: ProfileRecord | undefined): ProfileRecord | undefined {
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
      // What the store says may repeat its address, and its password with it.
      this.watch.noteFailure(error instanceof Late ? `it did not answer within ${patienceMs} ms` : 'it failed');
      return undefined;
    }
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}

class Late extends Error {}

async function inTime<Result>(call: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Late());
    }, patienceMs);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}
