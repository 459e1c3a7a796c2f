import type { InjectionToken, OptionalFactoryDependency, Provider } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

import { AuthSettings } from '../auth-settings.js';
import { RefusedKeys } from '../authentication/refused-keys.js';
import { NodeTimer } from '../clock/clock.js';
import { publicAddress } from '../configuration/public-url.js';
import { path } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { getAppProvider } from '../find-app-provider.js';
import { OwnApiKeys, OwnTokens } from '../issuers/module-issuer.js';
import { AdapterRoutes } from '../issuing/adapter-routes.service.js';
import { AuthorizationServerMetadata } from '../issuing/authorization-server-metadata.js';
import { Revocation } from '../open-revocation.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { AccessTokens } from '../sessions/access-tokens.js';
import { proofAlgorithms } from '../dpop/dpop-proof.js';
import type { DpopProofs } from '../dpop/dpop-proofs.js';
import { DPOP_PROOFS } from '../open-dpop.js';
import { EventLog } from '../telemetry/event-log.service.js';
import type { JsonObject } from '../token/json-object.js';
import { TokenVerifier } from '../token/token-verifier.js';
import { ConnectionWatch } from '../transports/connection-watch.js';
import { OutageWatch, type WatchedCalls } from '../upstream/provider-calls.js';
import { ApiKeyFormat } from './api-key-format.js';
import { ApiKeysDoctorCheck } from './api-keys-doctor-check.js';
import { type ApiKeyTerms, readApiKeyTerms } from './api-key-options.js';
import { ApiKeyStore, type StoredApiKey } from './api-key-store.js';
import { ApiKeySubjects, untilItAnswers } from './api-key-subjects.service.js';
import { ApiKeyUsage } from './api-key-usage.js';
import { ApiKeyVerifier } from './api-key-verifier.js';
import { ApiKeyService } from './api-key.service.js';
import { askStore } from '../ask-store.js';
import { ModuleApiKeys } from './module-api-keys.js';
import { oauthPaths, TokenEndpoint } from './token-endpoint.js';

/** The options as they were given, and by which function. */
interface GivenApiKeyOptions {
  readonly where: string;
  readonly options: unknown;
}

export const GIVEN_API_KEY_OPTIONS = Symbol('nest-gatehouse.given-api-key-options');
export const API_KEY_TERMS = Symbol('nest-gatehouse.api-key-terms');

/** `AuthUser.issuer` in an app that has neither own tokens nor a `publicUrl`. */
const issuerWithoutAddress = 'api-keys';

/** Optional for Nest, so that a missing `AuthModule` is reported by the provider of the options, with what to write. */
function ofAuthModule(token: InjectionToken): OptionalFactoryDependency {
  return { token, optional: true };
}

function requireSettings(settings: AuthSettings | undefined): AuthSettings {
  if (settings !== undefined) return settings;
  throw new ConfigurationError(
    'ApiKeysModule.forRoot',
    'it does not see AuthModule',
    'Add AuthModule.forRoot({ issuers: [ownTokens(), apiKeys()] }) to the imports of the root module, and leave isGlobal out',
  );
}

/** Puts the endpoints of the app as an authorization server on the HTTP adapter, where `tokenEndpoint` is on. */
export class OAuthEndpoints {
  constructor(private readonly addRoutes: () => void) {}

  add(): void {
    this.addRoutes();
  }
}

