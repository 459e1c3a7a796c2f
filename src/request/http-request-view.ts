import type { RequestView } from './request-view.js';

/** The part of Node's, Express's and Fastify's requests that is read. */
export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders?: readonly string[];
  /** Fastify keeps Node's request in here. */
  readonly raw?: { readonly rawHeaders?: readonly string[] };
}

/** Sees an HTTP request, of Express or of Fastify, as token sources want to. */
export function viewHttpRequest(request: HttpRequest): RequestView {
  return { carrier: request, headers: (name) => readHeader(request, name) };
}

/**
 * Node keeps only the first of two `Authorization` headers in `headers`, so what came is read from the raw
 * list. With one or none there, `headers` is believed: middleware may have put something better in. What it has
 * taken out stays out, however often it came.
 */
function readHeader(request: HttpRequest, name: string): readonly string[] {
  const sent = readRaw(request.rawHeaders ?? request.raw?.rawHeaders ?? [], name);
  if (request.headers === undefined) return sent;
  const value = Object.hasOwn(request.headers, name) ? request.headers[name] : undefined;
  if (value === undefined) return [];
  if (sent.length > 1) return sent;
  return typeof value === 'string' ? [value] : value;
}

function readRaw(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = rawHeaders[at] ?? '';
    if (header.length === name.length && header.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? '');
  }
  return values;
}
