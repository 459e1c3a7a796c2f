import type { Clock } from '../clock/clock.js';
import { isRefusal } from '../errors/auth-error.js';
import { BoundedMap } from '../upstream/bounded-map.js';
import type { ExpiringMemory } from './expiring-memory.js';
import { toText, type ProfileTally, type ProfileKey, type ProfileRecord } from './profile-record.js';
import type { ProfileTerms } from './profile-options.js';
import type { SharedStore } from './shared-store.js';
import type { UserProfile } from './user-profile.js';

/**
 * The age of a profile: `fresh` was fetched for this look-up; `cached` was fetched before, within `freshForSeconds`;
 * `stale` is older, and is being refreshed or the provider does not answer.
 */
export type ProfileFreshness = 'fresh' | 'cached' | 'stale';

/** A known profile with its age. */
export interface KnownProfile extends ProfileRecord {
  readonly freshness: ProfileFreshness;
}

/** A look-up of a profile, with the call to make if it is not cached. */
export interface ProfileQuestion {
  readonly key: ProfileKey;
  /** The caller's token that authorizes the call; `null` where the app's own credentials do. */
  readonly token: string | null;
  readonly ask: () => Promise<UserProfile | null>;
  /** Whether `readAhead` has already read the store for it. */
  readonly isReadAhead?: boolean;
}

/** A record in memory, with the time from which a failed refresh may be retried. */
export interface HeldProfile {
  readonly record: ProfileRecord;
  retryAt: number;
}

/** A call that is under way. Look-ups of the same profile wait for it. */
interface Flight {
  readonly token: string | null;
  readonly answer: Promise<KnownProfile>;
  /** Set by `forget`, after which the result is not cached. */
  isForgotten: boolean;
}

export interface ProfileCacheParts {
  readonly terms: Pick<ProfileTerms, 'freshMs' | 'usableMs' | 'notFoundMs'>;
  readonly memory: ExpiringMemory<HeldProfile>;
  readonly store: SharedStore | null;
  readonly clock: Clock;
  readonly tally: ProfileTally;
}

/** The delay before a failed refresh is retried. */
const retryMs = 5_000;
const maxForgotten = 10_000;

/**
 * Caches profiles. A profile is fresh for some time. After that it is still used while one call refreshes it or while
 * the provider does not answer. Concurrent look-ups of the same profile share one call. Profiles are cached by user and
 * never by token, so a new token of the same user finds the profile that an old one has fetched.
 */
export class ProfileCache {
  private readonly flights = new Map<string, Flight>();
  /** When users were forgotten. A record in the store that is older than that is ignored. */
  private readonly forgotten = new BoundedMap<string, number>(maxForgotten);
  private isClosed = false;

  constructor(private readonly parts: ProfileCacheParts) {}

  async lookUp(question: ProfileQuestion): Promise<KnownProfile> {
    const { tally, memory } = this.parts;
    tally.lookUps += 1;
    await memory.open();
    const known = this.toKnown(memory.get(toText(question.key))?.record) ?? (await this.join(question));
    if (known.freshness === 'stale') this.refreshBehind(question);
    if (known.freshness !== 'fresh') tally[known.freshness === 'stale' ? 'stale' : 'hits'] += 1;
    if (known.profile === null) tally.notFound += 1;
    return known;
  }

  /** Reads the records of several users from the store into memory, by one call. */
  async readAhead(keys: readonly ProfileKey[]): Promise<void> {
    const { memory, store } = this.parts;
    if (store === null) return;
    await memory.open();
    const unknown = keys.filter((key) => this.toKnown(memory.get(toText(key))?.record) === undefined);
    const records = unknown.length === 0 ? [] : await store.readAll(unknown);
    for (const [index, key] of unknown.entries()) this.takeOver(key, records[index]);
  }

  /** Removes a user's profile from memory and from the store. Other instances keep using theirs while it is fresh. */
  forget(key: ProfileKey): void {
    const text = toText(key);
    const flight = this.flights.get(text);
    if (flight !== undefined) flight.isForgotten = true;
    this.flights.delete(text);
    this.parts.memory.drop(text);
    if (this.parts.store === null) return;
    this.forgotten.set(text, this.now());
    this.parts.store.delete(key);
  }

  close(): void {
    this.isClosed = true;
    this.parts.memory.close();
  }

