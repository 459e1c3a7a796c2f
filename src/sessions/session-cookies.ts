import type { AuthSettings } from '../auth-settings.js';
import { type GivenOptions, path, readChoice, readOptions, readText } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { HeaderLines } from '../challenge/error-answers.js';
import type { RequestView } from '../request/request-view.js';
import { cookieNames, fromCookie, type TokenSource } from '../request/token-sources.js';
import type { TokenDelivery } from './session-store.js';

/** The cookies of sessions. Without options they are bound to one host, and no other site can send or set them. */
export interface CookieOptions {
  /** A name of the app, for several apps on one host: `'acme'` makes `__Host-acme-access`. @defaultValue '' */
  readonly name?: string;
  /**
   * `'lax'`: pages of other sites do not send the cookies, except by a link. `'strict'`: nor by a link. `'none'`: pages of
   * other sites send them; it requires https and `trustedOrigins`.
   *
   * @defaultValue 'lax'
   */
  readonly sameSite?: 'lax' | 'strict' | 'none';
  /**
   * Sends the cookies to all hosts of a domain: `'example.com'`. Then each of these hosts can set them, and the prefix is
   * `__Secure-` in place of `__Host-`. The log warns of it.
   */
  readonly domain?: string;
}

/** The cookie options with everything filled in and checked. */
export interface CookieTerms {
  readonly accessName: string;
  readonly refreshName: string;
  /** What stands before the name of every cookie. */
  readonly prefix: string;
  /** The attributes of every cookie, without `Max-Age`. */
  readonly attributes: string;
  /** Those that do not depend on `sameSite`. */
  readonly fixedAttributes: string;
  /** Whether browsers send them over https alone. */
  readonly isSecure: boolean;
  readonly domain: string | null;
}

/** RFC 6265bis §5.7 and Chromium: a longer name and value together are dropped without a message. */
const longestCookie = 4_096;

/** @throws {ConfigurationError} for the first option that is wrong, or that needs another one. */
export function readCookieTerms(
  where: string,
  given: unknown,
  { trustedOrigins }: AuthSettings,
  publicUrl: string,
): CookieTerms {
  const options = readOptions(where, given, ['name', 'sameSite', 'domain']);
  const name = options['name'] === '' ? '' : (readText(where, options, 'name') ?? '');
  if (!/^[A-Za-z0-9_-]{0,64}$/.test(name)) {
    throw new ConfigurationError(path(where, 'name'), 'it is not a part of a cookie name', "Write one such as 'acme'");
  }
  // Safari takes no secure cookie from http on loopback, so there the names have no prefix either.
  const isSecure = publicUrl.startsWith('https:');
  const sameSite = readSameSite(where, options, isSecure && trustedOrigins.length > 0);
  const domain = readDomain(where, readText(where, options, 'domain'), publicUrl);
  const scheme = isSecure ? (domain === null ? '__Host-' : '__Secure-') : '';
  const prefix = scheme + (name === '' ? '' : `${name}-`);
  const fixedAttributes = [
    'Path=/',
    ...(domain === null ? [] : [`Domain=${domain}`]),
    ...(isSecure ? ['Secure'] : []),
    'HttpOnly',
  ].join('; ');
  return Object.freeze({
    accessName: `${prefix}access`,
    refreshName: `${prefix}refresh`,
    prefix,
    attributes: `${fixedAttributes}; SameSite=${sameSite}`,
    fixedAttributes,
    isSecure,
    domain,
  });
}

function readSameSite(where: string, options: GivenOptions, mayBeNone: boolean): 'Lax' | 'Strict' | 'None' {
  const sameSite = readChoice(where, options, 'sameSite', ['lax', 'strict', 'none'], 'lax');
  if (sameSite !== 'none') return sameSite === 'lax' ? 'Lax' : 'Strict';
  if (mayBeNone) return 'None';
  throw new ConfigurationError(
    path(where, 'sameSite'),
    "'none' requires https and the list of the pages that may send the cookies",
    'Set publicUrl to an https address and trustedOrigins to the origins of your pages',
  );
}

function readDomain(where: string, given: string | undefined, publicUrl: string): string | null {
  if (given === undefined) return null;
  const domain = given.toLowerCase().replace(/^\./, '');
  const { hostname } = new URL(publicUrl);
  const isName = /^(?:[a-z0-9-]+\.)+[a-z0-9-]+$/.test(domain);
  if (isName && (hostname === domain || hostname.endsWith(`.${domain}`))) return domain;
  throw new ConfigurationError(
    path(where, 'domain'),
    `it is not a domain of ${hostname}, the host of publicUrl, so browsers would not keep the cookies`,
    'Write that host or a domain above it, or leave it out',
  );
}

/** A cookie that binds a step of signing in to the browser. */
export interface OwnCookie {
  /** Without its prefix. */
  readonly name: string;
  /** Of letters, digits, `-` and `_`. */
  readonly value: string;
  /** `null` until the browser is closed. */
  readonly maxAgeSeconds: number | null;
  /**
   * Which pages of other sites send it along, at least: where the cookies of sessions are `'None'`, it is as well. `'None'` is for a provider whose own page calls the app back with a form.
   *
   * @defaultValue as the cookies of sessions
   */
  readonly sameSite?: 'Lax' | 'None';
}

