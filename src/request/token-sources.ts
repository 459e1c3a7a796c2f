import { readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { RequestView } from './request-view.js';

/** What a source found: a token, or a malformed request. */
export type Found =
  | { readonly kind: 'token'; readonly token: string }
  /** RFC 6750 §3.1 `invalid_request`. `problem` is for the log and does not repeat the value. */
  | { readonly kind: 'malformed'; readonly problem: string };

/** One place where a request may send its access token. */
export interface TokenSource {
  /** The place, for the log: `Authorization: Bearer`. */
  readonly place: string;
  /** The place as an OpenAPI document names it, when it is a header or a cookie that holds the bare token. */
  readonly parameter?: { readonly in: 'header' | 'cookie'; readonly name: string };
  /**
   * Set by sources that read cookies. With `checkOrigin`, a request that changes something by such a token is refused when
   * a page of another origin made it; without, the app protects such requests itself. WebSockets are checked in both cases.
   *
   * @defaultValue a source without `cookie` and `parameter` is checked when the token depends on the `Cookie` header
   */
  readonly cookie?: { readonly checkOrigin: boolean };
  /** Sources that this one replaces, because it reads their place too and understands more forms. */
  readonly covers?: readonly TokenSource[];
  /** Everything that the place holds; `[]` when it is empty. */
  read(request: RequestView): readonly Found[];
  /**
   * What is wrong with a token by the grammar of this place; `undefined` when nothing is. Called before the token is
   * verified, and possibly again after it was refused, where a fault here takes precedence over the refusal. Not called
   * for a token that was verified before.
   */
  findFault?(token: string): string | undefined;
}

/** Whether something given has the form of a token source. */
export function isTokenSource(value: unknown): value is TokenSource {
  return (
    typeof value === 'object' &&
    value !== null &&
    'read' in value &&
    typeof value.read === 'function' &&
    'place' in value
  );
}

/** Joins the sources of several presets into one list, without duplicates and without sources that another one covers. */
export function mergeSources(sources: readonly TokenSource[]): readonly TokenSource[] {
  const covered = new Set(sources.flatMap((source) => source.covers ?? []));
  return [...new Set(sources)].filter((source) => !covered.has(source));
}

/** The token sources of an app, for documents that state where tokens are sent. */
export class TokenSources {
  constructor(readonly all: readonly TokenSource[]) {}
}

// RFC 9110 §5.6.2: a character of a scheme.
const schemeCharacter = /[!#$%&'*+.^_`|~0-9A-Za-z-]/;
// RFC 6750 §2.1, b64token.
const bearerToken = /^[A-Za-z0-9\-._~+/]+=*$/;

const notOneToken = 'Behind "Authorization: Bearer" there is something else than one token';
const noToken = 'Behind "Authorization: Bearer" there is no token';
const nothing: readonly Found[] = Object.freeze([]);

const bearerKey = Symbol.for('nest-gatehouse.fromBearer');
// One for the process: a source that covers it covers also the one of a preset of a second copy of the package.
const registry = globalThis as Record<symbol, TokenSource | undefined>;
const bearer: TokenSource = (registry[bearerKey] ??= Object.freeze({
  place: 'Authorization: Bearer',
  parameter: Object.freeze({ in: 'header', name: 'authorization' } as const),
  read: (request) => readBearer(request.headers('authorization')),
  findFault: findBearerFault,
} satisfies TokenSource));

/**
 * Reads the token of `Authorization: Bearer <token>` (RFC 6750 §2.1). The scheme is compared without regard to case.
 * Another scheme is no token; `Bearer` without exactly one token behind it is answered with 400.
 */
export function fromBearer(): TokenSource {
  return bearer;
}

/** Reads the scheme Bearer from the given `Authorization` values. */
export function readBearer(values: readonly string[]): readonly Found[] {
  const [value] = values;
  if (value === undefined) return nothing;
  return values.length === 1 ? readValue(value) : values.flatMap(readValue);
}

/** What is wrong with the grammar of a bearer token. */
export function findBearerFault(token: string): string | undefined {
  return bearerToken.test(token) ? undefined : notOneToken;
}

/** The usual form, recognised without a pattern: the scheme as RFC 6750 writes it, one space, a token without spaces around. */
function isPlain(value: string): boolean {
  return value.startsWith('Bearer ') && isVisible(value.charCodeAt(7)) && isVisible(value.charCodeAt(value.length - 1));
}

function isVisible(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}

function readValue(given: string): readonly Found[] {
  if (isPlain(given)) return [{ kind: 'token', token: given.slice(7) }];
  const value = given.trim();
  if (value.slice(0, 6).toLowerCase() !== 'bearer') return nothing;
  const next = value.charAt(6);
  // RFC 9110 §11.4: the scheme in any case, then one or more spaces.
  if (next === ' ') return [{ kind: 'token', token: value.slice(7).replace(/^ +/, '') }];
  if (next === '') return [{ kind: 'malformed', problem: noToken }];
  return schemeCharacter.test(next) ? nothing : [{ kind: 'malformed', problem: notOneToken }];
}

/**
 * Reads the token from a custom header that holds nothing else: `x-access-token: <token>`. An empty header is no token.
 *
 * @throws {ConfigurationError} when the name is not a header's, or is `authorization` or `cookie`.
 */
export function fromHeader(name: string): TokenSource {
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw new ConfigurationError('fromHeader(name)', 'it is not the name of a header', "Write one: 'x-access-token'");
  }
  const lower = name.toLowerCase();
  if (lower === 'authorization' || lower === 'cookie') {
    const better = lower === 'cookie' ? "fromCookie('access_token')" : 'fromBearer()';
    throw new ConfigurationError('fromHeader(name)', `${lower} has a form of its own`, `Write ${better}`);
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

/** How `fromCookie` treats requests of other sites. */
export interface FromCookieOptions {
  /**
   * Whether a request that changes something (any method but GET, HEAD and OPTIONS) is refused when a page of another origin
   * made it with this cookie. Turn it off only in an app that checks such requests itself, by a CSRF token for example.
   * Opening a WebSocket by the cookie is checked in any case.
   *
   * @defaultValue true
   */
  readonly checkOrigin?: boolean;
}

/**
 * Reads the token from a cookie. A browser sends cookies with requests that pages of other sites make, too; such a request
 * is answered with 403 `ACCESS_DENIED`, on optional routes too, when its method is not GET, HEAD or OPTIONS or when it opens
 * a WebSocket. `publicUrl` and `trustedOrigins` of `AuthModule` state which pages may make it. So handlers of GET requests
 * must not change anything. When the same token is in a header as well, the header counts, which no page of another origin
 * can set without CORS.
 *
 * @throws {ConfigurationError} when the name is not a cookie's, or an option is wrong or unknown.
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
 * All values of a cookie. Usual parsers keep the first of two, and a neighbouring domain can arrange which of two cookies a
 * browser sends first. Nothing is decoded, because a JWT has no character that a cookie would escape.
 */
function readCookies(headers: readonly string[], name: string): readonly string[] {
  return headers
    .flatMap((header) => header.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1).trim())
    .map((value) => (/^".*"$/.test(value) ? value.slice(1, -1) : value));
}
