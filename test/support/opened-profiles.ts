/** The profile service with sources of a test, with the services as the module creates them, without Nest. */
import { jwtIssuer } from '../../src/issuers/jwt-issuer.js';
import type { IdentityProvider } from '../../src/issuers/identity-provider.js';
import { openProfiles } from '../../src/open-providers.js';
import { type ProfileOptions, readProfileOptions } from '../../src/profiles/profile-options.js';
import type { ProfileSource, SourcedProfile } from '../../src/profiles/profile-source.js';
import type { UserProfileService } from '../../src/profiles/user-profile.service.js';
import type { AuthEvent } from '../../src/telemetry/auth-event.js';
import { toVerifiedToken } from '../../src/token/verified-token.js';
import { ProviderClients } from '../../src/upstream/provider-clients.js';
import { HttpClient } from '../../src/upstream/http-client.js';
import type { AuthUser } from '../../src/user/auth-user.js';
import { mapStandardClaims } from '../../src/user/claim-map.js';
import { toAuthUser, tokenOf } from '../../src/user/verified-user.js';
import { ManualTimer } from './manual-timer.js';
import { ManualClock } from './manual-clock.js';

/** A source that answers from a table, can delay its answers, and records its calls. */
export class TableSource implements ProfileSource {
  readonly access?: string;
  /** The calls, in order: `get alice by t1`, `find bob`. */
  readonly questions: string[] = [];
  /** The users by id. A user who is not in it does not exist. */
  readonly users: Record<string, SourcedProfile | undefined>;
  /** An error to throw instead of an answer. */
  trouble: unknown = undefined;
  private gate: Promise<void> = Promise.resolve();
  private openGate: () => void = () => undefined;

  constructor(
    users: Record<string, SourcedProfile | undefined> = { alice: { displayName: 'Alice' } },
    access?: string,
  ) {
    this.users = users;
    if (access !== undefined) this.access = access;
  }

  async get(user: AuthUser): Promise<SourcedProfile | null> {
    return this.answer(`get ${user.id} by ${tokenOf(user)}`, user.id);
  }

  async find(userId: string): Promise<SourcedProfile | null> {
    return this.answer(`find ${userId}`, userId);
  }

  /** Delays answers until `release()`. */
  hold(): void {
    this.gate = new Promise((resolve) => {
      this.openGate = resolve;
    });
  }

  release(): void {
    this.openGate();
    this.gate = Promise.resolve();
  }

  protected async answer(question: string, userId: string): Promise<SourcedProfile | null> {
    this.questions.push(question);
    const { trouble } = this;
    await this.gate;
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- an app's source may throw anything.
    if (trouble !== undefined) throw trouble;
    return this.users[userId] ?? null;
  }
}

export interface OpenedProfiles {
  readonly service: UserProfileService;
  readonly clock: ManualClock;
  readonly timer: ManualTimer;
  readonly events: readonly AuthEvent[];
}

/** Opens the service for issuers of these names, each with its source (`null`: none), or for presets. */
export function openService(
  sources: Readonly<Record<string, ProfileSource | null>> | readonly IdentityProvider[],
  options: ProfileOptions = {},
  clock = new ManualClock(),
): OpenedProfiles {
  const timer = new ManualTimer();
  const events: AuthEvent[] = [];
  const clients = new ProviderClients({ clock, timeoutMs: 2_500 });
  const context = {
    clock,
    upstream: new HttpClient(),
    providerClient: clients.get,
    report: (event: AuthEvent) => void events.push(event),
    createTimer: () => timer,
  };
  const providers = isList(sources)
    ? sources
    : Object.entries(sources).map(([issuer, profiles]) => {
        const terms = { issuer, audience: 'api', secret: 's'.repeat(64) };
        return jwtIssuer(profiles === null ? terms : { ...terms, profiles });
      });
  return {
    service: openProfiles(providers, readProfileOptions('profiles', options), clients, context),
    clock,
    timer,
    events,
  };
}

function isList(given: unknown): given is readonly IdentityProvider[] {
  return Array.isArray(given);
}

/** A user as the guard creates it; the default issuer is `joe`. */
export function userOf(id: string, { token = 't1', issuer = 'joe' } = {}): AuthUser {
  const verified = toVerifiedToken(issuer, { alg: 'HS256' }, { sub: id, exp: 1_900_000_000 });
  return toAuthUser(token, verified, { provider: 'jwt', map: mapStandardClaims });
}

/** Waits until background work is complete. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
}
