import type { Provider } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';

import { openAppObject } from '../app-object.js';
import { AuthSettings } from '../auth-settings.js';
import { Authenticator } from '../authentication/authenticator.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { findAppProvider } from '../find-app-provider.js';
import { OwnTokens } from '../issuers/module-issuer.js';
import { AdapterRoutes } from '../issuing/adapter-routes.service.js';
import { type MissingAuthModule, provideFromAuthModule } from '../issuing/auth-module-providers.js';
import { AuthorizationServerMetadata } from '../issuing/authorization-server-metadata.js';
import { issuerRoutes } from '../issuing/issuer-routes.js';
import { JwtSigner } from '../issuing/jwt-signer.js';
import { OwnKeySource } from '../issuing/own-key-source.js';
import { type PublicJwk, SigningKeys } from '../issuing/signing-keys.js';
import { StoredSigningKeys } from '../issuing/stored-signing-keys.js';
import { Revocation } from '../open-revocation.js';
import { OriginCheck } from '../request/request-origin.js';
import { TokenSources } from '../request/token-sources.js';
import { EventLog } from '../telemetry/event-log.service.js';
import { responseChangesOf } from '../transports/http.transport.js';
import { AccessTokens } from './access-tokens.js';
import { SessionOwnTokens } from './own-tokens.js';
import { SessionCaller } from './session-caller.js';
import { SessionGate } from './session-gate.js';
import { SessionLifecycle } from './session-lifecycle.js';
import { readSessionTerms, type SessionTerms } from './session-options.js';
import { SessionRequests } from './session-requests.js';
import { SessionStatus } from './session-status.js';
import { SessionStores } from './session-stores.js';
import { AccountSubjects, ExtendedSubjects } from './account-subjects.js';
import { findSubject, type SessionSubject, type SubjectFinder } from './session-subject.js';
import { SessionsDoctorCheck } from './sessions-doctor-check.js';
import { SessionService } from './session.service.js';
import { TokenResponses } from './token-responses.js';

/** The options as they were given, and by which function. */
interface GivenSessionOptions {
  readonly where: string;
  readonly options: unknown;
}

export const GIVEN_SESSION_OPTIONS = Symbol('nest-gatehouse.given-session-options');
export const SESSION_TERMS = Symbol('nest-gatehouse.session-terms');

/** Looks up users as the app has configured it. */
export class SessionSubjects implements SubjectFinder {
  private finder: SubjectFinder | undefined;

  constructor(
    private readonly terms: SessionTerms,
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** @throws {ConfigurationError} when there is nothing that looks users up. */
  async open(): Promise<SubjectFinder> {
    return (this.finder ??= await this.find());
  }

  async findSubject(userId: string): Promise<SessionSubject | null> {
    return (await this.open()).findSubject(userId);
  }

  private async find(): Promise<SubjectFinder> {
    const accounts = findAppProvider(this.modules, AccountSubjects, 'AccountsModule');
    const own = await this.findOwn();
    if (accounts !== null) return own === null ? accounts : new ExtendedSubjects(accounts, own);
    if (own !== null) return own;
    throw new ConfigurationError(
      'SessionsModule.forRoot({ findSubject })',
      'it is missing, and nothing else in this app knows its users',
      'Write findSubject: (userId) => users.find(userId), or import AccountsModule',
    );
  }

  private async findOwn(): Promise<SubjectFinder | null> {
    const { findSubject } = this.terms;
    if (findSubject === null) return null;
    return openAppObject(findSubject, 'SessionsModule.forRoot({ findSubject })', this.modules, this.moduleRef);
  }
}

/** What `AuthModule` has before its issuers are known, which own tokens are one of. */
class AuthBasis {
  constructor(
    readonly settings: AuthSettings,
    readonly log: EventLog,
  ) {}
}

/** The services of `AuthModule`, which know the issuers. */
class AuthServices {
  constructor(
    readonly authenticator: Authenticator,
    readonly originCheck: OriginCheck,
    readonly revocation: Revocation,
  ) {}
}

const missing: MissingAuthModule = {
  where: 'SessionsModule.forRoot',
  line: 'AuthModule.forRoot({ issuers: ownTokens(), publicUrl })',
};

/** Puts the keys and the metadata of the app as an issuer on the HTTP adapter. */
export class IssuerEndpoints {
  constructor(private readonly addRoutes: () => void) {}