  /** Waits for a call that is under way for the same profile, or starts one. */
  private async join(question: ProfileQuestion): Promise<KnownProfile> {
    const text = toText(question.key);
    if (this.flights.has(text)) this.parts.tally.coalesced += 1;
    for (let flight = this.flights.get(text); flight !== undefined; flight = this.flights.get(text)) {
      try {
        return await flight.answer;
      } catch (error) {
        // A refusal of another caller's token does not apply to this one.
        if (!isRefusal(error) || flight.token === question.token) throw error;
      }
    }
    return this.start(question, false);
  }

  /** Starts one refresh at a time, with the token of the current look-up. The source's own watch reports a failure. */
  private refreshBehind(question: ProfileQuestion): void {
    const text = toText(question.key);
    const held = this.parts.memory.get(text);
    if (this.isClosed || held === undefined || this.flights.has(text)) return;
    const waitMs = held.retryAt - this.now();
    if (waitMs > 0 && waitMs <= retryMs) return;
    this.start(question, true).catch((error: unknown) => {
      this.noteFailedRefresh(question.key, error);
    });
  }

  private noteFailedRefresh(key: ProfileKey, error: unknown): void {
    // Read again, because a record of the store may have replaced the previous one in the meantime.
    const held = this.parts.memory.get(toText(key));
    if (held === undefined || this.toKnown(held.record)?.freshness !== 'stale') return;
    held.retryAt = this.now() + retryMs;
    // The provider has answered, so a stale profile must not hide it: the next look-up asks with its own token.
    if (isRefusal(error) && error.reason === 'revoked') this.forget(key);
  }

  private start(question: ProfileQuestion, isRefresh: boolean): Promise<KnownProfile> {
    const text = toText(question.key);
    const answer = this.find(question, isRefresh, () => flight.isForgotten).finally(() => {
      if (this.flights.get(text) === flight) this.flights.delete(text);
    });
    const flight: Flight = { token: question.token, answer, isForgotten: false };
    this.flights.set(text, flight);
    return answer;
  }

  private async find(
    { key, ask, isReadAhead }: ProfileQuestion,
    isRefresh: boolean,
    isForgotten: () => boolean,
  ): Promise<KnownProfile> {
    const { store } = this.parts;
    // A refresh reads the store as well, because another instance may have refreshed the profile already.
    const stored = store === null || isReadAhead ? undefined : this.takeOver(key, await store.read(key));
    if (stored !== undefined && !(isRefresh && stored.freshness === 'stale')) return stored;
    const askedAt = this.now();
    const record = { profile: await ask(), askedAt };
    if (!isForgotten()) {
      this.keep(key, record);
      store?.write(key, record, this.lifeOf(record));
    }
    return { ...record, freshness: 'fresh' };
  }

  /** Takes a record of the store into memory, unless it is too old or was forgotten. */
  private takeOver(key: ProfileKey, stored: ProfileRecord | undefined): KnownProfile | undefined {
    if (stored === undefined || stored.askedAt <= (this.forgotten.get(toText(key)) ?? 0)) return undefined;
    const record = { ...stored, askedAt: Math.min(stored.askedAt, this.now()) };
    const known = this.toKnown(record);
    if (known !== undefined) this.keep(key, record);
    return known;
  }

  private keep(key: ProfileKey, record: ProfileRecord): void {
    this.parts.memory.keep(toText(key), { record, retryAt: 0 }, record.askedAt + this.lifeOf(record) - this.now());
  }

  private lifeOf({ profile }: ProfileRecord): number {
    const { usableMs, notFoundMs } = this.parts.terms;
    return profile === null ? notFoundMs : usableMs;
  }

  /** Adds the freshness to a record; `undefined` where there is no record, or one that is too old. */
  private toKnown(record: ProfileRecord | undefined): KnownProfile | undefined {
    if (record === undefined) return undefined;
    const ageMs = this.now() - record.askedAt;
    // A record from the future means that the clock was set back. Otherwise it would stay for as long as the clock was wrong.
    if (ageMs < 0 || ageMs >= this.lifeOf(record)) return undefined;
    const isStale = record.profile !== null && ageMs >= this.parts.terms.freshMs;
    return { ...record, freshness: isStale ? 'stale' : 'cached' };
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}
