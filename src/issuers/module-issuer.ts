import type { AuthenticationScheme } from '../authentication/authentication-scheme.js';
import type { TokenSource } from '../request/token-sources.js';
import type { IdentityProvider } from './identity-provider.js';

/**
 * Stands in `AuthModule.forRoot({ issuers })` for an issuer that another module of the same app provides: what
 * `ownTokens()` and `apiKeys()` return. It holds no keys and no options of that module, so it can be created before the app is.
 */
export type ModuleIssuer = OwnTokensIssuer | ApiKeysIssuer;

/** Stands for the access tokens of the app. */
export interface OwnTokensIssuer {
  /** The name of the preset, as apps write it; messages use it. */
  readonly preset: 'ownTokens';
  /** The module that provides the issuer. */
  readonly module: 'SessionsModule';
  /** Whether tokens of anonymous users are accepted on guarded routes. */
  readonly allowAnonymous: boolean;
}

/** Stands for the API keys of the app. */
export interface ApiKeysIssuer {
  readonly preset: 'apiKeys';
  readonly module: 'ApiKeysModule';
}

// A registered symbol, so that a stand-in that a second copy of the package has made is recognized.
const brand = Symbol.for('nest-gatehouse.module-issuer');

/** Freezes and brands a stand-in. */
export function moduleIssuer<Issuer extends ModuleIssuer>(parts: Issuer): Issuer {
  return Object.freeze(Object.defineProperty({ ...parts }, brand, { value: true }));
}

/** Whether a value is a stand-in, of any loaded copy of the package. */
export function isModuleIssuer(value: unknown): value is ModuleIssuer {
  return typeof value === 'object' && value !== null && brand in value;
}

/**
 * The tokens that the app issues itself. `SessionsModule` provides them under this class, and `AuthModule` reads them when
 * the app starts, in whatever order the modules are imported.
 */
export abstract class OwnTokens {
  /** The `iss` of the tokens. */
  abstract readonly issuer: string;
  /** The lifetime of an access token in seconds. */
  abstract readonly lifetimeSeconds: number;
  /** Where browsers send the access token by themselves; `null` where the app delivers no cookies. */
  abstract readonly cookieSource: TokenSource | null;

  /** The description of the app as the issuer of these tokens. */
  abstract toProvider(allowAnonymous: boolean): IdentityProvider;
}

/** The API keys of the app, which `ApiKeysModule` provides under this class in the same way. */
export abstract class OwnApiKeys {
  /** @param sources where access tokens are read; keys are accepted in the same places */
  abstract toScheme(sources: readonly TokenSource[]): AuthenticationScheme;
}

/** The sessions that a provider keeps for this app. Its module provides them under this class in the same way. */
export abstract class ProviderSessions {
  /** Where browsers send the access token by themselves; `null` where the app delivers no cookies. */
  abstract readonly cookieSource: TokenSource | null;
}

const sourceKey = Symbol.for('nest-gatehouse.fromSessionCookie');
const registry = globalThis as Record<symbol, TokenSource | undefined>;

/**
 * Stands in `tokenFrom` for the cookie with the access token that the app has set, whose name depends on the options of
 * `SessionsModule` or `StackAuthModule`. One object for all loaded copies of the package.
 */
export const sessionCookieSource: TokenSource = (registry[sourceKey] ??= Object.freeze({
  place: 'the session cookie',
  parameter: Object.freeze({ in: 'cookie', name: 'access' } as const),
  cookie: Object.freeze({ checkOrigin: true }),
  read: () => [],
} satisfies TokenSource));
