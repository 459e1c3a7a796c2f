import { type AppObject, readAppObject } from '../app-object.js';
import type { AuthSettings } from '../auth-settings.js';
import {
  type GivenOptions,
  path,
  readChoice,
  readNumber,
  readOptions,
  readText,
  requireTexts,
} from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { type SigningAlgorithm, signingAlgorithms } from '../issuing/signing-key-store.js';
import { type CookieOptions, type CookieTerms, readCookieTerms } from './session-cookies.js';
import { type TokenDelivery, tokenDeliveries } from './session-store.js';
import { presentUser, type SessionSubject, type SubjectFinder } from './session-subject.js';

/** A class that finds users. Nest's injector creates it, unless a module of the app provides it already. */
export interface SubjectFinderClass {
  // The dependencies are the app's own, and Nest's type of a class has these as well.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  new (...dependencies: any[]): SubjectFinder;
}

/** How the app issues tokens of its own, and keeps sessions. */
export interface SessionsModuleOptions {
  /**
   * The `iss` of the access tokens: an https address, or http on this machine.
   *
   * @defaultValue `publicUrl` of `AuthModule`
   */
  readonly issuer?: string;
  /** The `aud` of the access tokens: one text or a list. @defaultValue the issuer */
  readonly audience?: string | readonly string[];
  readonly accessToken?: AccessTokenOptions;
  readonly session?: SessionLifetimeOptions;
  /**
   * How clients may receive their tokens: in cookies or in the body of the response. A client chooses with the header
   * `X-Token-Delivery` when it signs in. The first one applies to clients that do not choose.
   *
   * @defaultValue ['cookies', 'body']
   */
  readonly delivery?: readonly TokenDelivery[];
  readonly cookies?: CookieOptions;
  /** Seconds after which a new signing key begins to sign, 3,600 to 315,360,000. @defaultValue 7_776_000 (90 days) */
  readonly rotateEverySeconds?: number;
  /** Seconds for which a new key is published before it signs, 0 to 2,592,000. @defaultValue 86_400 (a day) */
  readonly publishAheadSeconds?: number;
  /**
   * Where the routes are, without slashes around it; a global prefix of the app precedes it. `false`: there are no routes.
   *
   * @defaultValue 'auth'
   */
  readonly path?: string | false;
  /**
   * Looks up a user: a function, an object with the method `findSubject`, or a class with it. It is called when a session
   * begins, for each refresh and for `GET /auth/me`. `null` ends the session. If it throws, the answer is 503 and the session
   * stays as it was. With `AccountsModule` it is asked after the account was found enabled, and adds to it.
   *
   * @defaultValue the accounts of `AccountsModule`
   */
  readonly findSubject?: SubjectFinder['findSubject'] | SubjectFinder | SubjectFinderClass;
  /** Makes `user` of answers. @defaultValue all members of the subject except `claims` */
  readonly presentUser?: (subject: SessionSubject) => object;
}

/** How access tokens are made (RFC 9068). */
export interface AccessTokenOptions {
  /** Seconds for which a token is valid, 10 to 86,400. A revocation is kept for as long. @defaultValue 600 */
  readonly lifetimeSeconds?: number;
  /** EdDSA is not verified by every library. @defaultValue 'ES256' */
  readonly algorithm?: SigningAlgorithm;
  /** Personal data that tokens contain. Whoever has a token can read it. @defaultValue [] */
  readonly include?: readonly ('email' | 'name')[];
  /** The `client_id` of the tokens (RFC 9068 §2.2). @defaultValue the issuer */
  readonly clientId?: string;
}

/** How long sessions live. */
export interface SessionLifetimeOptions {
  /** Seconds after which a session ends that is not refreshed, 60 to 315,360,000. @defaultValue 1_209_600 (14 days) */
  readonly idleSeconds?: number;
  /** Seconds after which a session ends in any case, at least `idleSeconds`. @defaultValue 7_776_000 (90 days) */
  readonly absoluteSeconds?: number;
  /**
   * Seconds for which a refresh token is still accepted after it was replaced, 0 to 300: for a second tab, or when the
   * answer was lost. A replaced token that comes later ends the session, as it may have been stolen.
   *
   * @defaultValue 10
   */
  readonly graceSeconds?: number;
}

