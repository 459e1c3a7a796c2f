import { ConfigurationError } from '../errors/auth-error.js';
import type { RequestView } from './request-view.js';

/** What a source found: a token, or a request that is not well formed. */
export type Found =
  | { readonly kind: 'token'; readonly token: string }
  /** RFC 6750 §3.1 `invalid_request`. `problem` is for the log and repeats nothing of the value. */
  | { readonly kind: 'malformed'; readonly problem: string };

/** One place where a request may send its access token. */
export interface TokenSource {
  /** The place, for the log: `Authorization: Bearer`. */
  readonly place: string;
  /** The place as an OpenAPI document can name it, when it is a header or a cookie that holds the bare token. */
  readonly parameter?: { readonly in: 'header' | 'cookie'; readonly name: string };
  /** Sources whose place this one reads as well, and understands more of; they are left out beside it. */
  readonly covers?: readonly TokenSource[];
  /** Everything that is there; `[]` when nothing is. */
  read(request: RequestView): readonly Found[];
  /**
   * What is wrong with a token for this place, by the place's grammar; `undefined` when nothing is. Asked before the token is
   * judged, and perhaps again when it is refused: what is said then counts for more than the refusal. Not asked
   * of a token that has passed before: reading all of its characters again would tell nothing new.
   */
  findFault?(token: string): string | undefined;
}

/** The sources of several presets as one list: none twice, and none beside one that covers it. */
export function mergeSources(sources: readonly TokenSource[]): readonly TokenSource[] {
  const covered = new Set(sources.flatMap((source) => source.covers ?? []));
  return [...new Set(sources)].filter((source) => !covered.has(source));
}

/** The sources of an app, as it was configured: for whoever documents where tokens go. */
export class TokenSources {
  constructor(readonly all: readonly TokenSource[]) {}
}

// RFC 9110 §5.6.2: a character that a scheme may have.
const schemeCharacter = /[!#$%&'*+.^_`|~0-9A-Za-z-]/;
// RFC 6750 §2.1, b64token.
const bearerToken = /^[A-Za-z0-9\-._~+/]+=*$/;

const notOneToken = 'Behind "Authorization: Bearer" there is something else than one token';
const noToken = 'Behind "Authorization: Bearer" there is no token';
const nothing: readonly Found[] = Object.freeze([]);

const bearer: TokenSource = Object.freeze({
  place: 'Authorization: Bearer',
  parameter: Object.freeze({ in: 'header', name: 'authorization' } as const),
  read: (request) => readBearer(request.headers('authorization')),
  findFault: findBearerFault,
} satisfies TokenSource);

/**
 * The token of `Authorization: Bearer <token>` (RFC 6750 §2.1). The scheme word may be in any case; another
 * scheme is no token; `Bearer` with nothing or with anything but spaces and one token behind it is a 400.
 */
export function fromBearer(): TokenSource {
  return bearer;
}

/** What the given `Authorization` values hold for the scheme Bearer. */
export function readBearer(values: readonly string[]): readonly Found[] {
  const [value] = values;
  if (value === undefined) return nothing;
  return values.length === 1 ? readValue(value) : values.flatMap(readValue);
}

/** What is wrong with the grammar of a bearer token. */
export function findBearerFault(token: string): string | undefined {
  return bearerToken.test(token) ? undefined : notOneToken;
}

/** Nearly every value is: the scheme as RFC 6750 writes it, one space, and a token without a space around it. */
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
  // RFC 9110 §11.4: the scheme, in any case, then one or more spaces.
  if (next === ' ') return [{ kind: 'token', token: value.slice(7).replace(/^ +/, '') }];
  if (next === '') return [{ kind: 'malformed', problem: noToken }];
  return schemeCharacter.test(next) ? nothing : [{ kind: 'malformed', problem: notOneToken }];
}

/**
 * The token that a header of its own holds, bare: `x-access-token: <token>`. An empty header is no token.
 *
 * @throws {ConfigurationError} when the name cannot be a header's, or is `authorization`.
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

/**
 * The token that a cookie holds. A browser sends cookies by itself, also with requests that another site
 * makes it send: an app that changes things on behalf of such requests needs protection against forgery
 * (SameSite, an origin check or a CSRF token) besides.
 *
 * @throws {ConfigurationError} when the name cannot be a cookie's.
 */
export function fromCookie(name: string): TokenSource {
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw new ConfigurationError('fromCookie(name)', 'it is not the name of a cookie', "Write one: 'access_token'");
  }
  return Object.freeze({
    place: `cookie ${name}`,
    parameter: Object.freeze({ in: 'cookie', name } as const),
    read: (request) =>
      readCookies(request.headers('cookie'), name)
        .filter((value) => value !== '')
        .map((token) => ({ kind: 'token', token })),
  } satisfies TokenSource);
}

/**
 * All values of a cookie. The usual parsers keep the first of two, and which of two a browser sends first
 * can be arranged from a neighbouring domain. A JWT has no character that a cookie would escape.
 */
function readCookies(headers: readonly string[], name: string): readonly string[] {
  return headers
    .flatMap((header) => header.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1).trim())
    .map((value) => (/^".*"$/.test(value) ? value.slice(1, -1) : value));
}
