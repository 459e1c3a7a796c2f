import { atEndOfTurn } from '../clock/turn.js';
import { AuthUnavailableError, ConfigurationError, isRefusal, RefusalError } from '../errors/auth-error.js';
import {
  type AuthContext,
  type Capability,
  createCapability,
  type MissingOption,
  missingOptionOf,
} from '../upstream/auth-context.js';
import { ProviderCalls } from '../upstream/provider-calls.js';
import type { AuthUser } from '../user/auth-user.js';
import { isOfApiKey, tokenOf } from '../user/verified-user.js';
import type { KnownProfile, ProfileCache } from './profile-cache.js';
import type { ProfileKey, ProfileTally } from './profile-record.js';
import type { ProfileSource, SourcedProfile } from './profile-source.js';
import { toUserProfile, type UserProfile } from './user-profile.js';

/** A provider with the source of its users' profiles. */
export interface ProfileProvider {
  /** The names of its issuers. A user who is looked up by id alone belongs to the first one. */
  readonly issuers: readonly string[];
  readonly profiles: Capability<ProfileSource>;
}

/** The services that the profile sources of an app share. */
export interface SharedProfiles {
  readonly cache: ProfileCache;
  readonly tally: ProfileTally;
}

/** The number of concurrent `find` calls for a source without `getMany`. */
const maxSingleCalls = 8;
/** The number of concurrent `getMany` calls. */
const maxBatchCalls = 4;
const defaultBatchSize = 100;

/** Looks up the profiles of one provider's users, in the cache first and then from its source. */
export class IssuerProfiles {
  /** The option without which it cannot give a caller's profile; `null` when it can. */
  readonly missing: MissingOption | null;
  private readonly source: ProfileSource | null;
  private readonly calls: ProviderCalls;

  constructor(
    private readonly provider: ProfileProvider,
    context: AuthContext,
    private readonly shared: SharedProfiles,
  ) {
    this.missing = missingOptionOf(provider.profiles);
    this.source = createCapability(provider.profiles, context);
    this.calls = new ProviderCalls({
      ...context,
      what: this.what,
      consequence: 'Cached profiles stay in use for their time, other look-ups fail with SERVER_ERROR',
    });
  }

  get issuers(): readonly string[] {
    return this.provider.issuers;
  }

  /** @throws {RefusalError} for a user whom the provider has deleted or disabled. */
  async get(user: AuthUser): Promise<KnownProfile & { readonly profile: UserProfile }> {
    const byKey = isOfApiKey(user);
    // Of a caller with an API key there is no token to ask with.
    const source = this.need(byKey ? 'find' : 'get');
    const known = await this.shared.cache.lookUp({
      key: this.keyOf(user.id, user.issuer),
      token: byKey ? null : tokenOf(user),
      ask: () =>
        this.ask(async () => (byKey ? this.findOne(source, user.id) : this.read(user.id, await source.get(user)))),
    });
    const { profile } = known;
    if (profile === null) throw RefusalError.token('revoked', `The user no longer exists in ${this.what}`);
    const disabledReason = source.findDisabledReason?.(profile);
    if (disabledReason !== undefined) throw RefusalError.token('revoked', disabledReason);
    return { ...known, profile };
  }

  async find(userId: string, issuer: string): Promise<UserProfile | null> {
    const source = this.need('find');
    const known = await this.shared.cache.lookUp({
      key: this.keyOf(userId, issuer),
      token: null,
      ask: () => this.ask(() => this.findOne(source, userId)),
    });
    return known.profile;
  }

  /** The result omits users who do not exist. */
  async getMany(userIds: readonly string[], issuer: string): Promise<Map<string, UserProfile>> {
    const batch = this.openBatch(this.need('find'));
    const keys = [...new Set(userIds)].map((userId) => this.keyOf(userId, issuer));
    const { cache } = this.shared;
    await cache.readAhead(keys);
    const known = await Promise.all(
      keys.map((key) => cache.lookUp({ key, token: null, ask: () => batch.find(key.userId), isReadAhead: true })),
    );
    const profiles = known.map(({ profile }) => profile).filter((profile) => profile !== null);
    return new Map(profiles.map((profile) => [profile.id, profile]));
  }

  forget(userId: string, issuer: string): void {
    this.shared.cache.forget(this.keyOf(userId, issuer));
  }

  private get what(): string {
    return `the profiles of ${this.provider.issuers[0] ?? 'an issuer'}`;
  }

