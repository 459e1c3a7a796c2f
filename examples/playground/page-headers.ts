import type { IncomingMessage, ServerResponse } from 'node:http';

type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** The page has an access token, so it runs only its own scripts, which may call only the app. */
export function pageHeaders(): Middleware {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return (_request, response, next) => {
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    // The address of the callback has the authorization code, which must not be sent as a referrer.
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('Cache-Control', 'no-store');
    next();
  };
}

/**
 * Names the request that has ended a login in a cookie, so that the page can show its log lines: the browser comes back by a redirect,
 * whose headers no script sees.
 */
export const noteCallback: Middleware = ({ method, url = '' }, response, next) => {
  const [, provider] = /^\/auth\/callback\/([\w-]+)(?:\?|$)/.exec(url) ?? [];
  if (method === 'GET' && provider !== undefined) {
    const requestId = String(response.getHeader('X-Request-Id'));
    response.setHeader('Set-Cookie', `callback=${provider}.${requestId}; Path=/; SameSite=Lax; Max-Age=60`);
  }
  next();
};