/** What the cookies of a session contain. */
export interface SessionCookies {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds for which the browser keeps them; `null` until it is closed. */
  readonly maxAgeSeconds: number | null;
}

/**
 * The `Set-Cookie` lines of a session.
 *
 * @throws {ConfigurationError} when the access token is too long for a cookie.
 */
export function cookieLines(terms: CookieTerms, cookies: SessionCookies): HeaderLines {
  const age = ageOf(cookies.maxAgeSeconds);
  checkAccessCookie(terms, cookies.accessToken);
  return [[terms.accessName, cookies.accessToken] as const, [terms.refreshName, cookies.refreshToken] as const].map(
    ([name, value]) => ['Set-Cookie', `${name}=${value}; ${terms.attributes}${age}`] as const,
  );
}

function ageOf(seconds: number | null): string {
  return seconds === null ? '' : `; Max-Age=${seconds}`;
}

/** @throws {ConfigurationError} when an access token is too long for a cookie: browsers would drop it silently. */
export function checkAccessCookie({ accessName }: CookieTerms, accessToken: string): void {
  const size = accessName.length + accessToken.length;
  if (size <= longestCookie) return;
  throw new ConfigurationError(
    'SessionsModule.forRoot({ accessToken })',
    `the access token makes a cookie of ${size} bytes, and browsers drop those above ${longestCookie}`,
    "Return fewer roles, scopes and claims from findSubject, leave accessToken: { include } out, or set delivery to ['body']",
  );
}

/** The `Set-Cookie` line of a cookie that is no session's; an age of 0 removes it. */
export function ownCookieLines(terms: CookieTerms, { name, value, maxAgeSeconds, sameSite }: OwnCookie): HeaderLines {
  const attributes = sameSite === undefined ? terms.attributes : terms.fixedAttributes + sameSiteOf(terms, sameSite);
  return [['Set-Cookie', `${terms.prefix}${name}=${value}; ${attributes}${ageOf(maxAgeSeconds)}`]];
}

/**
 * Browsers drop a cookie with `SameSite=None` that is not secure, as those of an app on loopback are. Without the attribute, Chromium sends it
 * with a form of another site for two minutes, which is long enough to develop with.
 */
function sameSiteOf({ isSecure, attributes }: CookieTerms, sameSite: 'Lax' | 'None'): string {
  // Pages of another site call such an app by scripts, which neither send nor keep a cookie that is Lax.
  if (attributes.endsWith('SameSite=None')) return '; SameSite=None';
  return sameSite === 'None' && !isSecure ? '' : `; SameSite=${sameSite}`;
}

/** The values of a cookie that is no session's. A browser may send several of one name. */
export function readOwnCookie({ prefix }: CookieTerms, view: RequestView, name: string): readonly string[] {
  return fromCookie(prefix + name)
    .read(view)
    .flatMap((found) => (found.kind === 'token' ? [found.token] : []));
}

/** The names of the app's cookies in a request that begin so, without their prefix. Each is given once, in the order of the request. */
export function ownCookieNames({ prefix }: CookieTerms, view: RequestView, startsWith: string): readonly string[] {
  // A client can send any name, and none with other characters was ever set (RFC 6265 §4.1.1).
  const isOwn = (name: string): boolean => name.startsWith(prefix + startsWith) && /^[!#$%&'*+.^_`|~\w-]+$/.test(name);
  const names = cookieNames(view).filter(isOwn);
  return [...new Set(names)].map((name) => name.slice(prefix.length));
}

/** The `Set-Cookie` lines that remove the cookies of a session. */
export function clearingLines({ accessName, refreshName, attributes }: CookieTerms): HeaderLines {
  return [accessName, refreshName].map((name) => ['Set-Cookie', `${name}=; ${attributes}; Max-Age=0`] as const);
}

/** The source of access tokens in cookies. */
export function accessCookieSource({ accessName }: CookieTerms): TokenSource {
  return fromCookie(accessName);
}

/** The source of refresh tokens in cookies, for the routes that take them. */
export function refreshCookieSource({ refreshName }: CookieTerms): TokenSource {
  return fromCookie(refreshName);
}

/** Where browsers send the app's own credentials by themselves; empty where it delivers no cookies. */
export function sessionCookieSources(terms: {
  readonly delivery: readonly TokenDelivery[];
  readonly cookies: CookieTerms;
}): readonly TokenSource[] {
  const { delivery, cookies } = terms;
  return delivery.includes('cookies') ? [accessCookieSource(cookies), refreshCookieSource(cookies)] : [];
}

/** Whether access tokens are read from a cookie of this name. */
export function readsCookie(sources: readonly TokenSource[], name: string): boolean {
  return sources
    .flatMap((source) => source.alternatives ?? [source])
    .some(({ parameter }) => parameter?.in === 'cookie' && parameter.name === name);
}
