import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const keptCookies = 500;

/** A cookie of the app, described without its value. */
export interface DescribedCookie {
  readonly name: string;
  /** The number of characters of the value. */
  readonly length: number;
  /** The beginning of the SHA-256 of the value: it changes when the value does, and the value cannot be computed from it. */
  readonly fingerprint: string;
  /** Of the `Set-Cookie` line; `null` for a cookie that an earlier run of the playground has set. Browsers do not send them. */
  readonly attributes: readonly string[] | null;
}

/**
 * Keeps the attributes of the cookies that the app has sent, so that the page can show them: no script of the page can read
 * a cookie with `HttpOnly`, and a request contains only names and values. Values are not kept.
 */
export class SentCookies {
  private readonly attributesOf = new Map<string, readonly string[]>();

  readonly middleware = (_request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    response.once('finish', () => {
      for (const line of linesOf(response.getHeader('Set-Cookie'))) this.keep(line);
    });
    next();
  };

  /** Describes the cookies of a request that have one of these names, in the order in which they were sent. */
  describe(cookieHeader: string | undefined, names: readonly string[]): DescribedCookie[] {
    return (cookieHeader ?? '')
      .split('; ')
      .map(splitPair)
      .filter(([name]) => names.includes(name))
      .map(([name, value]) => ({
        name,
        length: value.length,
        fingerprint: digest(value).slice(0, 8),
        attributes: this.attributesOf.get(digest(value)) ?? null,
      }));
  }

  private keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const [, value] = splitPair(pair);
    if (value === '') return;
    this.attributesOf.set(digest(value), attributes);
    for (const oldest of this.attributesOf.keys()) {
      if (this.attributesOf.size <= keptCookies) return;
      this.attributesOf.delete(oldest);
    }
  }
}

/** The value of a cookie of a request; `undefined` where there is none with this name. */
export function readCookie(cookieHeader: string | undefined, wanted: string): string | undefined {
  return (cookieHeader ?? '')
    .split('; ')
    .map(splitPair)
    .find(([name]) => name === wanted)?.[1];
}

function splitPair(pair: string): readonly [name: string, value: string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function linesOf(header: number | string | string[] | undefined): string[] {
  return typeof header === 'object' ? header : header === undefined ? [] : [String(header)];
}

function digest(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}
