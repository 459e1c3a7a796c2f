import type { Clock } from '../clock/clock.js';
import { isAuthError, AuthUnavailableError, RefusalError, type AuthError } from '../errors/auth-error.js';
import type { ExpiringMemory } from '../profiles/expiring-memory.js';
import { OutageWatch } from '../profiles/outage-watch.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { UpstreamFailure } from '../upstream/upstream-failure.js';
import type { AuthUser, Organization } from '../user/auth-user.js';
import { findTokenOf, tokenOf } from '../user/verified-user.js';

interface Fact<Value> {
  readonly value: Value;
  readonly askedAt: number;
}

/** What is known of a user, by what was asked. */
export type UserFacts = Map<string, Fact<unknown>>;

/** What is being asked about a user. Whoever forgets the user drops it, and its answers are then not kept. */
type Flights = Map<string, Promise<unknown>>;

/** What the permissions of all issuers of an app share. */
export interface PermissionContext {
  /** By issuer and user. */
  readonly memory: ExpiringMemory<UserFacts>;
  /** How long an answer counts. */
  readonly freshMs: number;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

/** Where anonymousCaller says when to come again. */
const usualRetryAfterSeconds = 5;

/**
 * What one issuer says that its users may do, remembered for a while. Longer than that nothing is given: a permission
 * that was taken away must end, so an issuer that does not answer is a fault, however much was known before.
 */
export class IssuerPermissions implements PermissionSource {
  readonly name: string;
  private readonly watch: OutageWatch;
  private readonly flights = new Map<string, Flights>();

  constructor(
    private readonly source: PermissionSource,
    private readonly context: PermissionContext,
  ) {
    this.name = source.name;
    this.watch = new OutageWatch({
      ...context,
      what: `permissions from ${source.name}`,
      consequence: 'Calls that demand permissions or organizations of its users get 503',
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
    this.context.memory.drop(key);
  }

  private async remember<Value>(user: AuthUser, name: string, ask: () => Promise<Value>): Promise<Value> {
    const { memory } = this.context;
    await memory.open();
    const key = keyOf(user.id, user.issuer);
    const known = memory.get(key)?.get(name) as Fact<Value> | undefined;
    if (known !== undefined && this.isFresh(known)) return known.value;
    // What is said to one token of the user says nothing about another one.
    const flight = JSON.stringify([name, tokenOf(user)]);
    const flights: Flights = this.flights.get(key) ?? new Map<string, Promise<unknown>>();
    const flying = flights.get(flight) as Promise<Value> | undefined;
    if (flying !== undefined) return flying;
    this.flights.set(key, flights);
    const answer = this.learn(key, name, ask, flights).finally(() => {
      flights.delete(flight);
      if (flights.size === 0 && this.flights.get(key) === flights) this.flights.delete(key);
    });
    flights.set(flight, answer);
    return answer;
  }

  private async learn<Value>(key: string, name: string, ask: () => Promise<Value>, flights: Flights): Promise<Value> {
    const { memory, freshMs } = this.context;
    const askedAt = this.now();
    const value = await this.ask(ask);
    if (this.flights.get(key) !== flights) return value;
    const facts: UserFacts = memory.get(key) ?? new Map<string, Fact<unknown>>();
    memory.keep(key, facts.set(name, { value, askedAt }), freshMs);
    return value;
  }

  private isFresh({ askedAt }: Fact<unknown>): boolean {
    const ageMs = this.now() - askedAt;
    return ageMs >= 0 && ageMs < this.context.freshMs;
  }

  private async ask<Value>(ask: () => Promise<Value>): Promise<Value> {
    try {
      const value = await ask();
      this.watch.noteSuccess();
      return value;
    } catch (error) {
      if (error instanceof RefusalError) throw error;
      const fault = this.toFault(error);
      this.watch.noteFailure(fault.explanation);
      throw fault;
    }
  }

  private toFault(error: unknown): AuthError {
    if (isAuthError(error)) return error;
    const isUpstream = error instanceof UpstreamFailure;
    const problem = isUpstream ? error.message : 'it failed';
    const seconds = (isUpstream ? error.retryAfterSeconds : null) ?? usualRetryAfterSeconds;
    return new AuthUnavailableError(`Cannot get permissions from ${this.name}: ${problem}`, seconds, { cause: error });
  }

  private now(): number {
    return this.context.clock.now().getTime();
  }
}

function keyOf(userId: string, issuer: string): string {
  return JSON.stringify([issuer, userId]);
}

/**
 * Where an issuer keeps what its tokens do not say: permissions, and the organizations that a user is in. Asked only
 * where a route requires them. What it throws is a fault, but for a `RefusalError`: the issuer refused the user's token.
 */
export interface PermissionSource {
  /** As the log tells where something was looked for: `the API of Stack Auth`. */
  readonly name: string;
  /** What the user may do beyond any organization. */
  permissionsOf(user: AuthUser): Promise<readonly string[]>;
  /** Where the user is a member. Permissions in them are asked for one by one. */
  organizationsOf(user: AuthUser): Promise<readonly Organization[]>;
  /** What the user may do in an organization that they are in. */
  permissionsIn(user: AuthUser, organizationId: string): Promise<readonly string[]>;
}

/** The issuers that have to be asked about permissions, by their names. */
export class PermissionSources {
  constructor(
    private readonly byIssuer: ReadonlyMap<string, IssuerPermissions>,
    private readonly memory: ExpiringMemory<UserFacts>,
  ) {}

  /** Whom to ask about a user; `undefined` where their token says it all. */
  find(user: AuthUser): PermissionSource | undefined {
    const source = this.byIssuer.get(user.issuer);
    // A user whom the app has made by hand, for a test of its own, has what they say.
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
