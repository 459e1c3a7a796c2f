import { path, type GivenOptions } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { Credential } from './find-credential.js';
import type { HttpRequest, RequestView } from './request-view.js';
import type { TokenSource } from './token-sources.js';

/** What a browser states about the page that made a request, and which pages may make it. */
export interface PageEvidence {
  /** Every value of `Origin`. A browser sends one at most. */
  readonly origins: readonly string[];
  /** Every value of `Sec-Fetch-Site`, which no page can set. */
  readonly fetchSites: readonly string[];
  /** The origin of the app; `undefined` when it is unknown. */
  readonly ownOrigin: string | undefined;
  readonly trustedOrigins: readonly string[];
}

/**
 * Describes the page that made a request when it is neither the app's own nor a trusted one; `undefined` otherwise, and
 * for a request that no browser made. `Origin` decides first, because a trusted page may be on another site;
 * `Sec-Fetch-Site` decides for an own page whose `Origin` is absent, `null` or changed by a proxy.
 */
export function findForeignPage(evidence: PageEvidence): string | undefined {
  const { origins, fetchSites } = evidence;
  if (origins.length > 1) return 'a page with several Origin headers';
  const [origin] = origins;
  if (origin === undefined) {
    if (fetchSites.length === 0 || isOwnSite(fetchSites)) return undefined;
    return `a page that the browser reports as ${logText(fetchSites.join(', '))}`;
  }
  return isAccepted(origin, evidence) || isOwnSite(fetchSites) ? undefined : `a page of ${logText(origin)}`;
}

function isAccepted(given: string, { ownOrigin, trustedOrigins }: PageEvidence): boolean {
  const isKnown = (origin: string): boolean => origin === ownOrigin || trustedOrigins.includes(origin);
  // A browser writes the origin in the form in which it is known, so that it need not be parsed.
  if (isKnown(given)) return true;
  const origin = parseOrigin(given);
  return origin !== undefined && isKnown(origin);
}

/** The value `none` means that no page caused the request: the user entered the address or opened a bookmark. */
function isOwnSite([site, ...more]: readonly string[]): boolean {
  return more.length === 0 && (site === 'same-origin' || site === 'none');
}

/**
 * Parses an origin and returns it in the form of the URL standard; `undefined` for `null` and for anything that is not
 * an origin.
 */
function parseOrigin(text: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\]+$/i.test(text) || !URL.canParse(text)) return undefined;
  const { origin } = new URL(text);
  return origin === 'null' ? undefined : origin;
}

/** What finds credentials in requests: an authentication scheme. */
export interface CredentialFinder {
  find(request: RequestView): Credential | undefined;
}

export interface OriginCheckParts {
  /** The origin of `publicUrl`; `null` where the app has not set it. */
  readonly publicOrigin: string | null;
  /** Origins of other pages that may send cookies. */
  readonly trustedOrigins: readonly string[];
  /** Returns the HTTP adapter's application, which determines the app's own origin when `publicOrigin` is `null`. */
  readonly findAdapterInstance?: () => unknown;
}

/** Methods that change nothing (RFC 9110 §9.2.1), as far as browsers send them. */
const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Protects against cross-site request forgery: refuses requests that a page of another origin made with cookies or
 * `Basic` credentials, which a browser adds to requests without the user's knowledge. Credentials that a page must add
 * itself, such as `Authorization: Bearer`, are not affected.
 */
export class OriginCheck {
  constructor(private readonly parts: OriginCheckParts) {}

  /**
   * Checks a credential before it is verified.
   *
   * @param finder what found the credential in the request; it is asked whether it also finds it without the cookies
   * @throws {RefusalError} `ACCESS_DENIED` when a page of another origin made the request and it has an unsafe method
   * (any but GET, HEAD and OPTIONS), or opens a WebSocket with a credential in a cookie.
   */
  readonly check = (credential: Credential, view: RequestView, finder: CredentialFinder): void => {
    const { source, scheme } = credential;
    const opens = opensWebSocket(view);
    const changes = !isSafe(view);
    if (!opens && !changes) return;
    const isForbidden = isFromCookie(credential, view, finder)
      ? opens || source.cookie?.checkOrigin !== false
      : changes && scheme.toLowerCase() === 'basic';
    if (isForbidden) this.requireOwnPage(view, source.place);
  };

