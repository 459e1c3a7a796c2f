import type { Provider } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';

import { AuthSettings } from '../auth-settings.js';
import { Authenticator } from '../authentication/authenticator.js';
import { Clock } from '../clock/clock.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { findAppProvider, getAppProvider } from '../find-app-provider.js';
import { OwnTokens } from '../issuers/module-issuer.js';
import { AdapterRoutes } from '../issuing/adapter-routes.service.js';
import { AuthorizationServerMetadata } from '../issuing/authorization-server-metadata.js';
import { EncryptionKeys } from '../issuing/encryption-keys.js';
import { issuerRoutes } from '../issuing/issuer-routes.js';
import { JwtSigner } from '../issuing/jwt-signer.js';
import { OwnKeySource } from '../issuing/own-key-source.js';
import { SigningKeyStore } from '../issuing/signing-key-store.js';
import { type PublicJwk, SigningKeys } from '../issuing/signing-keys.js';
import { StoredSigningKeys } from '../issuing/stored-signing-keys.js';
import { Revocation } from '../open-revocation.js';
import { OriginCheck } from '../request/request-origin.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { EventLog } from '../telemetry/event-log.service.js';
import { AccessTokens } from './access-tokens.js';
import { SessionOwnTokens } from './own-tokens.js';
import { SessionCaller } from './session-caller.js';
import { SessionLifecycle } from './session-lifecycle.js';
import { readSessionTerms, type SessionTerms } from './session-options.js';
import { SessionRequests } from './session-requests.js';
import { SessionStatus } from './session-status.js';
import { SessionStore } from './session-store.js';
import type { SessionSubject, SubjectFinder } from './session-subject.js';
import { SessionService } from './session.service.js';

/** The options as they were given, and by which function. */
interface GivenSessionOptions {
  readonly where: string;
  readonly options: unknown;
}

export const GIVEN_SESSION_OPTIONS = Symbol('nest-gatehouse.given-session-options');
export const SESSION_TERMS = Symbol('nest-gatehouse.session-terms');

const module = 'SessionsModule';

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
    const { findSubject } = this.terms;
    if (findSubject === null) {
      throw new ConfigurationError(
        'SessionsModule.forRoot({ findSubject })',
        'it is missing, and nothing else in this app knows its users',
        'Write findSubject: (userId) => users.find(userId)',
      );
    }
    if (typeof findSubject !== 'function') return findSubject;
    // A provider of the app is used as it is, so that it has the dependencies of its own module.
    const known = findAppProvider(this.modules, findSubject, 'SessionsModule.forRoot({ findSubject })');
    return known ?? (await this.moduleRef.create(findSubject));
  }
}

function requireSettings(settings: AuthSettings | undefined): AuthSettings {
  if (settings !== undefined) return settings;
  throw new ConfigurationError(
    'SessionsModule.forRoot',
    'it does not see AuthModule',
    'Add AuthModule.forRoot({ issuers: ownTokens(), publicUrl }) to the imports of the root module, and leave isGlobal out',
  );
}

/** Puts the keys and the metadata of the app as an issuer on the HTTP adapter. */
export class IssuerEndpoints {
  constructor(private readonly addRoutes: () => void) {}

  add(): void {
    this.addRoutes();
  }
}

