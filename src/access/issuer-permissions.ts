import type { ExpiringMemory } from '../profiles/expiring-memory.js';
import type { AuthContext } from '../upstream/auth-context.js';
import { ProviderCalls } from '../upstream/provider-calls.js';
import { SingleFlight } from '../upstream/single-flight.js';
import type { AuthUser, Organization } from '../user/auth-user.js';
import { findTokenOf, isOfApiKey, tokenOf } from '../user/verified-user.js';

/**
 * Returns the permissions and organizations of a user that the issuer's tokens do not contain, from the issuer's API for
 * example. It is called only for routes that require them. Everything that it throws is answered as a fault (503), except a
 * `RefusalError`, which states that the issuer has refused the user's token.
 */
export interface PermissionSource {
  /** The name of the source in the log: `the API of Stack Auth`. */
  readonly name: string;
  /**
   * Whether it can be asked about callers with an API key of the issuer, of whom there is no token. @defaultValue false: the user's
   * own lists count
   */
  readonly servesApiKeys?: boolean;
  /** The permissions of the user outside of any organization. */
  permissionsOf(user: AuthUser): Promise<readonly string[]>;
  /** The organizations of which the user is a member. Their `permissions` are not used: `permissionsIn` returns them. */
  organizationsOf(user: AuthUser): Promise<readonly Organization[]>;
  /** The permissions of the user in an organization of which they are a member. */
  permissionsIn(user: AuthUser, organizationId: string): Promise<readonly string[]>;
}

interface Fact<Value> {
  readonly value: Value;
  /** When the question was asked, in milliseconds since 1970. */
  readonly askedAt: number;
}

/** The answers about one user that are remembered, by question: `permissions`, `organizations`, `permissions in ORGANIZATION`. */
export type UserFacts = Map<string, Fact<unknown>>;

/** The cache that the permission sources of all issuers share. */
export interface SharedPermissions {
  /** The key is made of issuer and user (`keyOf`). */
  readonly memory: ExpiringMemory<UserFacts>;
  /** For how long after its question an answer is used. */
  readonly freshMs: number;
}

/**
 * The permission source of one issuer, with a cache: an answer is used for `freshMs`. Older answers are not used during an
 * outage either, because a withdrawn permission must end in time. Calls that need a new answer then fail with a fault (503).
 */
export class IssuerPermissions implements PermissionSource {
  readonly name: string;
  readonly servesApiKeys: boolean;
  private readonly calls: ProviderCalls;
  /** The questions in progress, by user. `forget` removes the user's entry, so that answers still under way are not remembered. */
  private readonly flights = new Map<string, SingleFlight<unknown>>();

  constructor(
    private readonly source: PermissionSource,
    private readonly context: Pick<AuthContext, 'clock' | 'report'>,
    private readonly shared: SharedPermissions,
  ) {
    this.name = source.name;
    this.servesApiKeys = source.servesApiKeys === true;
    this.calls = new ProviderCalls({
      ...context,
      what: `permissions from ${source.name}`,
      consequence: 'Calls that require permissions or organizations of its users are answered with 503',
    });
  }

  permissionsOf(user: AuthUser): Promise<readonly string[]> {
    return this.findOrAsk(user, 'permissions', () => this.source.permissionsOf(user));
  }

  organizationsOf(user: AuthUser): Promise<readonly Organization[]> {
    return this.findOrAsk(user, 'organizations', () => this.source.organizationsOf(user));
  }

  permissionsIn(user: AuthUser, organizationId: string): Promise<readonly string[]> {
    return this.findOrAsk(user, `permissions in ${organizationId}`, () =>
      this.source.permissionsIn(user, organizationId),
    );
  }

  forget(userId: string, issuer: string): void {
    const key = keyOf(userId, issuer);
    this.flights.delete(key);
    this.shared.memory.drop(key);
  }

  private async findOrAsk<Value>(user: AuthUser, name: string, ask: () => Promise<Value>): Promise<Value> {
    const { memory } = this.shared;
    await memory.open();
    const key = keyOf(user.id, user.issuer);
    const known = memory.get(key)?.get(name) as Fact<Value> | undefined;
    if (known !== undefined && this.isFresh(known)) return known.value;
    const flights = this.flights.get(key) ?? new SingleFlight<unknown>();
    this.flights.set(key, flights);
    // Only callers with the same token share a question in progress: the issuer may refuse one token of a user and accept another.
    const question = JSON.stringify([name, isOfApiKey(user) ? null : tokenOf(user)]);
    try {
      return (await flights.run(() => this.askAndRemember(key, name, ask, flights), question)) as Value;
    } finally {
      if (flights.isIdle && this.flights.get(key) === flights) this.flights.delete(key);
    }
  }

  private async askAndRemember<Value>(
    key: string,
    name: string,
    ask: () => Promise<Value>,
    flights: SingleFlight<unknown>,
  ): Promise<Value> {
    const { memory, freshMs } = this.shared;
    const askedAt = this.now();
    const value = await this.calls.run(ask);
    if (this.flights.get(key) !== flights) return value;
    const facts: UserFacts = memory.get(key) ?? new Map<string, Fact<unknown>>();
    memory.keep(key, facts.set(name, { value, askedAt }), freshMs);
    return value;
  }

  private isFresh({ askedAt }: Fact<unknown>): boolean {
    const ageMs = this.now() - askedAt;
    return ageMs >= 0 && ageMs < this.shared.freshMs;
  }

  private now(): number {
    return this.context.clock.now().getTime();
  }
}

function keyOf(userId: string, issuer: string): string {
  return JSON.stringify([issuer, userId]);
}

/** The permission sources of an app, by the name of the issuer (`iss`). */
export class PermissionSources {
  constructor(
    private readonly byIssuer: ReadonlyMap<string, IssuerPermissions>,
    private readonly memory: ExpiringMemory<UserFacts>,
  ) {}

  /** The source that has a user's permissions; `undefined` if the user's token contains them. */
  find(user: AuthUser): PermissionSource | undefined {
    const source = this.byIssuer.get(user.issuer);
    if (source === undefined || (isOfApiKey(user) && source.servesApiKeys)) return source;
    // A user without a token was created by the app, in a test for example: the user's own lists count.
    return findTokenOf(user) === undefined ? undefined : source;
  }

  /** Drops the remembered answers about a user, so that the next question goes to the issuer. */
  readonly forget = (userId: string, issuer: string): void => {
    this.byIssuer.get(issuer)?.forget(userId, issuer);
  };

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.memory.close();
  }
}
