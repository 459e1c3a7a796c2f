import { isUnicodeText, toUnicodeText } from '../configuration/unicode-text.js';
import { type FieldProblem, RefusalError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { SignIn } from './session-lifecycle.js';
import type { SessionLogin, TokenDelivery } from './session-store.js';

/** What is known about a sign-in. */
export interface StartOptions {
  /**
   * The request that signs in. From it come the address and the user agent, the client's choice of delivery, and the session
   * that the client has already, which ends.
   */
  readonly request?: object;
  /** @defaultValue the header of the request */
  readonly userAgent?: string | null;
  /** @defaultValue the client's address, by the proxy setting of the HTTP adapter */
  readonly ipAddress?: string | null;
  /** How the user signed in (RFC 8176): `['pwd']`. At most 20 values of at most 64 characters. @defaultValue [] */
  readonly amr?: readonly string[];
  /**
   * The login at a provider that the session begins by. When the provider ends it, the session ends. Each text has 1 to 1,024 characters.
   *
   * @defaultValue null
   */
  readonly login?: SessionLogin | null;
  /** @defaultValue what the request chooses by `X-Token-Delivery` */
  readonly delivery?: TokenDelivery;
  /** `false`: the browser drops the cookies when it is closed. @defaultValue true */
  readonly remember?: boolean;
  /** What `is_new_user` is in the answer. @defaultValue false */
  readonly isNewUser?: boolean;
  /**
   * `false`: pages of other origins may make the request, as when an identity provider calls the app back with a form. Without
   * the check, such a page can sign its visitor in as another user.
   *
   * @defaultValue true
   */
  readonly checkOrigin?: boolean;
}

/** What of a sign-in does not depend on the session that the client has already. */
export type SignInDetails = Omit<SignIn, 'delivery' | 'deliversBy' | 'replacedId'>;

const longestUserAgent = 512;
const longestAddress = 64;
/** RFC 8176 defines 20 values of at most 8 characters. */
const mostMethods = 20;
const longestMethod = 64;
/** OpenID Connect Core §2: a `sub` has at most 255 characters. Others than OpenID Connect providers set no limit. */
const longestLoginText = 1_024;

/**
 * Reads what the app states about a sign-in. An app may pass parts of a request on, so wrong input is a refusal: no database is asked to
 * store it.
 *
 * @throws {RefusalError} `INVALID_INPUT`, with the name of each option that is wrong.
 */
export function readSignInDetails(view: RequestView | null, options: StartOptions): SignInDetails {
  const { amr = [], login = null, remember = true, isNewUser = false } = options;
  const problems: FieldProblem[] = [];
  if (!isMethodList(amr)) {
    const message = `a list of at most ${mostMethods} texts of 1 to ${longestMethod} characters is expected`;
    problems.push({ path: 'amr', message });
  }
  if (!isLogin(login)) {
    const message = `a provider, a subject and a sessionId or null are expected, texts of 1 to ${longestLoginText} characters`;
    problems.push({ path: 'login', message });
  }
  for (const [path, value] of Object.entries({ remember, isNewUser })) {
    if (typeof (value as unknown) !== 'boolean') problems.push({ path, message: 'true or false is expected' });
  }
  if (problems.length > 0) throw RefusalError.input(problems);
  return {
    amr: [...amr],
    login: copyOf(login),
    remember,
    isNewUser,
    ...readClient(view, options),
  };
}

function isMethodList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= mostMethods && value.every(isMethod);
}

function isMethod(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= longestMethod && isUnicodeText(value);
}

function isLogin(value: unknown): value is SessionLogin | null {
  if (typeof value !== 'object') return false;
  if (value === null) return true;
  const { provider, subject, sessionId } = value as Partial<Record<keyof SessionLogin, unknown>>;
  return isLoginText(provider) && isLoginText(subject) && (sessionId === null || isLoginText(sessionId));
}

function isLoginText(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= longestLoginText && isUnicodeText(value);
}

/** Without further members that the app has given. */
function copyOf(login: SessionLogin | null): SessionLogin | null {
  if (login === null) return null;
  const { provider, subject, sessionId } = login;
  return { provider, subject, sessionId };
}

/** The client's address and user agent, as far as they are known: for lists of sessions, so they are cut and never refused. */
function readClient(view: RequestView | null, { request, userAgent, ipAddress }: StartOptions) {
  const { ip } = (request ?? {}) as { readonly ip?: unknown };
  const agent: unknown = userAgent === undefined ? view?.headers('user-agent')[0] : userAgent;
  const address: unknown = ipAddress === undefined ? ip : ipAddress;
  return {
    userAgent: typeof agent === 'string' ? toUnicodeText(agent, longestUserAgent) : null,
    ipAddress: typeof address === 'string' ? toUnicodeText(address, longestAddress) : null,
  };
}
