import type { TestAlgorithm } from './signing-key.js';

/** Who may ask about tokens, and how they prove that it is them. */
export interface IntrospectionClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** How a `TestIssuer` is to be. Everything may be left out. */
export interface TestIssuerOptions {
  /**
   * What the tokens are signed with. With `HS256`, `HS384` or `HS512` the issuer has a shared `secret` and publishes no keys.
   * @defaultValue 'RS256'
   */
  readonly algorithm?: TestAlgorithm | undefined;
  /**
   * The port on 127.0.0.1. Zero lets the system choose a free one, which is what parallel tests need.
   * @defaultValue 0
   */
  readonly port?: number | undefined;
  /**
   * A path that the issuer's `url` ends with, as in `'/realms/demo'`.
   * @defaultValue '' (no path)
   */
  readonly path?: string | undefined;
  /** Where `iat`, `exp` and `nbf` count from: hand in the clock of the app under test. Left out: the machine's time. */
  readonly clock?: { now(): Date } | undefined;
  /**
   * Which discovery documents it serves: OpenID Connect's, that of RFC 8414, both or none. The others answer 404.
   * @defaultValue 'both'
   */
  readonly discovery?: 'both' | 'oidc' | 'oauth' | 'none' | undefined;
  /** The `cache-control` header of the key set, as in `'max-age=60'`. Left out: none is sent. */
  readonly cacheControl?: string | undefined;
  /**
   * Milliseconds that the key set takes to answer.
   * @defaultValue 0
   */
  readonly keyDelayMs?: number | undefined;
  /**
   * Who may ask it about tokens.
   * @defaultValue { clientId: 'test-api', clientSecret: 'test-secret' }
   */
  readonly introspectionClient?: IntrospectionClient | undefined;
}

/** The claims of a token. They go over the issuer's own; one that is `undefined` is left out of the token. */
export type TestClaims = Readonly<Record<string, unknown>>;

/** How one token is to be, apart from its claims. */
export interface TestTokenOptions {
  /**
   * The time from now to `exp`: seconds, or text such as `'5m'`. A negative one gives an expired token. An `exp` among the
   * claims wins.
   * @defaultValue '5m'
   */
  readonly expiresIn?: Duration | undefined;
  /** The time from now to `nbf`: seconds, or text such as `'30s'`. Left out: the token has no `nbf`. */
  readonly notBefore?: Duration | undefined;
  /**
   * Members of the header, over `{ alg, typ: 'JWT', kid }`; one that is `undefined` is left out. The signature is made with
   * the issuer's algorithm whatever `alg` says here.
   */
  readonly header?: Readonly<Record<string, unknown>> | undefined;
  /** `'stranger'` signs with a key that the issuer never had, under the `kid` of its current one: a forged token. */
  readonly signWith?: 'stranger' | undefined;
}

const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * A span of time in a test: a number of seconds, or a number with a unit (`'30s'`, `'5m'`, `'2h'`, `'1d'`).
 * Negative ones lie in the past: `'-10s'`.
 */
export type Duration = number | `${number}${'s' | 'm' | 'h' | 'd'}`;

/** @throws {TypeError} when the text is no duration, for a mistyped one would make a test pass for the wrong reason. */
export function toSeconds(duration: Duration): number {
  if (typeof duration === 'number') {
    return duration;
  }
  const [, amount, unit = ''] = /^(-?\d+(?:\.\d+)?)([smhd])$/.exec(duration) ?? [];
  const factor = secondsPer[unit];
  if (amount === undefined || factor === undefined) {
    throw new TypeError(`TestIssuer: ${JSON.stringify(duration)} is no duration; write 300, '30s', '5m', '2h' or '1d'`);
  }
  return Math.floor(Number(amount) * factor);
}
