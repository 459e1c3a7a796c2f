import type { TokenSource } from '../request/token-sources.js';
import type { IdentityProvider } from './identity-provider.js';

/**
 * Stands in `AuthModule.forRoot({ issuers })` for an issuer that another module of the same app provides: what
 * `ownTokens()` returns. It holds no keys and no options of that module, so it can be created before the app is.
 */
export interface ModuleIssuer {
  /** The name of the preset, as apps write it; messages use it. */
  readonly preset: 'ownTokens';
  /** The module that provides the issuer. */
  readonly module: 'SessionsModule';
  /** Whether tokens of anonymous users are accepted on guarded routes. */
  readonly allowAnonymous: boolean;
}

// A registered symbol, so that a stand-in that a second copy of the package has made is recognized.
const brand = Symbol.for('nest-gatehouse.module-issuer');

/** Freezes and brands a stand-in. */
export function moduleIssuer(parts: ModuleIssuer): ModuleIssuer {
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
  /** The lifetime of an access token in seconds. */
  abstract readonly lifetimeSeconds: number;
  /** Where browsers send the access token by themselves; `null` where the app delivers no cookies. */
  abstract readonly cookieSource: TokenSource | null;

  /** The description of the app as the issuer of these tokens. */
  abstract toProvider(allowAnonymous: boolean): IdentityProvider;
}

const sourceKey = Symbol.for('nest-gatehouse.fromSessionCookie');
const registry = globalThis as Record<symbol, TokenSource | undefined>;

/**
 * Stands in `tokenFrom` for the cookie with the app's own access token, whose name depends on the options of
 * `SessionsModule`. One object for all loaded copies of the package.
 */
export const sessionCookieSource: TokenSource = (registry[sourceKey] ??= Object.freeze({
  place: 'the session cookie',
  parameter: Object.freeze({ in: 'cookie', name: 'access' } as const),
  cookie: Object.freeze({ checkOrigin: true }),
  read: () => [],
} satisfies TokenSource));