/** What the options, once read, are made into. */
export const apiKeysModuleProviders: Provider[] = [
  {
    provide: ApiKeysDoctorCheck,
    inject: [API_KEY_TERMS, ModulesContainer],
    useFactory: (terms: ApiKeyTerms, modules: ModulesContainer) => new ApiKeysDoctorCheck(terms, findStoreIn(modules)),
  },
  {
    provide: API_KEY_TERMS,
    inject: [GIVEN_API_KEY_OPTIONS, { token: AuthSettings, optional: true }],
    useFactory: ({ where, options }: GivenApiKeyOptions, settings: AuthSettings | undefined): ApiKeyTerms => ({
      ...readApiKeyTerms(where, options),
      settings: requireSettings(settings),
    }),
  },
  {
    provide: ApiKeyFormat,
    inject: [API_KEY_TERMS],
    useFactory: ({ prefix }: ApiKeyTerms) => new ApiKeyFormat(prefix),
  },
  {
    provide: ApiKeySubjects,
    inject: [API_KEY_TERMS, ModulesContainer, ModuleRef, ofAuthModule(EventLog)],
    useFactory: (terms: ApiKeyTerms, modules: ModulesContainer, moduleRef: ModuleRef, { report }: EventLog) =>
      new ApiKeySubjects(terms, modules, moduleRef, report),
  },
  {
    provide: RefusedKeys,
    inject: [API_KEY_TERMS],
    useFactory: ({ settings }: ApiKeyTerms) => new RefusedKeys(settings.clock),
  },
  {
    provide: ApiKeyUsage,
    inject: [API_KEY_TERMS, ModulesContainer],
    useFactory: ({ settings: { clock } }: ApiKeyTerms, modules: ModulesContainer) =>
      new ApiKeyUsage({ findStore: findStoreIn(modules), clock, timer: new NodeTimer() }),
  },
  {
    provide: ApiKeyVerifier,
    inject: [
      API_KEY_TERMS,
      ApiKeySubjects,
      { token: OwnTokens, optional: true },
      ofAuthModule(EventLog),
      ModulesContainer,
    ],
    useFactory: (
      { cacheMs, settings }: ApiKeyTerms,
      subjects: ApiKeySubjects,
      tokens: OwnTokens | undefined,
      { report }: EventLog,
      modules: ModulesContainer,
    ): ApiKeyVerifier =>
      new ApiKeyVerifier({
        findKey: findKeyIn(modules, { clock: settings.clock, report }),
        findSubject: subjects.findSubject,
        issuer: tokens?.issuer ?? settings.publicUrl ?? issuerWithoutAddress,
        clock: settings.clock,
        cacheMs,
        onReplacedUse: ({ id, userId, previous }) => {
          if (previous === null) return;
          report({ type: 'replaced-api-key-used', keyId: id, userId, validUntil: previous.validUntil });
        },
      }),
  },
  {
    provide: OwnApiKeys,
    inject: [API_KEY_TERMS, ApiKeyFormat, ApiKeyVerifier, ApiKeyUsage, RefusedKeys],
    useFactory: (
      { basic, tokenEndpoint, settings: { publicUrl } }: ApiKeyTerms,
      format: ApiKeyFormat,
      verifier: ApiKeyVerifier,
      usage: ApiKeyUsage,
      refused: RefusedKeys,
    ): ModuleApiKeys => {
      const hasTokens = tokenEndpoint && publicUrl !== null;
      const tokenUrl = hasTokens ? publicAddress(publicUrl, '', oauthPaths.token) : null;
      return new ModuleApiKeys({ format, verifier, usage, refused, basic, tokenUrl });
    },
  },
  {
    provide: ApiKeyService,
    inject: [
      API_KEY_TERMS,
      ApiKeyFormat,
      ApiKeyVerifier,
      { token: OwnTokens, optional: true },
      ofAuthModule(Revocation),
      ofAuthModule(RevocationService),
      ModulesContainer,
      ModuleRef,
    ],
    useFactory: (
      { maxLifetimeMs, settings: { clock } }: ApiKeyTerms,
      format: ApiKeyFormat,
      verifier: ApiKeyVerifier,
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
        endTokens: async (ids, before) => {
          if (ids.length === 0) return;
          moduleRef.get(ConnectionWatch, { strict: false }).recheckAll();
          if (tokens === undefined || check === null) return;
          await revocation.revokeClient({ issuer: tokens.issuer, clientId: ids, before });
        },
      }),
  },
  {
    provide: OAuthEndpoints,
    inject: [
      API_KEY_TERMS,
      ApiKeyFormat,
      ApiKeyVerifier,
      ApiKeyUsage,
      RefusedKeys,
      { token: AccessTokens, optional: true },
      ofAuthModule(TokenVerifier),
      ofAuthModule(RevocationService),
      ofAuthModule(DPOP_PROOFS),
      ofAuthModule(EventLog),
      AdapterRoutes,
      AuthorizationServerMetadata,
    ],
    useFactory: openEndpoints,
  },
];

function openEndpoints(
  { where, tokenEndpoint, settings: { clock, publicUrl, scopes: hierarchy } }: ApiKeyTerms,
  format: ApiKeyFormat,
  verifier: ApiKeyVerifier,
  usage: ApiKeyUsage,
  refused: RefusedKeys,
  accessTokens: AccessTokens | undefined,
  tokenVerifier: TokenVerifier,
  revocation: RevocationService,
  proofs: DpopProofs | null,
  { report }: EventLog,
  adapterRoutes: AdapterRoutes,
  metadata: AuthorizationServerMetadata,
): OAuthEndpoints {
  if (!tokenEndpoint) return new OAuthEndpoints(() => undefined);
  // SessionsModule requires publicUrl.
  if (accessTokens === undefined || publicUrl === null) throw withoutSessions(where);
  const ofModules = { accessTokens, tokenVerifier, revocation, proofs, hierarchy };
  const parts = { format, verifier, usage, refused, clock, report, ...ofModules };
  const endpoint = new TokenEndpoint(parts);
  return new OAuthEndpoints(() => {
    adapterRoutes.add(where, endpoint.routes(), report);
    metadata.contribute(where, endpointMetadata(publicUrl));
    // RFC 9449 §5.1.
    if (proofs !== null) metadata.contribute(where, { dpop_signing_alg_values_supported: proofAlgorithms });
  });
}

const clientMethods = ['client_secret_basic', 'client_secret_post'];

/** RFC 8414 §2. */
function endpointMetadata(publicUrl: string): JsonObject {
  return {
    token_endpoint: publicAddress(publicUrl, '', oauthPaths.token),
    token_endpoint_auth_methods_supported: clientMethods,
    grant_types_supported: ['client_credentials'],
    revocation_endpoint: publicAddress(publicUrl, '', oauthPaths.revoke),
    revocation_endpoint_auth_methods_supported: clientMethods,
    introspection_endpoint: publicAddress(publicUrl, '', oauthPaths.introspect),
    introspection_endpoint_auth_methods_supported: clientMethods,
  };
}

function withoutSessions(where: string): ConfigurationError {
  return new ConfigurationError(
    path(where, 'tokenEndpoint'),
    'there is no SessionsModule in this app, which issues the tokens',
    'Add SessionsModule.forRoot({ … }) of nest-gatehouse/sessions to the imports of the root module',
  );
}

/** Reads keys, and reports when a store of the app's own begins to throw. */
function findKeyIn(
  modules: ModulesContainer,
  watched: Pick<WatchedCalls, 'clock' | 'report'>,
): (id: string) => Promise<StoredApiKey | null> {
  const findStore = findStoreIn(modules);
  const outage = new OutageWatch({ ...watched, what: 'an API key from the store', consequence: untilItAnswers });
  return (id) => askStore('of the API keys', () => findStore().find(id), outage);
}

/** Looks for the store of the app, once. */
function findStoreIn(modules: ModulesContainer): () => ApiKeyStore {
  let found: ApiKeyStore | undefined;
  return () => (found ??= getAppProvider(modules, ApiKeyStore, 'ApiKeysModule'));
}
