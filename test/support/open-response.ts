/** Requests whose responses are read while they are open. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect, constants } from 'node:http2';
import type { Readable } from 'node:stream';

export interface OpenResponse {
  readonly status: number;
  /** What has come so far. */
  readonly text: () => string;
  /** How it ended: in full, or cut off. */
  readonly end: Promise<'complete' | 'cut off'>;
  /** Resolves as soon as the text contains this. */
  readonly untilContains: (part: string) => Promise<void>;
  /** Stops reading, and goes on. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends it from the side of the client. */
  readonly leave: () => void;
}

/** Rejects when the server closes the connection without an answer. */
export async function openResponse(url: string, token?: string, method = 'GET'): Promise<OpenResponse> {
  const headers = authorization(token);
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      const text = collect(response);
      const end = once(response, ({ complete }) => (complete ? 'complete' : 'cut off'));
      resolve({ status: response.statusCode ?? 0, ...text, end, leave: () => sent.destroy() });
    });
    sent.on('error', reject).end();
  });
}

/** The same over HTTP/2 without TLS. */
export async function openResponseOverHttp2(url: string, token?: string): Promise<OpenResponse> {
  const { origin, pathname } = new URL(url);
  const session = connect(origin);
  const stream = session.request({ ':path': pathname, ...authorization(token) });
  const text = collect(stream);
  const end = once(stream, () => (stream.rstCode === 0 ? 'complete' : 'cut off'));
  stream.once('close', () => {
    session.destroy();
  });
  const status = await new Promise<number>((resolve, reject) => {
    stream.on('response', (headers) => {
      resolve(headers[':status'] ?? 0);
    });
    stream.on('error', reject);
  });
  return { status, ...text, end, leave: () => session.destroy() };
}

/** Sends a request whose answer nobody awaits. Returns what ends it from the side of the client. */
export function sendRequest(url: string, token: string): () => void {
  const sent = request(url, { headers: authorization(token), agent: false });
  sent.on('error', () => undefined).end();
  return () => void sent.destroy();
}

/** The same over HTTP/2: the client resets the stream, and keeps the connection until then. */
export function sendRequestOverHttp2(url: string, token: string): () => void {
  const { origin, pathname } = new URL(url);
  const session = connect(origin);
  const stream = session.request({ ':path': pathname, ...authorization(token) });
  stream
    .on('error', () => undefined)
    .once('close', () => {
      session.close();
    });
  return () => {
    stream.close(constants.NGHTTP2_CANCEL);
  };
}

function authorization(token: string | undefined): IncomingHttpHeaders {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function collect(body: Readable): Pick<OpenResponse, 'text' | 'untilContains' | 'pause' | 'resume'> {
  let text = '';
  body.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  // A response that is cut off is reported as an error, too.
  body.on('error', () => undefined);
  const untilContains = async (part: string): Promise<void> => {
    while (!text.includes(part)) await new Promise((resolve) => body.once('data', resolve));
  };
  const pause = (): void => void body.pause();
  const resume = (): void => void body.resume();
  return { text: () => text, untilContains, pause, resume };
}

function once<Body extends Readable>(
  body: Body,
  describe: (body: Body) => 'complete' | 'cut off',
): OpenResponse['end'] {
  return new Promise((resolve) => {
    body.once('close', () => {
      resolve(describe(body));
    });
  });
}