  /**
   * Checks a request to a route that creates, renews or ends a session, with or without a credential. Otherwise a page
   * of another origin could sign its visitor in as another user. A request with the header `X-Token-Delivery: body` is
   * exempt if it carries no credential in a cookie: it receives tokens in the body, so no cookie is set, and a page cannot
   * send the header to another origin without CORS.
   *
   * @param cookies where the app's own credentials are that browsers send by themselves
   * @throws {RefusalError} `ACCESS_DENIED` when a page of another origin made the request with an unsafe method.
   */
  checkSessionRequest(view: RequestView, cookies: readonly TokenSource[] = []): void {
    if (isSafe(view)) return;
    const sent = cookies.find((source) => source.read(view).length > 0);
    if (sent === undefined && view.headers('x-token-delivery').some((value) => value.trim() === 'body')) return;
    this.requireOwnPage(view, sent?.place ?? null);
  }

  private requireOwnPage(view: RequestView, place: string | null): void {
    // The page itself writes the connection parameters of a socket, so only the headers of the upgrade request count.
    const sent = view.upgrade ?? view;
    const ownOrigin = this.parts.publicOrigin ?? this.findCalledOrigin(sent);
    const page = findForeignPage({
      origins: sent.headers('origin'),
      fetchSites: sent.headers('sec-fetch-site'),
      ownOrigin,
      trustedOrigins: this.parts.trustedOrigins,
    });
    if (page === undefined) return;
    const credential = place === null ? '' : `, with a credential in ${place}`;
    throw RefusalError.otherSite(`The request was made by ${page}${credential}. ${this.describeFix(ownOrigin)}`);
  }

  private describeFix(ownOrigin: string | undefined): string {
    const trust = 'if that page may send it, add its origin to trustedOrigins';
    if (this.parts.publicOrigin !== null) return `publicUrl makes ${this.parts.publicOrigin} the app's own; ${trust}`;
    const called = ownOrigin === undefined ? 'no origin' : logText(ownOrigin);
    return `Without publicUrl, the HTTP adapter reports ${called} as the app's own: set publicUrl if that is wrong; ${trust}`;
  }

  /** The origin that the client called, by the HTTP adapter's own proxy setting; `undefined` when it is unknown. */
  findCalledOrigin({ request }: RequestView): string | undefined {
    return readCalledOrigin(request, this.parts.findAdapterInstance?.());
  }
}

function isSafe({ method }: RequestView): boolean {
  return method !== null && safeMethods.includes(method);
}

/** Recognizes also an upgrade request that an HTTP route handles itself. */
function opensWebSocket(view: RequestView): boolean {
  return view.upgrade !== undefined || view.headers('upgrade').some((value) => value.toLowerCase() === 'websocket');
}

/**
 * A shortcut for the usual credential, in a header that no browser adds by itself, because the check runs for every
 * request.
 */
export function isBearerHeader({ scheme, source }: Credential): boolean {
  return scheme === 'Bearer' && source.cookie === undefined && source.parameter?.in === 'header';
}

/**
 * Whether a credential depends on a cookie. Where its source does not state its place, the request is searched again without
 * the cookies: when the credential is found elsewhere, the cookies do not matter.
 */
function isFromCookie({ source, text }: Credential, view: RequestView, finder: CredentialFinder): boolean {
  if (source.cookie !== undefined) return true;
  if (source.parameter !== undefined) return source.parameter.in === 'cookie';
  if (view.headers('cookie').length === 0) return false;
  try {
    return finder.find(withoutCookies(view))?.text !== text;
  } catch {
    // What it found before and does not find now was in the cookies.
    return true;
  }
}

/** The same request as a client without cookies sends it, also for code that reads the framework's own request. */
function withoutCookies(view: RequestView): RequestView {
  const headers = (name: string): readonly string[] => (name === 'cookie' ? [] : view.headers(name));
  return Object.create(view, {
    headers: { value: headers },
    request: { value: hideCookies(view.request) },
    upgrade: { value: view.upgrade && withoutCookies(view.upgrade) },
  }) as RequestView;
}