/** Makes the options, where a class is more handy than a function. */
export interface SessionOptionsFactory {
  createSessionOptions(): Omit<SessionsModuleOptions, 'path'> | Promise<Omit<SessionsModuleOptions, 'path'>>;
}

/** The options with everything filled in and checked. */
export interface SessionTerms {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly lifetimeSeconds: number;
  readonly algorithm: SigningAlgorithm;
  readonly include: readonly ('email' | 'name')[];
  readonly clientId: string;
  readonly idleMs: number;
  readonly absoluteMs: number;
  readonly graceMs: number;
  readonly delivery: readonly [TokenDelivery, ...TokenDelivery[]];
  readonly cookies: CookieTerms;
  readonly rotateEverySeconds: number;
  readonly publishAheadSeconds: number;
  /** `null` where it was left out. */
  readonly findSubject: AppObject<SubjectFinder> | null;
  readonly presentUser: (subject: SessionSubject) => object;
  readonly publicUrl: string;
}

/** The names of all options but `path`. */
export const sessionOptionNames: readonly string[] = [
  'issuer',
  'audience',
  'accessToken',
  'session',
  'delivery',
  'cookies',
  'rotateEverySeconds',
  'publishAheadSeconds',
  'findSubject',
  'presentUser',
];
const day = 86_400;
const tenYears = 3_650 * day;

