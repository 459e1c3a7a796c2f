import type { Provider } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

import { AuthSettings } from '../auth-settings.js';
import { NodeTimer } from '../clock/clock.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { findAppProvider, getAppProvider } from '../find-app-provider.js';
import { OwnApiKeys, OwnTokens } from '../issuers/module-issuer.js';
import { Revocation } from '../open-revocation.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { findSubject, type SessionSubject, type SubjectFinder } from '../sessions/session-subject.js';
import { SessionSubjects } from '../sessions/sessions-module-providers.js';
import { EventLog } from '../telemetry/event-log.service.js';
import { ConnectionWatch } from '../transports/connection-watch.js';
import { ApiKeyFormat } from './api-key-format.js';
import { type ApiKeyTerms, readApiKeyTerms, refuseWithoutFinder } from './api-key-options.js';
import { ApiKeyStore } from './api-key-store.js';
import { ApiKeyUsage } from './api-key-usage.js';
import { ApiKeyVerifier } from './api-key-verifier.js';
import { ApiKeyService } from './api-key.service.js';
import { ModuleApiKeys } from './module-api-keys.js';
import { RefusedKeys } from './refused-keys.js';

/** The options as they were given, and by which function. */
interface GivenApiKeyOptions {
  readonly where: string;
  readonly options: unknown;
}

export const GIVEN_API_KEY_OPTIONS = Symbol('nest-gatehouse.given-api-key-options');
export const API_KEY_TERMS = Symbol('nest-gatehouse.api-key-terms');

/** `AuthUser.issuer` in an app that has neither own tokens nor a `publicUrl`. */
const issuerWithoutAddress = 'api-keys';

/** Looks up the users of keys as the app has configured it. */
export class ApiKeySubjects {
  private finder: SubjectFinder | undefined;

  constructor(
    private readonly terms: ApiKeyTerms,
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** @throws {ConfigurationError} when there is nothing that looks users up. */
  async open(): Promise<SubjectFinder> {
    return (this.finder ??= await this.find());
  }

  readonly findSubject = async (userId: string): Promise<SessionSubject | null> =>
    findSubject(await this.open(), userId, this.terms.where);

  private async find(): Promise<SubjectFinder> {
    const { where, findSubject: given } = this.terms;
    if (given === null) return this.findDefault();
    if (typeof given !== 'function') return given;
    // A provider of the app is used as it is, so that it has the dependencies of its own module.
    const known = findAppProvider(this.modules, given, `${where}({ findSubject })`);
    return known ?? (await this.moduleRef.create(given));
  }

  private async findDefault(): Promise<SubjectFinder> {
    const sessions = findAppProvider(this.modules, SessionSubjects, this.terms.where);
    return sessions === null ? refuseWithoutFinder(this.terms.where) : await sessions.open();
  }
}

function requireSettings(settings: AuthSettings | undefined): AuthSettings {
  if (settings !== undefined) return settings;
  throw new ConfigurationError(
    'ApiKeysModule.forRoot',
    'it does not see AuthModule',
    'Add AuthModule.forRoot({ issuers: [ownTokens(), apiKeys()] }) to the imports of the root module, and leave isGlobal out',
  );
}

/** What the options, once read, are made into. */
export const apiKeysModuleProviders: Provider[] = [
  {
    provide: API_KEY_TERMS,
    inject: [GIVEN_API_KEY_OPTIONS],
    useFactory: ({ where, options }: GivenApiKeyOptions) => readApiKeyTerms(where, options),
  },
  {
    provide: ApiKeyFormat,
    inject: [API_KEY_TERMS],
    useFactory: ({ prefix }: ApiKeyTerms) => new ApiKeyFormat(prefix),
  },
  {
    provide: ApiKeySubjects,
    inject: [API_KEY_TERMS, ModulesContainer, ModuleRef],
    useFactory: (terms: ApiKeyTerms, modules: ModulesContainer, moduleRef: ModuleRef) =>
      new ApiKeySubjects(terms, modules, moduleRef),
  },
  {
    provide: RefusedKeys,
    inject: [{ token: AuthSettings, optional: true }],
    useFactory: (settings: AuthSettings | undefined) => new RefusedKeys(requireSettings(settings).clock),
  },
  {
    provide: ApiKeyUsage,
    inject: [{ token: AuthSettings, optional: true }, ModulesContainer],
    useFactory: (settings: AuthSettings | undefined, modules: ModulesContainer) =>
      new ApiKeyUsage({
        findStore: findStoreIn(modules),
        clock: requireSettings(settings).clock,
        timer: new NodeTimer(),
      }),
  },
  {
    provide: ApiKeyVerifier,
    inject: [
      API_KEY_TERMS,
      ApiKeySubjects,
      { token: AuthSettings, optional: true },
      { token: OwnTokens, optional: true },
      { token: EventLog, optional: true },
      ModulesContainer,
    ],
    useFactory: (
      { cacheMs }: ApiKeyTerms,
      subjects: ApiKeySubjects,
      given: AuthSettings | undefined,
      tokens: OwnTokens | undefined,
      log: EventLog | undefined,
      modules: ModulesContainer,
    ): ApiKeyVerifier => {
      const settings = requireSettings(given);
      return new ApiKeyVerifier({
        findStore: findStoreIn(modules),
        findSubject: subjects.findSubject,
        issuer: tokens?.issuer ?? settings.publicUrl ?? issuerWithoutAddress,
        clock: settings.clock,
        cacheMs,
        onReplacedUse: ({ id, userId, previous }) => {
          if (previous === null) return;
          log?.report({ type: 'replaced-api-key-used', keyId: id, userId, validUntil: previous.validUntil });
        },
      });
    },
  },
  {
    provide: OwnApiKeys,
    inject: [API_KEY_TERMS, ApiKeyFormat, ApiKeyVerifier, ApiKeyUsage, RefusedKeys],
    useFactory: (
      { basic }: ApiKeyTerms,
      format: ApiKeyFormat,
      verifier: ApiKeyVerifier,
      usage: ApiKeyUsage,
      refused: RefusedKeys,
    ) => new ModuleApiKeys({ format, verifier, usage, refused, basic }),
  },
  {
    provide: ApiKeyService,
    inject: [
      API_KEY_TERMS,
      ApiKeyFormat,
      ApiKeyVerifier,
      AuthSettings,
      { token: OwnTokens, optional: true },
      Revocation,
      RevocationService,
      ModulesContainer,
      ModuleRef,
    ],
    useFactory: (
      { maxLifetimeMs }: ApiKeyTerms,
      format: ApiKeyFormat,
      verifier: ApiKeyVerifier,
      { clock }: AuthSettings,
      tokens: OwnTokens | undefined,
      { check }: Revocation,
      revocation: RevocationService,
      modules: ModulesContainer,
      moduleRef: ModuleRef,
    ): ApiKeyService =>
      new ApiKeyService({
        format,
        findStore: findStoreIn(modules),
        clock,
        maxLifetimeMs,
        onChanged: (ids) => {
          for (const id of ids) verifier.forget(id);
        },
        endTokens: async (ids) => {
          if (ids.length === 0) return;
          moduleRef.get(ConnectionWatch, { strict: false }).recheckAll();
          if (tokens === undefined || check === null) return;
          await Promise.all(ids.map((clientId) => revocation.revokeClient({ issuer: tokens.issuer, clientId })));
        },
      }),
  },
];

/** Looks for the store of the app, once. */
function findStoreIn(modules: ModulesContainer): () => ApiKeyStore {
  let found: ApiKeyStore | undefined;
  return () => (found ??= getAppProvider(modules, ApiKeyStore, 'ApiKeysModule'));
}
