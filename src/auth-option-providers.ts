import type { Provider } from '@nestjs/common';

import { AuthSettings } from './auth-settings.js';
import { Clock } from './clock/clock.js';
import { acceptingTokens, IdentityProviders } from './issuers/identity-provider.js';
import { OwnApiKeys, OwnTokens, ProviderSessions } from './issuers/module-issuer.js';
import { AUTH_MODULE_OPTIONS, READ_AUTH_OPTIONS, type ReadAuthOptions } from './read-auth-options.js';
import { type ResolvedAuthOptions, resolveAuthOptions } from './resolve-auth-options.js';
import { EventLog } from './telemetry/event-log.service.js';
import { ProviderClients } from './upstream/provider-clients.js';

/** The options of `AuthModule` in their stages, and what follows from them alone. */
export const authOptionProviders: Provider[] = [
  {
    provide: AuthSettings,
    inject: [READ_AUTH_OPTIONS],
    useFactory: ({ publicUrl, trustedOrigins, clock, scopes }: ReadAuthOptions) =>
      new AuthSettings(publicUrl, trustedOrigins, clock, scopes),
  },
  { provide: Clock, inject: [READ_AUTH_OPTIONS], useFactory: ({ clock }: ReadAuthOptions) => clock },
  {
    provide: AUTH_MODULE_OPTIONS,
    // The own tokens and keys are those of global modules, wherever they are imported.
    inject: [
      READ_AUTH_OPTIONS,
      { token: OwnTokens, optional: true },
      { token: OwnApiKeys, optional: true },
      { token: ProviderSessions, optional: true },
    ],
    useFactory: (options: ReadAuthOptions, tokens?: OwnTokens, keys?: OwnApiKeys, sessions?: ProviderSessions) =>
      resolveAuthOptions(options, { tokens: tokens ?? null, keys: keys ?? null, sessions: sessions ?? null }),
  },
  {
    provide: IdentityProviders,
    inject: [AUTH_MODULE_OPTIONS],
    useFactory: ({ providers }: ResolvedAuthOptions) => new IdentityProviders(acceptingTokens(providers)),
  },
  {
    provide: EventLog,
    inject: [READ_AUTH_OPTIONS],
    useFactory: ({ onEvent }: ReadAuthOptions) => new EventLog(onEvent),
  },
  {
    provide: ProviderClients,
    inject: [AUTH_MODULE_OPTIONS],
    useFactory: ({ providerClients }: ResolvedAuthOptions) => new ProviderClients(providerClients),
  },
];
