import type { Clock } from '../clock/clock.js';
import { isRefusal } from '../errors/auth-error.js';
import { BoundedMap } from '../upstream/bounded-map.js';
import type { ExpiringMemory } from './expiring-memory.js';
import { toText, type ProfileTally, type ProfileKey, type ProfileRecord } from './profile-record.js';
import type { ProfileTerms } from './profile-options.js';
import type { SharedStore } from './shared-store.js';
import type { UserProfile } from './user-profile.js';

/**
 * How new an answer is: `fresh`, the provider was asked now; `cached`, it was asked within the time for which a
 * profile is fresh; `stale`, before that, and is being asked again, or does not answer.
 */
export type ProfileFreshness = 'fresh' | 'cached' | 'stale';

/** What is known of a user, and how new it is. */
export interface KnownProfile extends ProfileRecord {
  readonly freshness: ProfileFreshness;
}

/** A profile that is wanted, and how to ask for it where it is not known. */
export interface ProfileQuestion {
  readonly key: ProfileKey;
  /** By whose right it is asked: the caller's token, or `null` for the app's own right. */
  readonly token: string | null;
  readonly ask: () => Promise<UserProfile | null>;
  /** Whether the store has been asked for it before, by `readAhead`. */
  readonly isReadAhead?: boolean;
}

/** A record in memory, and when a refresh that failed may be tried again. */
export interface HeldProfile {
  readonly record: ProfileRecord;
  retryAt: number;
}

/** A question that is being answered; whoever has the same waits for it. */
interface Flight {
  readonly token: string | null;
  readonly answer: Promise<KnownProfile>;
  /** What was forgotten meanwhile is not kept when it comes. */
  isForgotten: boolean;
}

export interface ProfileCacheParts {
  readonly terms: Pick<ProfileTerms, 'freshMs' | 'usableMs' | 'notFoundMs'>;
  readonly memory: ExpiringMemory<HeldProfile>;
  readonly store: SharedStore | null;
  readonly clock: Clock;
  readonly tally: ProfileTally;
}

/** How long a refresh is not tried again after it has failed. */
const retryMs = 5_000;
const mostForgotten = 10_000;

/**
 * Knows users for a while. A profile is fresh for some time, and then given on while one question brings it up
 * to date, or anonymousCaller answers; those who ask at once for the same one share the question. Profiles are kept by user and never
 * by token: a new token of the same user finds what an old one has brought.
 */
export class ProfileCache {
  private readonly flights = new Map<string, Flight>();
  /** When users were forgotten: what a store still has of them from before is not believed. */
  private readonly forgotten = new BoundedMap<string, number>(mostForgotten);
  private isClosed = false;

  constructor(private readonly parts: ProfileCacheParts) {}

  async lookUp(question: ProfileQuestion): Promise<KnownProfile> {
    const { tally, memory } = this.parts;
    tally.lookUps += 1;
    await memory.open();
    const known = this.judge(memory.get(toText(question.key))?.record) ?? (await this.join(question));
    if (known.freshness === 'stale') this.refreshBehind(question);
    if (known.freshness !== 'fresh') tally[known.freshness === 'stale' ? 'stale' : 'hits'] += 1;
    if (known.profile === null) tally.notFound += 1;
    return known;
  }

  /** Takes what the store has of several users into memory, by one question. */
  async readAhead(keys: readonly ProfileKey[]): Promise<void> {
    const { memory, store } = this.parts;
    if (store === null) return;
    await memory.open();
    const unknown = keys.filter((key) => this.judge(memory.get(toText(key))?.record) === undefined);
    const records = unknown.length === 0 ? [] : await store.readAll(unknown);
    for (const [index, key] of unknown.entries()) this.takeOver(key, records[index]);
  }

  /** Drops what is known of a user, here and in the store; other instances give it on until it is no longer fresh. */
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

  /** Waits for whoever has the same question, or puts it. */
  private async join(question: ProfileQuestion): Promise<KnownProfile> {
    const text = toText(question.key);
    if (this.flights.has(text)) this.parts.tally.coalesced += 1;
    for (let flight = this.flights.get(text); flight !== undefined; flight = this.flights.get(text)) {
      try {
        return await flight.answer;
      } catch (error) {
        // What the provider says to somebody else's token says nothing about this one.
        if (!isRefusal(error) || flight.token === question.token) throw error;
      }
    }
    return this.fly(question, false);
  }

  /** One at a time, and by the right of whoever has asked. A failure is noted where the question is put. */
  private refreshBehind(question: ProfileQuestion): void {
    const text = toText(question.key);
    const held = this.parts.memory.get(text);
    if (this.isClosed || held === undefined || this.flights.has(text)) return;
    const waitMs = held.retryAt - this.now();
    if (waitMs > 0 && waitMs <= retryMs) return;
    this.fly(question, true).catch((error: unknown) => {
      this.noteFailedRefresh(question.key, error);
    });
  }

  private noteFailedRefresh(key: ProfileKey, error: unknown): void {
    // Not what was held before: what the store has was taken over meanwhile.
    const held = this.parts.memory.get(toText(key));
    if (held === undefined || this.judge(held.record)?.freshness !== 'stale') return;
    held.retryAt = this.now() + retryMs;
    // It has answered, so that this is no outage to be bridged: who asks next learns for their own token.
    if (isRefusal(error) && error.reason === 'revoked') this.forget(key);
  }

  private fly(question: ProfileQuestion, isRefresh: boolean): Promise<KnownProfile> {
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
    // Another instance may have asked meanwhile, which is why a refresh looks there too.
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

  /** What the store has, if it may be given at all. */
  private takeOver(key: ProfileKey, stored: ProfileRecord | undefined): KnownProfile | undefined {
    if (stored === undefined || stored.askedAt <= (this.forgotten.get(toText(key)) ?? 0)) return undefined;
    const record = { ...stored, askedAt: Math.min(stored.askedAt, this.now()) };
    const known = this.judge(record);
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

  /** A record as an answer, or `undefined` where there is none, or one that is too old to be given. */
  private judge(record: ProfileRecord | undefined): KnownProfile | undefined {
    if (record === undefined) return undefined;
    const ageMs = this.now() - record.askedAt;
    // A clock that went ahead and was put right would else keep what it has for as long as it was wrong.
    if (ageMs < 0 || ageMs >= this.lifeOf(record)) return undefined;
    const isStale = record.profile !== null && ageMs >= this.parts.terms.freshMs;
    return { ...record, freshness: isStale ? 'stale' : 'cached' };
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}
