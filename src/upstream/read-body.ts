import type { HttpResponse } from './http-client.js';
import { UpstreamFailure } from './upstream-failure.js';

/** The body of an answer as text, as far as it goes. */
export async function readText(response: Pick<HttpResponse, 'body'>, host: string, maxBytes: number): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new UpstreamFailure('too-large', `${host} answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType);
}

export function parseJson(text: string, host: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message repeats the text it failed on, so it is left out.
    throw new UpstreamFailure('not-json', `${host} answered with something that is not JSON`);
  }
}

/** Redirects are not followed: they would send keys and tokens to wherever they point. */
export function refuseRedirect(response: HttpResponse, host: string): void {
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    throw new UpstreamFailure('redirect', `${host} answered with a redirect, which is not followed`, response.status);
  }
}
