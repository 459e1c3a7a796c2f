/** What `UserProfileService` has done since the app started. */
export interface ProfileCounters {
  /** Profiles that were asked for: by `get`, by `find`, each one of `getMany`. */
  readonly lookUps: number;
  /** … and were known, and fresh: from memory, or from the store. */
  readonly hits: number;
  /** … and were known from before, and given while they were refreshed, or the provider was down. */
  readonly stale: number;
  /** … and waited for a call that somebody else had made. */
  readonly coalesced: number;
  /** … and were of anonymousCaller. */
  readonly notFound: number;
  /** Questions to the issuers' sources, refreshes included; one that names several users is one. */
  readonly calls: number;
  /** Those of them that brought neither a profile nor that there is none. */
  readonly failures: number;
}

/** The counters, for whoever counts. */
export type ProfileTally = { -readonly [Name in keyof ProfileCounters]: number };

export function newTally(): ProfileTally {
  return { lookUps: 0, hits: 0, stale: 0, coalesced: 0, notFound: 0, calls: 0, failures: 0 };
}
