import { logText } from '../telemetry/log-text.js';
import type { RequestView } from './request-view.js';

/**
 * What speaks against believing that a socket's cookies were meant for it; `undefined` when nothing does. A browser
 * opens a socket for a page of any site and sends the cookies of this one, and unlike for `fetch` there is no
 * CORS to stop it (RFC 6455 §10.2). What is no browser names no origin, and has no cookies of others.
 *
 * @param trusted origins whose pages may do so, beside those of the very host that was called.
 */
export function findForeignPage(request: RequestView, trusted: readonly string[]): string | undefined {
  const [origin] = request.headers('origin');
  if (origin === undefined) return findForeignSite(request);
  if (trusted.includes(origin) || isOfHost(origin, request.headers('host')[0])) return undefined;
  return `a page of ${logText(origin)} opened it`;
}

/** Where a browser sends no origin, as with the first poll of socket.io, it may say this much. */
function findForeignSite(request: RequestView): string | undefined {
  const [site] = request.headers('sec-fetch-site');
  return site === 'cross-site' || site === 'same-site' ? 'a page of another origin opened it' : undefined;
}

/** Compared without the scheme, which a proxy in front of the app may have taken off. */
function isOfHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  // The port that belongs to the scheme may be written or not.
  const called = `${page.protocol}//${host}`;
  return page.host !== '' && URL.canParse(called) && new URL(called).host === page.host;
}
