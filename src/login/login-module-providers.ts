import type { Provider } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';

import { type AppObject, openAppObject } from '../app-object.js';
import { AUTH_CONTEXT } from '../auth-context-token.js';
import { AuthSettings } from '../auth-settings.js';
import { NodeTimer } from '../clock/clock.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { type AppModules, findAppProvider, getAppProvider } from '../find-app-provider.js';
import { AttemptStore } from '../issuing/attempt-store.js';
import { EncryptionKeys } from '../issuing/encryption-keys.js';
import { OneTimeCodeStore } from '../issuing/one-time-code-store.js';
import { SessionGate } from '../sessions/session-gate.js';
import { SessionService } from '../sessions/session.service.js';
import { responseChangesOf } from '../transports/http.transport.js';
import type { AuthContext } from '../upstream/auth-context.js';
import { AppLogins } from './app-logins.js';
import { BackChannelLogouts } from './back-channel-logouts.js';
import { EndedLogins } from './ended-logins.js';
import { KeptTokens } from './kept-tokens.js';
import { LoginAccounts } from './login-accounts.js';
import { LoginAttempts } from './login-attempts.js';
import { LoginFlow } from './login-flow.js';
import type { LoginDecider, LoginTerms } from './login-options.js';
import { LoginRequests } from './login-requests.js';
import { LoginService } from './login.service.js';
import { type OpenedProvider, openProvider } from './open-provider.js';
import { ProviderTokenStore } from './provider-token-store.js';

export const LOGIN_TERMS = Symbol('nest-gatehouse.login-terms');

/** What the other modules of the package give to this one. */
export class LoginBasis {
  constructor(
    readonly settings: AuthSettings,
    readonly context: AuthContext,
    readonly gate: SessionGate,
    readonly sessions: SessionService,
  ) {}
}

/** The parts of the app that logins need. Any module may provide them, so they are looked up when the app starts. */
export class LoginAppParts {
  private accounts: LoginAccounts | undefined;
  private pathOfCallback = '';

  constructor(
    private readonly terms: LoginTerms,
    private readonly basis: LoginBasis,
    private readonly modules: AppModules,
    private readonly moduleRef: ModuleRef,
  ) {}

  readonly getAccounts = (): LoginAccounts => {
    if (this.accounts !== undefined) return this.accounts;
    throw new TypeError('The app has not started yet');
  };
  readonly getKeys = (): EncryptionKeys => getAppProvider(this.modules, EncryptionKeys, this.terms.where);
  readonly getUsed = (): AttemptStore => getAppProvider(this.modules, AttemptStore, this.terms.where);
  readonly getCodes = (): OneTimeCodeStore => getAppProvider(this.modules, OneTimeCodeStore, this.terms.where);
  readonly getTokens = (): ProviderTokenStore => getAppProvider(this.modules, ProviderTokenStore, this.terms.where);

  /** The address at which a provider calls the app back. */
  readonly callbackUrl = (provider: string): string => {
    // `SessionsModule` requires the address.
    return (this.basis.settings.publicUrl ?? '') + this.pathOfCallback.replace(':provider', provider);
  };

  /**
   * @param pathOfCallback of the route, with a global prefix
   * @throws {ConfigurationError} where a store is missing, or nothing says whom an identity belongs to
   */
  async open(pathOfCallback: string): Promise<void> {
    this.pathOfCallback = pathOfCallback;
    for (const find of [this.getKeys, this.getUsed, this.getCodes]) find();
    if (this.terms.keepTokens) this.getTokens();
    this.accounts = await this.openAccounts(this.terms.signIn);
  }

  private async openAccounts(signIn: AppObject<LoginDecider> | null): Promise<LoginAccounts> {
    const { where } = this.terms;
    if (signIn !== null) {
      return new AppLogins(await openAppObject(signIn, `${where}({ signIn })`, this.modules, this.moduleRef));
    }
    const accounts = findAppProvider(this.modules, LoginAccounts, where);
    if (accounts !== null) return accounts;
    throw new ConfigurationError(
      `${where}({ signIn })`,
      'it is missing, and nothing else in this app knows whose an identity is',
      'Import AccountsModule, or write signIn: (identity) => users.findOrCreate(identity.provider, identity.subject)',
    );
  }
}

/** The clients of the providers, by their ids. */
class LoginClients extends Map<string, OpenedProvider> {
  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    for (const client of this.values()) client.close();
  }
}

