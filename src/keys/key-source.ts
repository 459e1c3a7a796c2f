import type { KeySet } from './key-set.js';

/** Provides the keys of an issuer, from a fixed set or from a key server. */
export abstract class KeySource {
  /**
   * Gives the keys that may be used now, without waiting; `null` when there are none, or when they are too old. May
   * start a refresh in the background.
   *
   * @param now milliseconds since 1970, where the calling code has already read the clock
   */
  abstract current(now?: number): KeySet | null;

  /**
   * Gives a key set that contains what is `wanted`: the cached set if it does, otherwise a newly fetched one. A set
   * without it means that the issuer does not have such a key.
   *
   * @throws {AuthUnavailableError} when the cached set does not contain it and the issuer does not answer.
   */
  abstract obtain(wanted: (keys: KeySet) => boolean): Promise<KeySet>;

  /**
   * Fetches the keys now, even if the cached ones are fresh. A key that the issuer has removed is no longer accepted
   * when the promise resolves.
   *
   * @throws {AuthUnavailableError} when the issuer does not answer; the cached keys stay in use.
   */
  abstract refresh(): Promise<void>;

  /** Describes the current state of the keys. */
  abstract state(): KeyState;

  /** Stops refreshing in the background. The cached keys can still be used. */
  abstract close(): void;
}

/** The state of an issuer's keys at one moment. */
export interface KeyState {
  /**
   * `fresh`: the keys are within their lifetime. `stale`: they are past it and are used until the server answers.
   * `missing`: there are no usable keys, so tokens of the issuer are answered with 503. `unasked`: no token has needed
   * the keys yet. `fixed`: the app configured the keys, so they change only with a deployment.
   */
  readonly status: 'fresh' | 'stale' | 'missing' | 'unasked' | 'fixed';
  /** Seconds since the keys were fetched, or since the app started for `initialKeys`; `null` when there are none. */
  readonly ageSeconds: number | null;
  /**
   * When the keys will be fetched next. A time in the past means that the next token which needs them causes the fetch.
   * `null` when no fetch is planned.
   */
  readonly nextRefreshAt: Date | null;
  /** The last failure of the current outage; `null` when there is no outage. */
  readonly lastError: string | null;
}

/** Keys that the app configured. They change only with a deployment. */
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
    // There is no background work to stop.
  }
}
