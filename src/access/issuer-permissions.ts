import type { ExpiringMemory } from '../profiles/expiring-memory.js';
import type { AuthContext } from '../upstream/auth-context.js';
import { ProviderCalls } from '../upstream/provider-calls.js';
import { SingleFlight } from '../upstream/single-flight.js';
import type { AuthUser, Organization } from '../user/auth-user.js';
import { findTokenOf, tokenOf } from '../user/verified-user.js';

interface Fact<Value> {
  readonly value: Value;
  readonly askedAt: number;
}

/** What is known of a user, by question. */
export type UserFacts = Map<string, Fact<unknown>>;

/** What the permissions of all issuers of an app share. */
export interface SharedPermissions {
  /** By issuer and user. */
  readonly memory: ExpiringMemory<UserFacts>;
  /** How long an answer is used. */
  readonly freshMs: number;
}

/**
 * What one issuer says about the permissions of its users, remembered for `freshMs`. Older answers are never used: a
 * permission that was withdrawn must end, so an issuer that does not answer causes a fault, whatever was known before.
 */
export class IssuerPermissions implements PermissionSource {
  readonly name: string;
  private readonly calls: ProviderCalls;
  /** Questions in progress, by user. When a user is forgotten, their answers are not remembered. */
  private readonly flights = new Map<string, SingleFlight<unknown>>();

  constructor(
    private readonly source: PermissionSource,
    private readonly context: Pick<AuthContext, 'clock' | 'report'>,
    private readonly shared: SharedPermissions,
  ) {
    this.name = source.name;
    this.calls = new ProviderCalls({
      ...context,
      what: `permissions from ${source.name}`,
      consequence: 'Calls that require permissions or organizations of its users are answered with 503',
    });
  }

  permissionsOf(user: AuthUser): Promise<readonly string[]> {
    return this.remember(user, 'permissions', () => this.source.permissionsOf(user));
  }

  organizationsOf(user: AuthUser): Promise<readonly Organization[]> {
    return this.remember(user, 'organizations', () => this.source.organizationsOf(user));
  }

  permissionsIn(user: AuthUser, organizationId: string): Promise<readonly string[]> {
    return this.remember(user, `permissions in ${organizationId}`, () =>
      this.source.permissionsIn(user, organizationId),
    );
  }

  forget(userId: string, issuer: string): void {
    const key = keyOf(userId, issuer);
    this.flights.delete(key);
    this.shared.memory.drop(key);
  }

  private async remember<Value>(user: AuthUser, name: string, ask: () => Promise<Value>): Promise<Value> {
    const { memory } = this.shared;
    await memory.open();
    const key = keyOf(user.id, user.issuer);
    const known = memory.get(key)?.get(name) as Fact<Value> | undefined;
    if (known !== undefined && this.isFresh(known)) return known.value;
    const flights = this.flights.get(key) ?? new SingleFlight<unknown>();
    this.flights.set(key, flights);
    // The answer to one token of the user says nothing about another one.
    const question = JSON.stringify([name, tokenOf(user)]);
    try {
      return (await flights.run(() => this.learn(key, name, ask, flights), question)) as Value;
    } finally {
      if (flights.isIdle && this.flights.get(key) === flights) this.flights.delete(key);
    }
  }

  private async learn<Value>(
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

/**
 * Where an issuer keeps what its tokens do not contain: permissions, and the organizations of a user. It is only asked
 * for routes that require them. Everything that it throws is a fault (503), except a `RefusalError`: the issuer has
 * refused the user's token.
 */
export interface PermissionSource {
  /** Names the source in the log: `the API of Stack Auth`. */
  readonly name: string;
  /** The permissions of the user outside of any organization. */
  permissionsOf(user: AuthUser): Promise<readonly string[]>;
  /** The organizations of which the user is a member, without permissions; those are asked for one by one. */
  organizationsOf(user: AuthUser): Promise<readonly Organization[]>;
  /** The permissions of the user in an organization of which they are a member. */
  permissionsIn(user: AuthUser, organizationId: string): Promise<readonly string[]>;
}

/** The issuers that have to be asked about permissions, by their names. */
export class PermissionSources {
  constructor(
    private readonly byIssuer: ReadonlyMap<string, IssuerPermissions>,
    private readonly memory: ExpiringMemory<UserFacts>,
  ) {}

  /** The source to ask about a user; `undefined` when their token contains everything. */
  find(user: AuthUser): PermissionSource | undefined {
    const source = this.byIssuer.get(user.issuer);
    // A user that the app has made by hand, for a test of its own, has the permissions that they state.
    return source === undefined || findTokenOf(user) === undefined ? undefined : source;
  }

  /** Drops what is known of a user, so that the next question goes to the issuer. */
  readonly forget = (userId: string, issuer: string): void => {
    this.byIssuer.get(issuer)?.forget(userId, issuer);
  };

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.memory.close();
  }
}