export const loginModuleProviders: readonly Provider[] = [
  {
    provide: LoginBasis,
    inject: [AuthSettings, AUTH_CONTEXT, SessionGate, SessionService].map((token) => ({ token, optional: true })),
    useFactory: (...parts: ConstructorParameters<typeof LoginBasis>): LoginBasis => {
      if (parts.every((part) => (part as unknown) !== undefined)) return new LoginBasis(...parts);
      throw new ConfigurationError(
        'LoginModule.forRoot',
        'it does not see AuthModule and SessionsModule',
        'Add AuthModule.forRoot({ issuers: ownTokens(), publicUrl }) and SessionsModule.forRoot() to the imports of the root module',
      );
    },
  },
  {
    provide: LoginAppParts,
    inject: [LOGIN_TERMS, LoginBasis, ModulesContainer, ModuleRef],
    useFactory: (...parts: ConstructorParameters<typeof LoginAppParts>) => new LoginAppParts(...parts),
  },
  {
    provide: LoginClients,
    inject: [LOGIN_TERMS, LoginBasis],
    useFactory: ({ providers }: LoginTerms, { context }: LoginBasis) =>
      new LoginClients(providers.map((provider) => [provider.id, openProvider(provider, context)] as const)),
  },
  {
    provide: LoginAttempts,
    inject: [LoginBasis, LoginAppParts],
    useFactory: ({ settings: { clock }, gate }: LoginBasis, { getKeys, getUsed }: LoginAppParts) =>
      new LoginAttempts({ cookies: gate, clock, getKeys, getUsed }),
  },
  {
    provide: EndedLogins,
    inject: [LoginBasis, LoginAppParts],
    useFactory: ({ settings: { clock } }: LoginBasis, { getCodes: findStore }: LoginAppParts) =>
      new EndedLogins({ clock, findStore }),
  },
  {
    provide: KeptTokens,
    inject: [LoginBasis, LoginAppParts],
    useFactory: ({ settings: { clock } }: LoginBasis, { getTokens, getKeys }: LoginAppParts) =>
      new KeptTokens({
        clock,
        findStore: getTokens,
        findEncryptionKeys: getKeys,
        createTimer: () => new NodeTimer(),
      }),
  },
  {
    provide: LoginFlow,
    inject: [LOGIN_TERMS, LoginBasis, LoginAppParts, LoginAttempts, EndedLogins, KeptTokens],
    useFactory: (
      { keepTokens }: LoginTerms,
      { gate, sessions, settings: { clock }, context: { report } }: LoginBasis,
      { getAccounts }: LoginAppParts,
      attempts: LoginAttempts,
      endedLogins: EndedLogins,
      kept: KeptTokens,
    ) =>
      new LoginFlow({
        ...{ gate, sessions, attempts, endedLogins, getAccounts, clock, report },
        keptTokens: keepTokens ? kept : null,
      }),
  },
  {
    provide: LoginService,
    inject: [LOGIN_TERMS, LoginClients, LoginAppParts, KeptTokens],
    useFactory: ({ keepTokens }: LoginTerms, clients: LoginClients, { callbackUrl }: LoginAppParts, kept: KeptTokens) =>
      new LoginService({ clients, callbackUrl, keptTokens: keepTokens ? kept : null }),
  },
  {
    provide: LoginRequests,
    inject: [
      LOGIN_TERMS,
      LoginBasis,
      LoginAppParts,
      LoginClients,
      LoginAttempts,
      LoginFlow,
      EndedLogins,
      HttpAdapterHost,
    ],
    useFactory: (
      { addresses }: LoginTerms,
      { settings: { clock }, context: { report }, gate, sessions }: LoginBasis,
      { callbackUrl, getUsed }: LoginAppParts,
      clients: LoginClients,
      attempts: LoginAttempts,
      flow: LoginFlow,
      endedLogins: EndedLogins,
      host: HttpAdapterHost,
    ) =>
      new LoginRequests({
        gate,
        sessions,
        flow,
        attempts,
        logouts: new BackChannelLogouts({ gate, endedLogins, clock, getUsed }),
        addresses,
        clients,
        clock,
        report,
        callbackUrl,
        redirect: responseChangesOf(host).redirect,
        setStatus: (response, status) => {
          host.httpAdapter.status(response, status);
        },
      }),
  },
];
