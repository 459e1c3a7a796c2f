/** Looks up profiles of a preset's users, with the services as the module creates them, without Nest. */
import { afterEach } from 'vitest';
import type { Clock } from '../../src/clock/clock.js';
import type { AuthContext } from '../../src/upstream/auth-context.js';
import type { IdentityProvider } from '../../src/issuers/identity-provider.js';
import { openProfiles as open } from '../../src/open-providers.js';
import { readProfileOptions } from '../../src/profiles/profile-options.js';
import type { UserProfileService } from '../../src/profiles/user-profile.service.js';
import type { AuthEvent } from '../../src/telemetry/auth-event.js';
import { parseToken } from '../../src/token/parse-token.js';
import { toVerifiedToken } from '../../src/token/verified-token.js';
import { ProviderClients } from '../../src/upstream/provider-clients.js';
import { HttpClient } from '../../src/upstream/http-client.js';
import type { AuthUser } from '../../src/user/auth-user.js';
import { toAuthUser } from '../../src/user/verified-user.js';

export interface OpenedProfiles {
  readonly context: AuthContext;
  readonly profiles: UserProfileService;
  /** The events that were reported. */
  readonly events: readonly AuthEvent[];
}

const machineClock: Clock = { now: () => new Date() };
const opened: { end(): Promise<void> }[] = [];

/** The cache is off, so that every look-up calls the provider. */
export function openProfiles(provider: IdentityProvider, clock: Clock = machineClock): OpenedProfiles {
  const events: AuthEvent[] = [];
  const clients = new ProviderClients({ clock });
  const context: AuthContext = {
    clock,
    upstream: new HttpClient(),
    providerClient: clients.get,
    report: (event) => events.push(event),
  };
  const profiles = open([provider], readProfileOptions('profiles', { cache: false }), clients, context);
  opened.push({
    end: () => {
      profiles.onModuleDestroy();
      return clients.onApplicationShutdown();
    },
  });
  return { profiles, context, events };
}

/** The user of a token of the preset's first issuer, as the guard creates it. */
export function userOf(provider: IdentityProvider, text: string, claims = parseToken(text).claims): AuthUser {
  const iss = provider.issuers[0]?.terms.issuer ?? '';
  return toAuthUser(text, toVerifiedToken(iss, { alg: 'ES256' }, { ...claims, iss }), provider.claimMap);
}

afterEach(() => Promise.all(opened.splice(0).map((one) => one.end())));
