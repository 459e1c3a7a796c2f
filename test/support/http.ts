/**
 * A plain HTTP client that sends headers exactly as they are written, including two with the same name, which `fetch`
 * would join or drop, and that returns the response unchanged.
 */
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Call {
  readonly method?: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PATCH' | 'DELETE';
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string;
  /** Sent in this order, unchanged. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case; the values of two headers with the same name are joined. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The body as text. */
  readonly text: string;
  /** The body as JSON; `undefined` when it is not JSON. */
  readonly json: unknown;
}

export async function send(url: URL, { method = 'GET', token, headers = [], body }: Call): Promise<Answer> {
  const credentials = token === undefined ? [] : [['Authorization', `Bearer ${token}`] as const];
  const length =
    method === 'POST' || body !== undefined ? [['Content-Length', String(Buffer.byteLength(body ?? ''))] as const] : [];
  const lines = [['Host', url.host], ['Connection', 'close'], ...length, ...credentials, ...headers];
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { method, headers: lines.flat(), agent: false })
      .once('response', resolve)
      .once('error', reject)
      .end(body);
  });
  const answered = await text(response);
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(
      Object.entries(response.headersDistinct).map(([name, values]) => [name, values?.join(', ')]),
    ),
    text: answered,
    json: parse(answered),
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
