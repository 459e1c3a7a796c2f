import { readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { RequestView } from './request-view.js';

/** What a source found: a token, or a malformed request. */
export type Found =
  | { readonly kind: 'token'; readonly token: string }
  /** Answered with `invalid_request` (RFC 6750 §3.1). `problem` is for the log and must not contain the token. */
  | { readonly kind: 'malformed'; readonly problem: string };

/** A place where a request may carry its access token. */
export interface TokenSource {
  /** The name of the place in the log, for example `Authorization: Bearer`. */
  readonly place: string;
  /** The place in OpenAPI documents, when it is a header or a cookie that contains the token. */
  readonly parameter?: { readonly in: 'header' | 'cookie'; readonly name: string };
  /**
   * Set by sources that read cookies. With `checkOrigin: true`, a request with such a token and a method other than
   * GET, HEAD and OPTIONS is refused when a page of another origin made it; with `false`, the app must protect such
   * requests itself. Opening a WebSocket is checked in both cases.
   *
   * @defaultValue a source without `cookie` and `parameter` is checked when it finds the token only with the `Cookie`
   * header
   */
  readonly cookie?: { readonly checkOrigin: boolean };
  /** Sources that this one makes redundant, because it reads the same place and accepts more forms. */
  readonly covers?: readonly TokenSource[];
  /** The sources of which the first with a token counts: what `firstOf` returns. Their places are named one by one. */
  readonly alternatives?: readonly TokenSource[];
  /** Returns all tokens in this place; `[]` when there are none. */
  read(request: RequestView): readonly Found[];
  /**
   * Describes how a token violates the grammar of this place; `undefined` for a well-formed token. It is called before
   * the token is verified, and may be called again after the token was refused; then a result here replaces the
   * refusal. It is not called for a cached token.
   */
  findFault?(token: string): string | undefined;
}

/** Whether a value has the form of a token source. */
export function isTokenSource(value: unknown): value is TokenSource {
  return (
    typeof value === 'object' &&
    value !== null &&
    'read' in value &&
    typeof value.read === 'function' &&
    'place' in value
  );
}

/**
 * Reads several places, of which the first with a token counts; the others are then not read. Without it, two different tokens
 * in one request are answered with 400. Use it where clients send two tokens of one session that may differ, such as Clerk's header and
 * its cookie:
 *
 * ```ts
 * tokenFrom: firstOf(fromBearer(), fromCookie('__session'))
 * ```
 *
 * @throws {ConfigurationError} when there are fewer than two sources, or one of them is not a source.
 */
export function firstOf(...sources: readonly TokenSource[]): TokenSource {
  if (sources.length < 2 || !sources.every(isTokenSource)) {
    throw new ConfigurationError(
      'firstOf(sources)',
      'at least two token sources are expected',
      "Write firstOf(fromBearer(), fromCookie('__session'))",
    );
  }
  const alternatives = Object.freeze(sources.flatMap((source) => source.alternatives ?? [source]));
  return Object.freeze({
    place: `the first of ${alternatives.map(({ place }) => place).join(', ')}`,
    alternatives,
    covers: alternatives.flatMap((source) => [source, ...(source.covers ?? [])]),
    read: (request) => {
      for (const source of alternatives) {
        const found = source.read(request);
        if (found.length > 0) return found;
      }
      return none;
    },
  } satisfies TokenSource);
}

/** Removes duplicates, and sources that another one covers, from the combined sources of several presets. */
export function mergeSources(sources: readonly TokenSource[]): readonly TokenSource[] {
  const covered = new Set(sources.flatMap((source) => source.covers ?? []));
  return [...new Set(sources)].filter((source) => !covered.has(source));
}

/** The token sources of an app, which OpenAPI documents name. */
export class TokenSources {
  constructor(readonly all: readonly TokenSource[]) {}
}

// RFC 9110 §5.6.2: a character of the name of a scheme.
const schemeCharacter = /[!#$%&'*+.^_`|~0-9A-Za-z-]/;
// RFC 6750 §2.1, b64token.
const bearerToken = /^[A-Za-z0-9\-._~+/]+=*$/;

const notOneToken = '"Authorization: Bearer" is not followed by exactly one token';
const twiceBearer = '"Authorization: Bearer" is followed by "Bearer" again: the client adds the scheme twice';
const missingToken = '"Authorization: Bearer" is not followed by a token';
const none: readonly Found[] = Object.freeze([]);

const bearerKey = Symbol.for('nest-gatehouse.fromBearer');
// One object for all loaded copies of the package, so that `covers` of a source from one copy matches the source of
// another.
const registry = globalThis as Record<symbol, TokenSource | undefined>;
const bearer: TokenSource = (registry[bearerKey] ??= Object.freeze({
  place: 'Authorization: Bearer',
  parameter: Object.freeze({ in: 'header', name: 'authorization' } as const),
  read: (request) => readBearer(request.headers('authorization')),
  findFault: findBearerFault,
} satisfies TokenSource));

/**
 * Reads the token of `Authorization: Bearer <token>` (RFC 6750 §2.1). The scheme is compared without regard to case.
 * Other schemes are ignored. `Bearer` without exactly one token is answered with 400.
 */
export function fromBearer(): TokenSource {
  return bearer;
}

/** Reads the tokens of the scheme Bearer from `Authorization` values. */
export function readBearer(values: readonly string[]): readonly Found[] {
  const [value] = values;
  if (value === undefined) return none;
  return values.length === 1 ? readValue(value) : values.flatMap(readValue);
}

/** Describes how a token violates the grammar of a bearer token; `undefined` for a well-formed token. */
export function findBearerFault(token: string): string | undefined {
  if (bearerToken.test(token)) return undefined;
  return /^bearer +/i.test(token) ? twiceBearer : notOneToken;
}

/**
 * Recognizes the usual form without a regular expression: `Bearer`, one space, and a token without spaces around it.
 */
function isUsualForm(value: string): boolean {
  return value.startsWith('Bearer ') && isVisible(value.charCodeAt(7)) && isVisible(value.charCodeAt(value.length - 1));
}

function isVisible(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}

function readValue(given: string): readonly Found[] {
  if (isUsualForm(given)) return [{ kind: 'token', token: given.slice(7) }];
  const value = given.trim();
  if (value.slice(0, 6).toLowerCase() !== 'bearer') return none;
  const next = value.charAt(6);
  // RFC 9110 §11.4: the scheme is followed by one or more spaces.
  if (next === ' ') return [{ kind: 'token', token: value.slice(7).replace(/^ +/, '') }];
  if (next === '') return [{ kind: 'malformed', problem: missingToken }];
  return schemeCharacter.test(next) ? none : [{ kind: 'malformed', problem: notOneToken }];
}

/**
 * Reads the token from a custom header that contains only the token: `x-access-token: <token>`. An empty header is
 * ignored.
 *
 * @throws {ConfigurationError} when the name is not a valid header name, or is `authorization` or `cookie`.
 */
export function fromHeader(name: string): TokenSource {
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw new ConfigurationError('fromHeader(name)', 'it is not the name of a header', "Write one: 'x-access-token'");
  }
  const lower = name.toLowerCase();
  if (lower === 'authorization' || lower === 'cookie') {
    const alternative = lower === 'cookie' ? "fromCookie('access_token')" : 'fromBearer()';
    throw new ConfigurationError('fromHeader(name)', `${lower} contains more than a token`, `Write ${alternative}`);
  }
  return Object.freeze({
    place: lower,
    parameter: Object.freeze({ in: 'header', name: lower } as const),
    read: (request) =>
      request
        .headers(lower)
        .map((value) => value.trim())
        .filter((value) => value !== '')
        .map((token) => ({ kind: 'token', token })),
  } satisfies TokenSource);
}

/** The options of `fromCookie`. */
export interface FromCookieOptions {
  /**
   * Whether a request with this cookie and an unsafe method (any but GET, HEAD and OPTIONS) is refused when a page of
   * another origin made it. Set it to `false` only in an app that checks such requests itself, for example by a CSRF
   * token. Opening a WebSocket with the cookie is checked in any case.
   *
   * @defaultValue true
   */
  readonly checkOrigin?: boolean;
}

/**
 * Reads the token from a cookie. Browsers also send cookies with requests that pages of other sites make. Such a
 * request is answered with 403 `ACCESS_DENIED`, on optional routes too, when its method is not GET, HEAD or OPTIONS, or
 * when it opens a WebSocket; `publicUrl` and `trustedOrigins` of `AuthModule` state which pages may make it. Handlers
 * of GET requests are not protected, so they must not change anything. When a header carries the same token, the
 * request is accepted, because a page of another origin cannot set the header without CORS.
 *
 * @throws {ConfigurationError} when the name is not a valid cookie name, or an option is wrong or unknown.
 */
export function fromCookie(name: string, options: FromCookieOptions = {}): TokenSource {
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw new ConfigurationError('fromCookie(name)', 'it is not the name of a cookie', "Write one: 'access_token'");
  }
  const given = readOptions('fromCookie', options, ['checkOrigin']);
  return Object.freeze({
    place: `cookie ${name}`,
    parameter: Object.freeze({ in: 'cookie', name } as const),
    cookie: Object.freeze({ checkOrigin: readSwitch('fromCookie', given, 'checkOrigin', true) }),
    read: (request) =>
      readCookies(request.headers('cookie'), name)
        .filter((value) => value !== '')
        .map((token) => ({ kind: 'token', token })),
  } satisfies TokenSource);
}

/**
 * Returns all values of a cookie with this name. Other parsers return only the first of two, and another subdomain can
 * set a cookie that the browser sends first. Values are not decoded, because a JWT contains no characters that cookies
 * escape.
 */
function readCookies(headers: readonly string[], name: string): readonly string[] {
  const start = `${name}=`;
  const values: string[] = [];
  // A loop, because a chain of array methods makes many short lists, for each request.
  for (const header of headers) {
    for (const part of header.split(';')) {
      const pair = part.trim();
      if (pair.startsWith(start)) values.push(withoutQuotes(pair.slice(start.length).trim()));
    }
  }
  return values;
}

/** The names of all cookies of a request, in its order. */
export function cookieNames(view: RequestView): readonly string[] {
  const pairs = view.headers('cookie').flatMap((header) => header.split(';'));
  return pairs.filter((pair) => pair.includes('=')).map((pair) => pair.slice(0, pair.indexOf('=')).trim());
}

function withoutQuotes(value: string): string {
  return value.startsWith('"') && /^".*"$/.test(value) ? value.slice(1, -1) : value;
}
