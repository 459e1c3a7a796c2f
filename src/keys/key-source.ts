import type { KeySet } from './key-set.js';

/** Where an issuer's keys come from: a fixed set, or a key server. */
export abstract class KeySource {
  /**
   * The keys that may be used at this moment, without waiting; `null` when there are none, or when they are
   * too old to be trusted. May start a refresh that anonymousCaller waits for.
   *
   * @param now milliseconds since 1970, where the caller has just read the clock
   */
  abstract current(now?: number): KeySet | null;

  /**
   * Keys among which what is `wanted` should be: those at hand when it is, else asked for anew. A set
   * without it means that the issuer has answered and does not have it.
   *
   * @throws {AuthUnavailableError} when that cannot be known, because the issuer does not answer.
   */
  abstract obtain(wanted: (keys: KeySet) => boolean): Promise<KeySet>;

  /**
   * Asks the issuer now, whatever is held: a key that it has dropped is withdrawn when this is done.
   *
   * @throws {AuthUnavailableError} when it does not answer; what is held stays as it was.
   */
  abstract refresh(): Promise<void>;

  /** How the keys stand. */
  abstract state(): KeyState;

  /** Stops what goes on behind the requests. The keys that are held can still be used. */
  abstract close(): void;
}

/** How the keys of a source stand at a moment. */
export interface KeyState {
  /**
   * `fresh`: within their life. `stale`: past it, and serving on until the server has answered.
   * `missing`: none that may be used, so tokens of the issuer are answered with 503. `unasked`: none were
   * needed yet. `fixed`: handed in by the app, they change with a deployment only.
   */
  readonly status: 'fresh' | 'stale' | 'missing' | 'unasked' | 'fixed';
  /** Seconds since the keys were fetched, `initialKeys` since the app started; `null` when there are none. */
  readonly ageSeconds: number | null;
  /**
   * When they will be fetched next; a moment that is past means: as soon as a token needs them. `null` when
   * nothing is planned.
   */
  readonly nextRefreshAt: Date | null;
  /** What went wrong the last time, while it goes on; `null` when nothing is wrong. */
  readonly lastError: string | null;
}

/** Keys that the app has handed in. They change with a deployment only. */
export class StaticKeySource extends KeySource {
  constructor(private readonly keys: KeySet) {
    super();
  }

  override current(): KeySet {
    return this.keys;
  }

  override obtain(): Promise<KeySet> {
    return Promise.resolve(this.keys);
  }

  override refresh(): Promise<void> {
    return Promise.resolve();
  }

  override state(): KeyState {
    return { status: 'fixed', ageSeconds: null, nextRefreshAt: null, lastError: null };
  }

  override close(): void {
    // Nothing goes on here.
  }
}
