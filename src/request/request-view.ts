/** A request in the same form for every transport. Token sources and authentication schemes read it. */
export interface RequestView {
  /**
   * The transport's own request object. Results of authentication are stored with it, so all views of one request have
   * the same object, and different requests never share one: it is not a connection or a socket.
   */
  readonly request: object;
  /** @deprecated The name of `request` in version 0.1.0. */
  readonly carrier: object;
  /**
   * The HTTP method in upper case; for a message on a socket, the method of the upgrade request. `null` on transports
   * without methods, such as microservices.
   */
  readonly method: string | null;
  /**
   * The path and the query as the app received them, before a router removed a prefix; for a message on a socket, those
   * of the upgrade request. `null` on transports without URLs.
   */
  readonly url: string | null;
  /**
   * On a socket: the upgrade request that opened it, without the headers that connection parameters add. Absent on
   * other transports.
   */
  readonly upgrade?: RequestView;
  /**
   * Describes for the log where the headers come from, on a transport other than HTTP: `the headers of the message`. It is read
   * only for a request without a credential.
   */
  readonly headersFrom?: string;
  /** Every value of the header with this lower-case name, in the order of arrival; `[]` when there is none. */
  headers(name: string): readonly string[];
}

/** The members of Node's, Express's and Fastify's requests that are used here. */
export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders?: readonly string[];
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Express and Fastify: the URL before a router or `rewriteUrl` changed it. */
  readonly originalUrl?: string | undefined;
  /** Express and Fastify: the scheme that the client called, by the adapter's own proxy setting; `host` is its host. */
  readonly protocol?: string | undefined;
  readonly host?: string | undefined;
  /** Express and Fastify: the address of the client, by the adapter's own proxy setting. */
  readonly ip?: string | undefined;
  readonly socket?: { readonly remoteAddress?: string | undefined } | null | undefined;
  /** Fastify: Node's request. */
  readonly raw?: Omit<HttpRequest, 'raw'>;
}

/** Node's request, which a middleware gets, in the request of Fastify, which the guard gets; otherwise the request itself. */
export function nodeRequestOf(request: HttpRequest): object {
  const { raw } = request;
  return typeof raw === 'object' ? raw : request;
}

/** Creates the view of an HTTP request of Node, Express or Fastify. */
export function viewHttpRequest(request: HttpRequest): RequestView {
  return new HttpRequestView(request);
}

/**
 * Makes the view of a request of another transport, without method and address.
 *
 * @param request the transport's own object for this one request
 * @param headers every value under a name in lower case
 * @param describeHeaders describes for the log where the headers come from. @defaultValue 'the message'
 */
export function createRequestView(
  request: object,
  headers: RequestView['headers'],
  describeHeaders: () => string = () => 'the message',
): RequestView {
  return new MessageView(request, headers, describeHeaders);
}

class MessageView implements RequestView {
  readonly method = null;
  readonly url = null;

  constructor(
    readonly request: object,
    readonly headers: RequestView['headers'],
    private readonly describeHeaders: () => string,
  ) {}

  get headersFrom(): string {
    return this.describeHeaders();
  }

  get carrier(): object {
    return this.request;
  }
}

class HttpRequestView implements RequestView {
  constructor(readonly request: HttpRequest) {}

  get carrier(): object {
    return this.request;
  }

  get method(): string | null {
    return (this.request.method ?? this.request.raw?.method)?.toUpperCase() ?? null;
  }

  get url(): string | null {
    const { originalUrl, url, raw } = this.request;
    return originalUrl ?? url ?? raw?.originalUrl ?? raw?.url ?? null;
  }

  /**
   * Node's `headers` contains only the first of two `Authorization` headers, so repeated headers are read from the raw
   * list. Otherwise `headers` is used, because middleware may have changed or deleted a header on purpose. It is an
   * arrow function, because a token source may call it without the view.
   */
  readonly headers = (name: string): readonly string[] => {
    const { headers, rawHeaders, raw } = this.request;
    const sent = rawHeaders ?? raw?.rawHeaders ?? [];
    if (headers === undefined) return readRaw(sent, name);
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (value === undefined) return [];
    if (isRepeated(sent, name)) return readRaw(sent, name);
    return typeof value === 'string' ? [value] : value;
  };
}

/** Counts without allocating, because it runs for every request. */
function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let times = 0;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (isNamed(rawHeaders[at] ?? '', name)) times += 1;
  }
  return times > 1;
}

function readRaw(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && isNamed(rawHeaders[at - 1] ?? '', name));
}

function isNamed(header: string, name: string): boolean {
  return header.length === name.length && header.toLowerCase() === name;
}
