import { describe, expect, it } from 'vitest';
import { type CredentialFinder, OriginCheck } from '../../../src/request/request-origin.js';
import { type RequestView, viewHttpRequest } from '../../../src/request/request-view.js';
import { viewSocketRequest } from '../../../src/request/socket-request-view.js';
import type { TokenSource } from '../../../src/request/token-sources.js';
import { outcomeOf } from '../../support/outcome.js';

const evil = 'https://evil.example';

describe("an authentication scheme of the app's own, whose source states nothing", () => {
  const mine: TokenSource = { place: 'mine', read: () => [] };

  function checkWith(finds: CredentialFinder['find'], request: object): () => void {
    const check = new OriginCheck({ publicOrigin: 'https://api.example.com', trustedOrigins: [] });
    return () => {
      check.check({ text: 'a', scheme: 'Session', source: mine }, viewHttpRequest({ method: 'POST', ...request }), {
        find: finds,
      });
    };
  }

  const found = (text: unknown) => (text === 'a' ? { text, scheme: 'Session', source: mine } : undefined);
  type Parsed = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  const requestOf = (view: RequestView) => view.request as Parsed;

  const decoded = (cookie: unknown) => (typeof cookie === 'string' ? decodeURIComponent(cookie.slice(2)) : undefined);

  it.each<[string, CredentialFinder['find']]>([
    ['by the view', (view) => found(decoded(view.headers('cookie')[0]))],
    ['from the headers of the request', (view) => found(decoded(requestOf(view)['headers']?.['cookie']))],
    ['from the cookies that a parser has left', (view) => found(requestOf(view)['cookies']?.['t'])],
    ['from the signed cookies that a parser has left', (view) => found(requestOf(view)['signedCookies']?.['t'])],
    ['and fails without it', (view) => found(decodeURIComponent((view.headers('cookie') as [string])[0].slice(2)))],
  ])('is checked when it reads a cookie: %s', async (_, finds) => {
    const headers = { origin: evil, cookie: 't=%61' };
    const request = { headers, cookies: { t: 'a' }, signedCookies: { t: 'a' } };
    expect(await outcomeOf(checkWith(finds, request))).toBe('ACCESS_DENIED');
  });

  it('is not checked for cookies that it does not read', async () => {
    const request = { headers: { origin: evil, cookie: 't=a', 'x-key': 'a' } };
    const finds: CredentialFinder['find'] = (view) => found(view.headers('x-key')[0]);
    expect(await outcomeOf(checkWith(finds, request))).toBe('accepted');
  });

  it('is checked when it reads the cookie of the upgrade request of a socket', async () => {
    const check = new OriginCheck({ publicOrigin: 'https://api.example.com', trustedOrigins: [] });
    const upgrade = { method: 'GET', headers: { cookie: 't=%61', origin: evil } };
    const view = viewSocketRequest({}, { upgrade, connectionParameters: undefined });
    const finds: CredentialFinder['find'] = (seen) => found(decoded(seen.upgrade?.headers('cookie')[0]));
    const credentialOfUpgrade = { text: 'a', scheme: 'Session', source: mine };
    expect(
      await outcomeOf(() => {
        check.check(credentialOfUpgrade, view, { find: finds });
      }),
    ).toBe('ACCESS_DENIED');
  });
});