/** The path of the routes, or `false`. It is read when the module is registered, because controllers are classes. */
export function readRoutePath(where: string, given: unknown): string | false {
  if (given === false) return false;
  const text = given === undefined ? 'auth' : given;
  const trimmed = typeof text === 'string' ? text.replaceAll(/^\/+|\/+$/g, '') : '';
  if (/^[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*$/.test(trimmed)) return trimmed;
  throw new ConfigurationError(
    path(where, 'path'),
    'it is not a path',
    "Write one such as 'auth' or 'api/auth', or false",
  );
}

/**
 * Fills in and checks what an app has given, without `path`.
 *
 * @throws {ConfigurationError} for the first option that is wrong, missing or unknown.
 */
export function readSessionTerms(where: string, given: unknown, settings: AuthSettings): SessionTerms {
  const options = readOptions(where, given, sessionOptionNames);
  const publicUrl = requirePublicUrl(settings, 'SessionsModule needs it for cookies and for its metadata');
  const issuer = readIssuer(where, options, publicUrl);
  const delivery = readDelivery(where, options);
  return Object.freeze({
    issuer,
    audience:
      options['audience'] === undefined ? Object.freeze([issuer]) : requireTexts(where, options, 'audience', ''),
    ...readAccessToken(path(where, 'accessToken'), options['accessToken'] ?? {}, issuer),
    ...readLifetimes(path(where, 'session'), options['session'] ?? {}),
    delivery,
    cookies: readCookieTerms(path(where, 'cookies'), options['cookies'] ?? {}, settings, publicUrl),
    rotateEverySeconds: readNumber(where, options, 'rotateEverySeconds', { least: 3_600, most: tenYears }) ?? 90 * day,
    publishAheadSeconds: readNumber(where, options, 'publishAheadSeconds', { least: 0, most: 30 * day }) ?? day,
    findSubject: readFinder(where, options),
    presentUser: readPresenter(where, options),
    publicUrl,
  });
}

/** @param reason what needs it, and what for */
export function requirePublicUrl({ publicUrl }: AuthSettings, reason: string): string {
  if (publicUrl !== null) return publicUrl;
  throw new ConfigurationError(
    'AuthModule.forRoot({ publicUrl })',
    `it is missing, and ${reason}`,
    "Write the outside address of the app: publicUrl: 'https://api.example.com', or 'http://localhost:3000'",
  );
}

/** RFC 8414 §2: an address with neither query nor fragment, compared exactly by verifiers. */
function readIssuer(where: string, options: GivenOptions, publicUrl: string): string {
  const issuer = readText(where, options, 'issuer');
  if (issuer === undefined) return publicUrl;
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  const isLocal = url !== null && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url !== null && !/[?#\s]/.test(issuer) && (url.protocol === 'https:' || (url.protocol === 'http:' && isLocal))) {
    return issuer;
  }
  throw new ConfigurationError(
    path(where, 'issuer'),
    'an https address without query and fragment is expected (http is for this machine only)',
    'Leave it out: then it is publicUrl',
  );
}

function readAccessToken(
  where: string,
  given: unknown,
  issuer: string,
): Pick<SessionTerms, 'lifetimeSeconds' | 'algorithm' | 'include' | 'clientId'> {
  const options = readOptions(where, given, ['lifetimeSeconds', 'algorithm', 'include', 'clientId']);
  const include = options['include'] === undefined ? [] : readInclude(where, options['include']);
  return {
    lifetimeSeconds: readNumber(where, options, 'lifetimeSeconds', { least: 10, most: day, whole: true }) ?? 600,
    algorithm: readChoice(where, options, 'algorithm', signingAlgorithms, 'ES256'),
    include: Object.freeze(include),
    clientId: readText(where, options, 'clientId') ?? issuer,
  };
}

function readInclude(where: string, given: unknown): ('email' | 'name')[] {
  const items: readonly unknown[] = Array.isArray(given) ? given : [given];
  return items.map((item) => {
    if (item === 'email' || item === 'name') return item;
    throw new ConfigurationError(
      path(where, 'include'),
      "a list of 'email' and 'name' is expected",
      '@CurrentProfile() gives them, and everything else, without putting them into each token',
    );
  });
}

function readLifetimes(where: string, given: unknown): Pick<SessionTerms, 'idleMs' | 'absoluteMs' | 'graceMs'> {
  const options = readOptions(where, given, ['idleSeconds', 'absoluteSeconds', 'graceSeconds']);
  const lifetime = { least: 60, most: tenYears };
  const idle = readNumber(where, options, 'idleSeconds', lifetime);
  const absolute = readNumber(where, options, 'absoluteSeconds', lifetime);
  const idleSeconds = idle ?? Math.min(14 * day, absolute ?? Number.POSITIVE_INFINITY);
  const absoluteSeconds = absolute ?? Math.max(90 * day, idleSeconds);
  if (absoluteSeconds < idleSeconds) {
    throw new ConfigurationError(
      path(where, 'absoluteSeconds'),
      'it is less than idleSeconds, which would never be reached',
      `Write ${idleSeconds} or more, or a smaller idleSeconds`,
    );
  }
  const graceSeconds = readNumber(where, options, 'graceSeconds', { least: 0, most: 300 }) ?? 10;
  return { idleMs: idleSeconds * 1_000, absoluteMs: absoluteSeconds * 1_000, graceMs: graceSeconds * 1_000 };
}

/** Reads how tokens may be delivered. */
export function readDelivery(where: string, options: GivenOptions): SessionTerms['delivery'] {
  const given = options['delivery'] ?? tokenDeliveries;
  const items: readonly unknown[] = Array.isArray(given) ? given : [];
  const known = tokenDeliveries.filter((delivery) => items.includes(delivery));
  const inOrder = items.filter((item): item is TokenDelivery => known.some((delivery) => delivery === item));
  const [first, ...others] = inOrder;
  if (first !== undefined && inOrder.length === items.length && known.length === items.length) {
    return Object.freeze([first, ...others] as const);
  }
  throw new ConfigurationError(
    path(where, 'delivery'),
    "a list of 'cookies' and 'body' is expected, each once",
    "Left out, it is ['cookies', 'body']",
  );
}

/** Reads `findSubject`; `null` where it was left out. */
export function readFinder(where: string, options: GivenOptions): SessionTerms['findSubject'] {
  return readAppObject<SubjectFinder>(where, options, 'findSubject', 'findSubject');
}

function readPresenter(where: string, options: GivenOptions): SessionTerms['presentUser'] {
  const given = options['presentUser'];
  if (given === undefined) return presentUser;
  if (typeof given === 'function') return given as SessionTerms['presentUser'];
  throw new ConfigurationError(path(where, 'presentUser'), 'a function is expected', 'Write (subject) => ({ … })');
}
