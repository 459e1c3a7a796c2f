import { hkdfSync } from 'node:crypto';

import type { Provider } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';

import { AUTH_CONTEXT } from '../auth-context-token.js';
import { AuthSettings } from '../auth-settings.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { findAppProvider } from '../find-app-provider.js';
import { IdentityProviders } from '../issuers/identity-provider.js';
import { ProviderSessions } from '../issuers/module-issuer.js';
import { issuersOf } from '../issuers/stack-auth/stack-auth-api.js';
import { StackAuthSessionApi } from '../issuers/stack-auth/stack-auth-session-api.js';
import { AttemptStore } from '../issuing/attempt-store.js';
import { provideFromAuthModule } from '../issuing/auth-module-providers.js';
import { EncryptionKeys } from '../issuing/encryption-keys.js';
import { MemoryAttemptStore } from '../issuing/memory-attempt-store.js';
import { LoginAttempts } from '../login/login-attempts.js';
import { Revocation } from '../open-revocation.js';
import { OriginCheck } from '../request/request-origin.js';
import { type TokenSource, TokenSources } from '../request/token-sources.js';
import { RouteGate } from '../sessions/route-gate.js';
import { accessCookieSource } from '../sessions/session-cookies.js';
import { TokenResponses } from '../sessions/token-responses.js';
import { responseChangesOf } from '../transports/http.transport.js';
import { type AuthContext, createCapability } from '../upstream/auth-context.js';
import { GivenAccessTokens } from './given-access-tokens.js';
import { StackAuthDoctorCheck } from './stack-auth-doctor-check.js';
import { StackAuthLoginRequests } from './stack-auth-login-requests.js';
import { readStackAuthTerms, type StackAuthTerms } from './stack-auth-options.js';
import { StackAuthRequests } from './stack-auth-requests.js';
import { StackAuthResponses } from './stack-auth-responses.js';
import { StackAuthSessions } from './stack-auth-sessions.service.js';
import { StackAuthSignIn } from './stack-auth-sign-in.service.js';

/** The options as they were given, and by which function. */
interface GivenStackAuthOptions {
  readonly where: string;
  readonly options: unknown;
}

export const GIVEN_STACK_AUTH_OPTIONS = Symbol('nest-gatehouse.given-stack-auth-options');
export const STACK_AUTH_TERMS = Symbol('nest-gatehouse.stack-auth-terms');

const moduleName = 'StackAuthModule.forRoot';
const missing = {
  where: moduleName,
  line: "AuthModule.forRoot({ issuers: stackAuth({ projectId: '…' }), publicUrl })",
} as const;

/** What `AuthModule` has before its token sources are known, which the access cookie is one of. */
class AuthBasis {
  constructor(readonly settings: AuthSettings) {}
}

/** The services of `AuthModule`, which know the issuers. */
class AuthServices {
  constructor(
    readonly context: AuthContext,
    readonly issuers: IdentityProviders,
    readonly originCheck: OriginCheck,
    readonly sources: TokenSources,
    readonly revocation: Revocation,
  ) {}
}

/** Where browsers send the access tokens of Stack Auth by themselves. */
class StackAuthCookies extends ProviderSessions {
  override readonly cookieSource: TokenSource | null;

  constructor({ delivery, cookies }: StackAuthTerms) {
    super();
    this.cookieSource = delivery.includes('cookies') ? accessCookieSource(cookies) : null;
  }
}

/** The addresses that Stack Auth sends browsers back to. */
export class CallbackAddress {
  /** Of the route, with a global prefix. The module sets it when the routes are known. */
  path = '';

  constructor(private readonly publicUrl: string) {}

  readonly of = (provider: string): string => this.publicUrl + this.path.replace(':provider', provider);
}

function openCallbackAddress({ publicUrl }: StackAuthTerms): CallbackAddress {
  return new CallbackAddress(publicUrl);
}

/** A key for cookies alone, from which the secret key cannot be found (RFC 5869). */
function deriveKeys(secretServerKey: string | null): EncryptionKeys | null {
  if (secretServerKey === null) return null;
  const derived = hkdfSync('sha256', secretServerKey, '', 'nest-gatehouse stack-auth login', 32);
  return new EncryptionKeys([new Uint8Array(derived)]);
}

/** @throws {ConfigurationError} unless exactly one project of Stack Auth is an issuer. */
function findApi({ issuers, context }: AuthServices): StackAuthSessionApi {
  const capabilities = issuers.all.flatMap(({ sessionApi }) => (sessionApi === undefined ? [] : [sessionApi]));
  const apis = capabilities.map((capability) => createCapability(capability, context));
  const [api, ...others] = apis.filter((each): each is StackAuthSessionApi => each?.kind === 'stack-auth');
  if (api !== undefined && others.length === 0) return api;
  throw new ConfigurationError(
    'AuthModule.forRoot({ issuers })',
    api === undefined
      ? 'stackAuth() is missing, and StackAuthModule works with its project'
      : 'stackAuth() is listed several times, and StackAuthModule works with one project',
    "Write issuers: stackAuth({ projectId: '…' })",
  );
}