/** `cookies` and `signedCookies` are where the middleware of Express and the plugin of Fastify keep parsed cookies. */
function hideCookies(request: HttpRequest): object {
  const { headers, raw } = request;
  return Object.create(request, {
    headers: { value: headers && { ...headers, cookie: undefined } },
    raw: { value: raw && hideCookies(raw) },
    cookies: { value: {} },
    signedCookies: { value: {} },
  }) as object;
}

/** The scheme and the host that the client called, as an adapter reports them. */
type CalledAddress = Pick<HttpRequest, 'protocol' | 'host'>;

/**
 * The origin that the client called. The adapter's own proxy setting (Express `trust proxy`, Fastify `trustProxy`)
 * decides whether forwarding headers count.
 */
function readCalledOrigin(request: HttpRequest, adapterInstance: unknown): string | undefined {
  // The request of Node in a middleware of Fastify has `protocol` and no `host`.
  const isKnown = typeof request.protocol === 'string' && typeof request.host === 'string';
  const { protocol, host } = isKnown ? request : readByAdapter(request, adapterInstance);
  if (protocol === undefined || host === undefined) return undefined;
  // Some proxies report the scheme `wss` for a WebSocket, while the page's origin has `https`.
  return parseOrigin(`${protocol.replace(/^ws/i, 'http')}://${host}`);
}

/**
 * The called address of an upgrade request, which Node passes to the socket server and not to the adapter. The
 * adapter's getters are called on an object that has the request's headers and socket.
 */
function readByAdapter({ headers = {}, socket, raw }: HttpRequest, adapterInstance: unknown): CalledAddress {
  const sent = { headers, socket: socket ?? raw?.socket };
  const prototype = findRequestPrototype(adapterInstance);
  if (!sent.socket || prototype === undefined) return readFromSocket(sent);
  // The getters of Express read `headers` and `socket`, those of Fastify read `raw`.
  const parts = { headers: { value: headers }, socket: { value: sent.socket }, raw: { value: sent } };
  return Object.create(prototype, parts) as CalledAddress;
}

/** The called address, as an adapter that trusts no proxy reports it. */
function readFromSocket({ headers, socket }: Pick<HttpRequest, 'headers' | 'socket'>): CalledAddress {
  const host = headers?.['host'];
  const isEncrypted = socket && 'encrypted' in socket && socket.encrypted === true;
  return { protocol: isEncrypted ? 'https' : 'http', host: typeof host === 'string' ? host : undefined };
}

/** The prototype of the requests of an Express application or a Fastify instance. */
function findRequestPrototype(instance: unknown): object | undefined {
  if (typeof instance === 'function' && 'request' in instance) return toObject(instance.request);
  if (typeof instance !== 'object' || instance === null) return undefined;
  // Fastify exposes its request class only under a symbol.
  const key = Object.getOwnPropertySymbols(instance).find(({ description }) => description === 'fastify.Request');
  const requestClass = key && (instance as Readonly<Record<symbol, unknown>>)[key];
  return typeof requestClass === 'function' ? toObject(requestClass.prototype) : undefined;
}

function toObject(value: unknown): object | undefined {
  return typeof value === 'object' && value !== null ? value : undefined;
}

/**
 * Reads `trustedOrigins`, or `socketOrigins`, its name in version 0.1.0.
 *
 * @throws {ConfigurationError} for anything but origins as a browser writes them, and for both names together.
 */
export function readTrustedOrigins(where: string, options: GivenOptions): readonly string[] {
  const { trustedOrigins, socketOrigins } = options;
  if (trustedOrigins !== undefined && socketOrigins !== undefined) {
    throw new ConfigurationError(
      path(where, 'socketOrigins'),
      'it is the former name of trustedOrigins, which is set too',
      'Write all origins into trustedOrigins',
    );
  }
  const given = trustedOrigins ?? socketOrigins ?? [];
  if (Array.isArray(given) && given.every(isOrigin)) return Object.freeze([...given]);
  throw new ConfigurationError(
    path(where, socketOrigins === undefined ? 'trustedOrigins' : 'socketOrigins'),
    'a list of origins is expected',
    "Write scheme and host, with the port if it is not the default, and without a path: ['https://app.example.com']",
  );
}

function isOrigin(value: unknown): value is string {
  return typeof value === 'string' && parseOrigin(value) === value;
}
