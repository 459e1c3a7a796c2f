import type { IssuerDocument } from './issuer-server.js';
import type { SigningKeys, TestAlgorithm } from './signing-key.js';

/** The credentials of the client that may call the introspection endpoint. */
export interface IntrospectionClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Configures a `TestIssuer`. Every option has a default. */
export interface TestIssuerOptions {
  /**
   * The signature algorithm of the tokens. With `HS256`, `HS384` or `HS512` the issuer has a shared `secret` and publishes
   * no keys.
   *
   * @defaultValue 'RS256'
   */
  readonly algorithm?: TestAlgorithm | undefined;
  /**
   * The port on 127.0.0.1. With 0 the system chooses a free one, so that tests can run in parallel.
   *
   * @defaultValue 0
   */
  readonly port?: number | undefined;
  /**
   * The path of the issuer's `url`, for example `'/realms/demo'`.
   *
   * @defaultValue '' (no path)
   */
  readonly path?: string | undefined;
  /** The clock for `iat`, `exp` and `nbf`. Pass the clock of the app under test. @defaultValue the system clock */
  readonly clock?: { now(): Date } | undefined;
  /**
   * The discovery documents that the issuer serves: that of OpenID Connect, that of RFC 8414, both or none. The paths of
   * others answer 404.
   *
   * @defaultValue 'both'
   */
  readonly discovery?: 'both' | 'oidc' | 'oauth' | 'none' | undefined;
  /** The `cache-control` header of the key set, for example `'max-age=60'`. @defaultValue no header */
  readonly cacheControl?: string | undefined;
  /**
   * The delay of the key set's response in milliseconds.
   *
   * @defaultValue 0
   */
  readonly keyDelayMs?: number | undefined;
  /**
   * The client that may call the introspection endpoint.
   *
   * @defaultValue { clientId: 'test-api', clientSecret: 'test-secret' }
   */
  readonly introspectionClient?: IntrospectionClient | undefined;
}

/** What only `nest-gatehouse issuer` sets. */
export interface LocalIssuerOptions extends TestIssuerOptions {
  /** The keys of an earlier start, the signing key first, in place of new ones. */
  readonly keys?: SigningKeys | undefined;
  /** Finds the page at a path that has no document of the issuer. */
  readonly findPage?: ((path: string) => IssuerDocument | undefined) | undefined;
}

/** The claims of a token. They replace the issuer's defaults; a claim that is `undefined` is omitted from the token. */
export type TestClaims = Readonly<Record<string, unknown>>;

/** Configures one token, except its claims. */
export interface TestTokenOptions {
  /**
   * The time from now to `exp`: seconds, or a text such as `'5m'`. A negative time creates an expired token. An `exp` claim
   * takes precedence.
   *
   * @defaultValue '5m'
   */
  readonly expiresIn?: Duration | undefined;
  /** The time from now to `nbf`: seconds, or a text such as `'30s'`. @defaultValue no `nbf` */
  readonly notBefore?: Duration | undefined;
  /**
   * Members of the header, which replace those of `{ alg, typ: 'JWT', kid }`; a member that is `undefined` is omitted. The
   * issuer signs with its own algorithm, also when `alg` names another one.
   */
  readonly header?: Readonly<Record<string, unknown>> | undefined;
  /** `'stranger'` creates a forged token: it is signed with another key that has the `kid` of the current one. */
  readonly signWith?: 'stranger' | undefined;
}

const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * A duration: a number of seconds, or a number with a unit (`'30s'`, `'5m'`, `'2h'`, `'1d'`). A negative one, `'-10s'`,
 * is in the past.
 */
export type Duration = number | `${number}${'s' | 'm' | 'h' | 'd'}`;

/** @throws {TypeError} when the text is not a duration, because a test with a mistyped one could pass for a wrong reason. */
export function toSeconds(duration: Duration): number {
  if (typeof duration === 'number') {
    return duration;
  }
  const [, amount, unit = ''] = /^(-?\d+(?:\.\d+)?)([smhd])$/.exec(duration) ?? [];
  const factor = secondsPer[unit];
  if (amount === undefined || factor === undefined) {
    throw new TypeError(
      `TestIssuer: ${JSON.stringify(duration)} is not a duration; write 300, '30s', '5m', '2h' or '1d'`,
    );
  }
  return Math.floor(Number(amount) * factor);
}
