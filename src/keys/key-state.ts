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