  private keyOf(userId: string, issuer: string): ProfileKey {
    return { issuer, access: this.source?.access ?? 'own', userId };
  }

  /** @throws {ConfigurationError} when there is no source, or one that cannot look up users by id. */
  private need(method: 'get' | 'find'): ProfileSource {
    const { source, missing } = this;
    if (source === null) throw notConfigured('it gives no profiles', missing ?? findHint);
    if (method === 'get' || source.find !== undefined || source.getMany !== undefined) return source;
    throw notConfigured('it cannot look up users by their id alone', source.findHint ?? findHint);
  }

  private async findOne(source: ProfileSource, userId: string): Promise<UserProfile | null> {
    if (source.find !== undefined) return this.read(userId, await source.find(userId));
    return (await this.findSome(source, [userId])).get(userId) ?? null;
  }

  private async findSome(source: ProfileSource, userIds: readonly string[]): Promise<Map<string, UserProfile>> {
    const given = (await source.getMany?.(userIds)) ?? [];
    const wanted = given.filter(({ id }) => userIds.includes(id)).map((profile) => this.read(profile.id, profile));
    return new Map(wanted.filter((profile) => profile !== null).map((profile) => [profile.id, profile]));
  }

  private openBatch(source: ProfileSource): ProfileBatch {
    if (source.getMany !== undefined) {
      const ask = (ids: readonly string[]) => this.ask(() => this.findSome(source, ids));
      return new ProfileBatch({ ask, maxIds: source.mostAtOnce ?? defaultBatchSize, maxCalls: maxBatchCalls });
    }
    const askOne = async ([id = '']: readonly string[]): Promise<Map<string, UserProfile>> => {
      const profile = await this.ask(() => this.findOne(source, id));
      return new Map(profile === null ? [] : [[id, profile]]);
    };
    return new ProfileBatch({ ask: askOne, maxIds: 1, maxCalls: maxSingleCalls });
  }

  /** Validates what a source returned. */
  private read(userId: string, given: SourcedProfile | null | undefined): UserProfile | null {
    if (given === null || given === undefined) return null;
    const made = toUserProfile(userId, given);
    if (!('wrong' in made)) return made;
    const explanation = `The profile source returned a profile with an invalid ${made.wrong} (${this.what})`;
    throw new AuthUnavailableError(explanation);
  }

  /** Calls the source. A `RefusalError` is an answer of the provider; every other error is a failure. */
  private ask<Result>(call: () => Promise<Result>): Promise<Result> {
    const { tally } = this.shared;
    tally.calls += 1;
    return this.calls.run(call).catch((error: unknown) => {
      if (!isRefusal(error)) tally.failures += 1;
      throw error;
    });
  }
}

const findHint: MissingOption = {
  option: 'ProfileSource.find',
  hint: 'Give the source find(userId), which gives the profile of any user',
};

function notConfigured(problem: string, { option, hint }: MissingOption): ConfigurationError {
  return new ConfigurationError(option, problem, hint);
}

export interface ProfileBatchParts {
  /** Looks up several users by one call. Users whom the result omits do not exist. */
  readonly ask: (userIds: readonly string[]) => Promise<ReadonlyMap<string, UserProfile>>;
  /** The number of ids in one call. */
  readonly maxIds: number;
  /** The number of concurrent calls. */
  readonly maxCalls: number;
}

interface Waiting {
  readonly userId: string;
  readonly resolve: (profile: UserProfile | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects look-ups of single users and sends them as few calls. */
export class ProfileBatch {
  private waiting: Waiting[] = [];

  constructor(private readonly parts: ProfileBatchParts) {}

  /** Adds a user to the batch, which is sent at the end of this turn of the event loop. */
  find(userId: string): Promise<UserProfile | null> {
    return new Promise((resolve, reject) => {
      if (this.waiting.push({ userId, resolve, reject }) === 1) atEndOfTurn(() => void this.askAll());
    });
  }

  private async askAll(): Promise<void> {
    const { maxIds, maxCalls } = this.parts;
    const waiting = this.waiting;
    this.waiting = [];
    const workers = Array.from({ length: maxCalls }, async () => {
      for (let some = waiting.splice(0, maxIds); some.length > 0; some = waiting.splice(0, maxIds)) {
        await this.askSome(some);
      }
    });
    await Promise.all(workers);
  }

  private async askSome(some: readonly Waiting[]): Promise<void> {
    try {
      const found = await this.parts.ask(some.map(({ userId }) => userId));
      for (const { userId, resolve } of some) resolve(found.get(userId) ?? null);
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  }
}