  add(): void {
    this.addRoutes();
  }
}

/** What the options, once read, are made into. */
export const sessionsModuleProviders: Provider[] = [
  provideFromAuthModule(AuthBasis, [AuthSettings, EventLog], missing),
  provideFromAuthModule(AuthServices, [Authenticator, OriginCheck, Revocation], missing),
  {
    provide: SessionStores,
    inject: [ModulesContainer],
    useFactory: (modules: ModulesContainer) => new SessionStores(modules),
  },
  {
    provide: SESSION_TERMS,
    inject: [GIVEN_SESSION_OPTIONS, AuthBasis],
    useFactory: ({ where, options }: GivenSessionOptions, { settings }: AuthBasis) =>
      readSessionTerms(where, options, settings),
  },
  {
    provide: SigningKeys,
    inject: [SESSION_TERMS, AuthBasis, SessionStores],
    useFactory: (
      terms: SessionTerms,
      { settings: { clock }, log: { report } }: AuthBasis,
      stores: SessionStores,
    ): StoredSigningKeys =>
      new StoredSigningKeys({
        findStore: stores.findSigningKeyStore,
        findEncryptionKeys: stores.findEncryptionKeys,
        clock,
        algorithm: terms.algorithm,
        rotateEverySeconds: terms.rotateEverySeconds,
        publishAheadSeconds: terms.publishAheadSeconds,
        longestTokenSeconds: terms.lifetimeSeconds,
        report,
      }),
  },
  {
    provide: OwnKeySource,
    inject: [SigningKeys, AuthBasis, SessionStores],
    useFactory: (stored: SigningKeys, { settings: { clock }, log: { report } }: AuthBasis, stores: SessionStores) =>
      new OwnKeySource({ findSigningKeys: () => stores.findSigningKeys(stored), clock, report }),
  },
  {
    provide: IssuerEndpoints,
    inject: [SESSION_TERMS, SigningKeys, AdapterRoutes, AuthorizationServerMetadata, AuthBasis, SessionStores],
    useFactory: (
      { issuer, publicUrl }: SessionTerms,
      stored: SigningKeys,
      adapterRoutes: AdapterRoutes,
      metadata: AuthorizationServerMetadata,
      { log: { report } }: AuthBasis,
      stores: SessionStores,
    ): IssuerEndpoints => {
      const published = async (): Promise<readonly PublicJwk[]> => stores.findSigningKeys(stored).published();
      const routes = issuerRoutes({ issuer, publicUrl, published, metadata });
      return new IssuerEndpoints(() => {
        adapterRoutes.add('SessionsModule.forRoot', routes, report);
      });
    },
  },
  {
    provide: OwnTokens,
    inject: [SESSION_TERMS, OwnKeySource, AuthBasis, SessionStores, SessionSubjects],
    useFactory: (
      terms: SessionTerms,
      keys: OwnKeySource,
      { settings: { clock } }: AuthBasis,
      { findSessions }: SessionStores,
      subjects: SessionSubjects,
    ): SessionOwnTokens => {
      const believedMs = terms.lifetimeSeconds * 1_000;
      const findSubjectOf = (userId: string): Promise<SessionSubject | null> => findSubject(subjects, userId);
      const parts = { findStore: findSessions, findSubject: findSubjectOf, clock, believedMs };
      return new SessionOwnTokens(terms, keys, new SessionStatus(parts), findSubjectOf);
    },
  },
  {
    provide: SessionSubjects,
    inject: [SESSION_TERMS, ModulesContainer, ModuleRef],
    useFactory: (terms: SessionTerms, modules: ModulesContainer, moduleRef: ModuleRef) =>
      new SessionSubjects(terms, modules, moduleRef),
  },
  {
    provide: SessionCaller,
    inject: [OwnTokens, OwnKeySource, AuthBasis, AuthServices],
    useFactory: (
      own: SessionOwnTokens,
      keys: OwnKeySource,
      { settings: { clock } }: AuthBasis,
      { authenticator, originCheck, revocation }: AuthServices,
    ): SessionCaller => {
      const { terms, sources } = own;
      const statusCheck = revocation.check;
      return new SessionCaller({ terms, keys, sources, clock, authenticator, originCheck, statusCheck });
    },
  },
  {
    provide: AccessTokens,
    inject: [SESSION_TERMS, SigningKeys, SessionStores],
    useFactory: (terms: SessionTerms, stored: SigningKeys, stores: SessionStores) =>
      new AccessTokens(terms, new JwtSigner(() => stores.findSigningKeys(stored))),
  },
  {
    provide: SessionLifecycle,
    inject: [SESSION_TERMS, AccessTokens, AuthServices, SessionSubjects, AuthBasis, SessionStores],
    useFactory: (
      terms: SessionTerms,
      accessTokens: AccessTokens,
      { revocation }: AuthServices,
      subjects: SessionSubjects,
      { settings: { clock }, log: { report } }: AuthBasis,
      stores: SessionStores,
    ): SessionLifecycle =>
      new SessionLifecycle({
        terms,
        accessTokens,
        revocation: revocation.service,
        clock,
        report,
        findStore: stores.findSessions,
        findEncryptionKeys: stores.findEncryptionKeys,
        findSubjects: () => subjects,
      }),
  },
  {
    provide: SessionService,
    inject: [SESSION_TERMS, SessionLifecycle, SessionCaller, HttpAdapterHost, AuthBasis, AuthServices],
    useFactory: (
      terms: SessionTerms,
      lifecycle: SessionLifecycle,
      caller: SessionCaller,
      host: HttpAdapterHost,
      { settings: { clock } }: AuthBasis,
      { originCheck }: AuthServices,
    ): SessionService => {
      const responses = new TokenResponses({ ...responseChangesOf(host), terms, clock });
      return new SessionService({ terms, lifecycle, caller, originCheck, responses });
    },
  },
  {
    provide: SessionGate,
    inject: [SESSION_TERMS, SessionLifecycle, SessionCaller, AuthServices, HttpAdapterHost],
    useFactory: (
      terms: SessionTerms,
      lifecycle: SessionLifecycle,
      caller: SessionCaller,
      { originCheck }: AuthServices,
      host: HttpAdapterHost,
    ): SessionGate =>
      new SessionGate({
        caller,
        originCheck,
        terms,
        findUserId: (sessionId) => lifecycle.findUserId(sessionId),
        endOfLogin: (...login) => lifecycle.endOfLogin(...login),
        reissue: (sessionId) => lifecycle.reissue(sessionId),
        presentUser: async (session) => terms.presentUser(await lifecycle.requireSubject(session)),
        ...responseChangesOf(host),
      }),
  },
  {
    provide: SessionsDoctorCheck,
    inject: [SESSION_TERMS, SigningKeys, SessionStores, ModuleRef],
    useFactory: (terms: SessionTerms, stored: SigningKeys, stores: SessionStores, moduleRef: ModuleRef) =>
      new SessionsDoctorCheck({
        ...{ terms, stored, stores },
        findSources: () => moduleRef.get(TokenSources, { strict: false }).all,
      }),
  },
  {
    provide: SessionRequests,
    inject: [SESSION_TERMS, SessionLifecycle, SessionService, SessionCaller, SessionGate],
    useFactory: (
      terms: SessionTerms,
      lifecycle: SessionLifecycle,
      responses: SessionService,
      caller: SessionCaller,
      gate: SessionGate,
    ) => new SessionRequests({ terms, lifecycle, responses, caller, gate }),
  },
];