/** What the options, once read, are made into. */
export const stackAuthModuleProviders: Provider[] = [
  provideFromAuthModule(AuthBasis, [AuthSettings], missing),
  provideFromAuthModule(
    AuthServices,
    [AUTH_CONTEXT, IdentityProviders, OriginCheck, TokenSources, Revocation],
    missing,
  ),
  {
    provide: STACK_AUTH_TERMS,
    inject: [GIVEN_STACK_AUTH_OPTIONS, AuthBasis],
    useFactory: ({ where, options }: GivenStackAuthOptions, { settings }: AuthBasis) =>
      readStackAuthTerms(where, options, settings),
  },
  {
    provide: ProviderSessions,
    inject: [STACK_AUTH_TERMS],
    useFactory: (terms: StackAuthTerms) => new StackAuthCookies(terms),
  },
  { provide: StackAuthSessionApi, inject: [AuthServices], useFactory: findApi },
  {
    provide: RouteGate,
    inject: [STACK_AUTH_TERMS, AuthServices, HttpAdapterHost],
    useFactory: (terms: StackAuthTerms, { originCheck }: AuthServices, host: HttpAdapterHost) =>
      new RouteGate({ terms, originCheck, ...responseChangesOf(host) }),
  },
  {
    provide: StackAuthResponses,
    inject: [STACK_AUTH_TERMS, RouteGate, HttpAdapterHost],
    useFactory: (terms: StackAuthTerms, gate: RouteGate, host: HttpAdapterHost): StackAuthResponses => {
      const { clock } = terms;
      const responses = new TokenResponses({ terms, clock, ...responseChangesOf(host) });
      return new StackAuthResponses({ terms, clock, gate, responses });
    },
  },
  {
    provide: StackAuthSessions,
    inject: [StackAuthSessionApi, STACK_AUTH_TERMS, StackAuthResponses, AuthServices],
    useFactory: (
      api: StackAuthSessionApi,
      { clock }: StackAuthTerms,
      responses: StackAuthResponses,
      { revocation: { check, service }, issuers }: AuthServices,
    ): StackAuthSessions => {
      const accepted = new Set(issuers.all.flatMap((provider) => provider.issuers.map(({ terms }) => terms.issuer)));
      const ofProject = issuersOf(api.project).flatMap(({ issuer }) => (accepted.has(issuer) ? [issuer] : []));
      const revoke = async (sessionId: string): Promise<void> => {
        if (check === null) return;
        await Promise.all(ofProject.map((issuer) => service.revokeSession({ issuer, sessionId })));
      };
      return new StackAuthSessions({ api, clock, responses, revoke });
    },
  },
  {
    provide: StackAuthDoctorCheck,
    inject: [StackAuthSessionApi, STACK_AUTH_TERMS, AuthServices],
    useFactory: ({ project }: StackAuthSessionApi, terms: StackAuthTerms, { sources }: AuthServices) =>
      new StackAuthDoctorCheck(project, terms, () => sources.all),
  },
  {
    provide: StackAuthSignIn,
    inject: [StackAuthSessionApi],
    useFactory: (api: StackAuthSessionApi) => new StackAuthSignIn(api),
  },
  {
    provide: StackAuthRequests,
    inject: [STACK_AUTH_TERMS, RouteGate, StackAuthSessions, StackAuthSignIn, StackAuthResponses, GivenAccessTokens],
    useFactory: (
      terms: StackAuthTerms,
      gate: RouteGate,
      sessions: StackAuthSessions,
      signIn: StackAuthSignIn,
      responses: StackAuthResponses,
      accessTokens: GivenAccessTokens,
    ) => new StackAuthRequests({ terms, gate, sessions, signIn, responses, accessTokens }),
  },
  {
    provide: GivenAccessTokens,
    inject: [AuthServices, StackAuthSessionApi],
    useFactory: ({ sources }: AuthServices, { project }: StackAuthSessionApi) =>
      new GivenAccessTokens(sources.all, project),
  },
  { provide: CallbackAddress, inject: [STACK_AUTH_TERMS], useFactory: openCallbackAddress },
  {
    provide: LoginAttempts,
    inject: [STACK_AUTH_TERMS, RouteGate, StackAuthSessionApi, ModulesContainer],
    useFactory: (
      { clock, encryptionKeys }: StackAuthTerms,
      gate: RouteGate,
      api: StackAuthSessionApi,
      modules: ModulesContainer,
    ): LoginAttempts => {
      const keys = encryptionKeys ?? deriveKeys(api.project.secretServerKey) ?? EncryptionKeys.random();
      const ownStore = new MemoryAttemptStore();
      const getUsed = (): AttemptStore => findAppProvider(modules, AttemptStore, moduleName) ?? ownStore;
      return new LoginAttempts({ cookies: gate, clock, getKeys: () => keys, getUsed, context: 'stack-auth login' });
    },
  },
  {
    provide: StackAuthLoginRequests,
    inject: [
      STACK_AUTH_TERMS,
      RouteGate,
      StackAuthSignIn,
      StackAuthResponses,
      LoginAttempts,
      GivenAccessTokens,
      AuthServices,
      CallbackAddress,
      HttpAdapterHost,
    ],
    useFactory: (
      terms: StackAuthTerms,
      gate: RouteGate,
      signIn: StackAuthSignIn,
      responses: StackAuthResponses,
      attempts: LoginAttempts,
      accessTokens: GivenAccessTokens,
      { context: { report } }: AuthServices,
      { of: callbackUrl }: CallbackAddress,
      host: HttpAdapterHost,
    ): StackAuthLoginRequests => {
      const { redirect } = responseChangesOf(host);
      const parts = { terms, gate, signIn, responses, attempts, accessTokens, report, callbackUrl, redirect };
      return new StackAuthLoginRequests(parts);
    },
  },
];