/** What the options, once read, are made into. */
export const sessionsModuleProviders: Provider[] = [
  {
    provide: SESSION_TERMS,
    inject: [GIVEN_SESSION_OPTIONS, { token: AuthSettings, optional: true }],
    useFactory: ({ where, options }: GivenSessionOptions, settings: AuthSettings | undefined) =>
      readSessionTerms(where, options, requireSettings(settings)),
  },
  {
    provide: SigningKeys,
    inject: [SESSION_TERMS, AuthSettings, EventLog, ModulesContainer],
    useFactory: (
      terms: SessionTerms,
      { clock }: AuthSettings,
      { report }: EventLog,
      modules: ModulesContainer,
    ): StoredSigningKeys =>
      new StoredSigningKeys({
        findStore: () => getAppProvider(modules, SigningKeyStore, module),
        findEncryptionKeys: () => getAppProvider(modules, EncryptionKeys, module),
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
    inject: [SigningKeys, AuthSettings, EventLog, ModulesContainer],
    useFactory: (own: SigningKeys, { clock }: AuthSettings, { report }: EventLog, modules: ModulesContainer) =>
      new OwnKeySource({ findSigningKeys: signingKeysOf(modules, own), clock, report }),
  },
  {
    provide: IssuerEndpoints,
    inject: [SESSION_TERMS, SigningKeys, AdapterRoutes, AuthorizationServerMetadata, EventLog, ModulesContainer],
    useFactory: (
      { issuer, publicUrl }: SessionTerms,
      own: SigningKeys,
      adapterRoutes: AdapterRoutes,
      metadata: AuthorizationServerMetadata,
      { report }: EventLog,
      modules: ModulesContainer,
    ): IssuerEndpoints => {
      const findKeys = signingKeysOf(modules, own);
      const published = async (): Promise<readonly PublicJwk[]> => findKeys().published();
      const routes = issuerRoutes({ issuer, publicUrl, published, metadata });
      return new IssuerEndpoints(() => {
        adapterRoutes.add('SessionsModule.forRoot', routes, report);
      });
    },
  },
  {
    provide: OwnTokens,
    inject: [SESSION_TERMS, OwnKeySource, AuthSettings, ModulesContainer],
    useFactory: (
      terms: SessionTerms,
      keys: OwnKeySource,
      { clock }: AuthSettings,
      modules: ModulesContainer,
    ): SessionOwnTokens => {
      const findStore = (): SessionStore => getAppProvider(modules, SessionStore, module);
      const status = new SessionStatus({ findStore, clock, believedMs: terms.lifetimeSeconds * 1_000 });
      return new SessionOwnTokens(terms, keys, status);
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
    inject: [OwnTokens, OwnKeySource, AuthSettings, Authenticator, OriginCheck, Revocation],
    useFactory: (
      own: SessionOwnTokens,
      keys: OwnKeySource,
      { clock }: AuthSettings,
      authenticator: Authenticator,
      originCheck: OriginCheck,
      { check: statusCheck }: Revocation,
    ): SessionCaller => {
      const { terms, sources } = own;
      return new SessionCaller({ terms, keys, sources, clock, authenticator, originCheck, statusCheck });
    },
  },
  {
    provide: SessionLifecycle,
    inject: [SESSION_TERMS, SigningKeys, RevocationService, SessionSubjects, AuthSettings, EventLog, ModulesContainer],
    useFactory: (
      terms: SessionTerms,
      own: SigningKeys,
      revocation: RevocationService,
      subjects: SessionSubjects,
      { clock }: AuthSettings,
      { report }: EventLog,
      modules: ModulesContainer,
    ): SessionLifecycle =>
      new SessionLifecycle({
        terms,
        accessTokens: new AccessTokens(terms, new JwtSigner(signingKeysOf(modules, own))),
        revocation,
        clock,
        report,
        findStore: () => getAppProvider(modules, SessionStore, module),
        findEncryptionKeys: () => getAppProvider(modules, EncryptionKeys, module),
        findSubjects: () => subjects,
      }),
  },
  {
    provide: SessionService,
    inject: [SESSION_TERMS, SessionLifecycle, SessionCaller, HttpAdapterHost, Clock],
    useFactory: (
      terms: SessionTerms,
      lifecycle: SessionLifecycle,
      caller: SessionCaller,
      host: HttpAdapterHost,
      clock: Clock,
    ) => new SessionService({ terms, lifecycle, caller, host, clock }),
  },
  {
    provide: SessionRequests,
    inject: [SESSION_TERMS, SessionLifecycle, SessionService, SessionCaller, OriginCheck, HttpAdapterHost],
    useFactory: (
      terms: SessionTerms,
      lifecycle: SessionLifecycle,
      responses: SessionService,
      caller: SessionCaller,
      originCheck: OriginCheck,
      host: HttpAdapterHost,
    ): SessionRequests => {
      const forbidCaching = (response: object): void => {
        host.httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
      };
      return new SessionRequests({ terms, lifecycle, responses, caller, originCheck, forbidCaching });
    },
  },
];

/**
 * Looks for the stores that sessions need, when the app starts.
 *
 * @param own the keys of this module, which need a store
 * @throws {ConfigurationError} when no module, or two modules, provide one of them.
 */
export function checkStores(modules: ModulesContainer, own: SigningKeys): void {
  getAppProvider(modules, SessionStore, module);
  getAppProvider(modules, EncryptionKeys, module);
  if (signingKeysOf(modules, own)() === own) getAppProvider(modules, SigningKeyStore, module);
}

/** The signing keys of the app: those of its own module, such as a key management service, or else those of the store. */
function signingKeysOf(modules: ModulesContainer, own: SigningKeys): () => SigningKeys {
  let found: SigningKeys | undefined;
  return () => (found ??= findAppProvider(modules, SigningKeys, module, own) ?? own);
}
