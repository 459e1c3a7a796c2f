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
import { tokenOf } from '../user/verified-user.js';
import type { KnownProfile, ProfileCache } from './profile-cache.js';
import type { ProfileKey, ProfileTally } from './profile-record.js';
import type { ProfileSource, SourcedProfile } from './profile-source.js';
import { toUserProfile, type UserProfile } from './user-profile.js';

/** A provider, as far as profiles of its users are concerned. */
export interface ProfileProvider {
  /** The names of its issuers. A user that is looked up by an id alone belongs to the first one. */
  readonly issuers: readonly string[];
  readonly profiles: Capability<ProfileSource>;
}

/** What all providers of an app share. */
export interface SharedProfiles {
  readonly cache: ProfileCache;
  readonly tally: ProfileTally;
}

/** What is asked of a source that has no means to ask by batches. */
const mostSingleQuestions = 8;
const mostBatches = 4;
const usualBatch = 100;

/** The profiles of one provider's users: what is known of them, and its source for what is not. */
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
      consequence:
        'Profiles that are known are served for as long as they may be, other look-ups fail with SERVER_ERROR',
    });
  }

  get issuers(): readonly string[] {
    return this.provider.issuers;
  }

  /** @throws {RefusalError} for a user who is no more, or is barred. */
  async get(user: AuthUser): Promise<KnownProfile & { readonly profile: UserProfile }> {
    const source = this.need('get');
    const known = await this.shared.cache.lookUp({
      key: this.keyOf(user.id, user.issuer),
      token: tokenOf(user),
      ask: () => this.ask(async () => this.read(user.id, await source.get(user))),
    });
    const { profile } = known;
    if (profile === null) throw RefusalError.token('revoked', `There is no such user any more among ${this.what}`);
    const bar = source.findDisabledReason?.(profile);
    if (bar !== undefined) throw RefusalError.token('revoked', bar);
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

  /** Who does not exist is left out. */
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
      return new ProfileBatch({ ask, mostIds: source.mostAtOnce ?? usualBatch, mostQuestions: mostBatches });
    }
    const askOne = async ([id = '']: readonly string[]): Promise<Map<string, UserProfile>> => {
      const profile = await this.ask(() => this.findOne(source, id));
      return new Map(profile === null ? [] : [[id, profile]]);
    };
    return new ProfileBatch({ ask: askOne, mostIds: 1, mostQuestions: mostSingleQuestions });
  }

  /** What a source gave, once it has been looked at. */
  private read(userId: string, given: SourcedProfile | null | undefined): UserProfile | null {
    if (given === null || given === undefined) return null;
    const made = toUserProfile(userId, given);
    if (!('wrong' in made)) return made;
    const explanation = `A source gave a profile whose ${made.wrong} is not what it should be (${this.what})`;
    throw new AuthUnavailableError(explanation);
  }

  /** Calls the source. A refusal is its answer; everything else that it throws is a failure. */
  private ask<Result>(question: () => Promise<Result>): Promise<Result> {
    const { tally } = this.shared;
    tally.calls += 1;
    return this.calls.run(question).catch((error: unknown) => {
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
  /** Asks for several users at once: who is not in what it gives does not exist. */
  readonly ask: (userIds: readonly string[]) => Promise<ReadonlyMap<string, UserProfile>>;
  /** How many one question may name. */
  readonly mostIds: number;
  /** How many questions may be under way at a time. */
  readonly mostQuestions: number;
}

interface Waiting {
  readonly userId: string;
  readonly resolve: (profile: UserProfile | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects the users who have to be asked for, and asks for them by few questions. */
export class ProfileBatch {
  private waiting: Waiting[] = [];

  constructor(private readonly parts: ProfileBatchParts) {}

  /** Asked for when everybody who asks in this turn of the event loop has done so. */
  find(userId: string): Promise<UserProfile | null> {
    return new Promise((resolve, reject) => {
      if (this.waiting.push({ userId, resolve, reject }) === 1) atEndOfTurn(() => void this.askAll());
    });
  }

  private async askAll(): Promise<void> {
    const { mostIds, mostQuestions } = this.parts;
    const waiting = this.waiting;
    this.waiting = [];
    const askers = Array.from({ length: mostQuestions }, async () => {
      for (let some = waiting.splice(0, mostIds); some.length > 0; some = waiting.splice(0, mostIds)) {
        await this.askSome(some);
      }
    });
    await Promise.all(askers);
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
