/** What token sources see of a request, on every transport. */
export interface RequestView {
  /**
   * The transport's own request object. It is the same object for every reader of one request, and requests never share
   * one (so it is never a connection or a socket), because results of one request are kept with it.
   */
  readonly request: object;
  /** @deprecated The name of `request` in version 0.1.0. */
  readonly carrier: object;
  /**
   * The HTTP method in upper case; for a message on a socket, that of the request which opened the socket. `null` on
   * transports without methods, such as microservices.
   */
  readonly method: string | null;
  /**
   * Path and query as the app received them, before a router stripped a prefix; for a message on a socket, those of the
   * request which opened the socket. `null` on transports without addresses.
   */
  readonly url: string | null;
  /**
   * On a socket: the HTTP request that opened it, with the headers that the browser sent and without those that
   * connection parameters add. Absent on other transports.
   */
  readonly upgrade?: RequestView;
  /** Every value of the header with this lower-case name, in the order of arrival; `[]` when there is none. */
  headers(name: string): readonly string[];
}

/** The members that are read of Node's, Express's and Fastify's requests. */
export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders?: readonly string[];
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Express and Fastify: the address before a router or `rewriteUrl` changed it. */
  readonly originalUrl?: string | undefined;
  /** Express and Fastify: scheme and host that the client called, by the adapter's own proxy setting. */
  readonly protocol?: string | undefined;
  readonly host?: string | undefined;
  readonly socket?: object | null | undefined;
  /** Fastify keeps Node's request here. */
  readonly raw?: Omit<HttpRequest, 'raw'>;
}

/** Makes the view of an HTTP request of Node, Express or Fastify. */
export function viewHttpRequest(request: HttpRequest): RequestView {
  return new HttpRequestView(request);
}

/**
 * Makes the view of a request of another transport, without method and address.
 *
 * @param request the transport's own object for this one request
 * @param headers every value under a name in lower case
 */
export function createRequestView(request: object, headers: RequestView['headers']): RequestView {
  return new MessageView(request, headers);
}

class MessageView implements RequestView {
  readonly method = null;
  readonly url = null;

  constructor(
    readonly request: object,
    readonly headers: RequestView['headers'],
  ) {}

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
   * Node keeps only the first of two `Authorization` headers in `headers`, so two headers are found in the raw list. With
   * one header or none in that list, `headers` decides, because middleware may have changed it on purpose; a header that
   * middleware deleted stays deleted. An arrow function, because a token source may take it off the view and call it alone.
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

/** Runs for every request, so it allocates nothing. */
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
