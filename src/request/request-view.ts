/** What token sources see of a request, whatever carried it. */
export interface RequestView {
  /**
   * The transport's own request object: the same for everybody who looks at the same request, and never one that
   * several requests share (a connection, a socket), as what came of one request is kept by it.
   */
  readonly request: object;
  /** Every value that came under a header's name, in order; the name in lower case. `[]` when none came. */
  headers(name: string): readonly string[];
  /** For the log: what came with the request and is left out of `headers`, and why; `undefined` for nothing. */
  leftOut?(): string | undefined;
}

/** The part of Node's, Express's and Fastify's requests that is read. */
export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders?: readonly string[];
  /** Fastify keeps Node's request in here. */
  readonly raw?: { readonly rawHeaders?: readonly string[] };
}

/** Sees an HTTP request, of Express or of Fastify, as token sources want to. */
export function viewHttpRequest(request: HttpRequest): RequestView {
  return new HttpRequestView(request);
}

class HttpRequestView implements RequestView {
  constructor(readonly request: HttpRequest) {}

  /**
   * Node keeps only the first of two `Authorization` headers in `headers`, so what came is read from the raw
   * list. With one or none there, `headers` is believed: middleware may have put something better in. What it has
   * taken out stays out, however often it came. An app's own source may take the function out of the view, and
   * call it alone.
   */
  readonly headers = (name: string): readonly string[] => {
    const { headers, rawHeaders, raw } = this.request;
    const sent = rawHeaders ?? raw?.rawHeaders ?? [];
    if (headers === undefined) return readRaw(sent, name);
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (value === undefined) return [];
    if (comesTwice(sent, name)) return readRaw(sent, name);
    return typeof value === 'string' ? [value] : value;
  };
}

/** Asked of every request, so it makes nothing. */
function comesTwice(rawHeaders: readonly string[], name: string): boolean {
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
