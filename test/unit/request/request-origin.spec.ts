import { describe, expect, it } from 'vitest';
import { findCredential } from '../../../src/request/find-credential.js';
import {
  type CredentialFinder,
  findForeignPage,
  OriginCheck,
  type OriginCheckParts,
} from '../../../src/request/request-origin.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { viewSocketRequest } from '../../../src/request/socket-request-view.js';
import { fromBearer, fromCookie, fromHeader, type TokenSource } from '../../../src/request/token-sources.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

const own = 'https://api.example.com';
const app = 'https://app.example.com';
const evil = 'https://evil.example';

type Case = [origins: readonly string[], fetchSites: readonly string[]];

function find([origins, fetchSites]: Case, called: string | null = own): string | undefined {
  return findForeignPage({ origins, fetchSites, ownOrigin: called ?? undefined, trustedOrigins: [app] });
}

describe('a page of the app, or a client that is no browser', () => {
  it.each<Case>([
    [[], []],
    [[own], []],
    [['HTTPS://API.Example.com'], []],
    [[`${own}:443`], []],
    [[app], []],
    [['https://app.example.com:443'], []],
    // Sec-Fetch-Site is overruled by an own or a trusted origin, and overrules any other one.
    [[own], ['cross-site']],
    [[app], ['cross-site']],
    [[app], ['same-site']],
    [[], ['same-origin']],
    [[], ['none']],
    [['http://api.example.com'], ['same-origin']],
    [['null'], ['same-origin']],
    [[evil], ['none']],
  ])('Origin %j, Sec-Fetch-Site %j', (origins, fetchSites) => {
    expect(find([origins, fetchSites])).toBeUndefined();
  });
});

describe('a foreign page', () => {
  it.each<Case>([
    [[evil], []],
    [['https://shop.example.com'], []],
    [['http://api.example.com'], []],
    [['https://api.example.com:8443'], []],
    [['https://api.example.com.evil.example'], []],
    [['https://api.example.com/'], []],
    [['https://user@api.example.com'], []],
    [['https://api.example.com\\@evil.example'], []],
    [['api.example.com'], []],
    [['//api.example.com'], []],
    [['null'], []],
    [['file://'], []],
    [['capacitor://localhost'], []],
    [[''], []],
    [['null'], ['cross-site']],
    [[evil], ['cross-site']],
    [[evil], ['same-site']],
    [[], ['cross-site']],
    [[], ['same-site']],
    [[], ['']],
    [[], ['SAME-ORIGIN']],
    [[], ['same-origin', 'none']],
    [[own, evil], []],
    [[evil, own], ['same-origin']],
    [[own, own], ['same-origin']],
  ])('Origin %j, Sec-Fetch-Site %j', (origins, fetchSites) => {
    expect(find([origins, fetchSites])).toMatch(/^a page /);
  });

  it('is every one that has an Origin, where the own origin is unknown', () => {
    expect(find([[own], []], null)).toBe(`a page of "${own}"`);
    expect(find([['null'], []], null)).toBe('a page of "null"');
    expect(find([[app], []], null)).toBeUndefined();
  });

  it('is described on one line', () => {
    expect(find([['https://evil.example\nERROR'], []])).toBe('a page of "https://evil.example\\u000aERROR"');
    expect(find([[], ['x\ny']])).toBe('a page that the browser reports as "x\\u000ay"');
  });
});

const basic: TokenSource = {
  place: 'Authorization: Basic',
  parameter: { in: 'header', name: 'authorization' },
  read: () => [],
};

/** What finds the token of a source. */
const finderOf = (by: TokenSource): CredentialFinder => ({ find: (view) => findCredential(view, [by]) });

function checkWith(
  { source: by = basic, scheme = 'Bearer' }: { source?: TokenSource; scheme?: string },
  request: { method?: string; headers?: Record<string, string> },
  parts: Partial<OriginCheckParts> = {},
): () => void {
  const check = new OriginCheck({ publicOrigin: own, trustedOrigins: [app], ...parts });
  const headers = { cookie: 't=a', host: 'api.example.com', ...request.headers };
  return () => {
    const view = viewHttpRequest({ method: 'POST', ...request, headers });
    check.check({ text: 'a', scheme, source: by }, view, finderOf(by));
  };
}

const foreign = { headers: { origin: evil } };
const source = fromCookie('t');
const credential = { text: 'a', scheme: 'Bearer', source };

describe('a request of a foreign page', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'QUERY', 'post'])(
    'is refused by %s with a cookie',
    async (method) => {
      expect(await outcomeOf(checkWith({ source }, { ...foreign, method }))).toBe('ACCESS_DENIED');
    },
  );

  it.each(['GET', 'HEAD', 'OPTIONS'])('passes by %s with a cookie', async (method) => {
    expect(await outcomeOf(checkWith({ source }, { ...foreign, method }))).toBe('accepted');
  });

  it('is refused when its method is unknown', async () => {
    const check = new OriginCheck({ publicOrigin: own, trustedOrigins: [] });
    const view = viewHttpRequest({ headers: { cookie: 't=a', origin: evil } });
    expect(
      await outcomeOf(() => {
        check.check(credential, view, finderOf(source));
      }),
    ).toBe('ACCESS_DENIED');
  });

  it('is refused with Basic, which browsers add by themselves, unless it changes nothing', async () => {
    expect(await outcomeOf(checkWith({ scheme: 'Basic' }, foreign))).toBe('ACCESS_DENIED');
    expect(await outcomeOf(checkWith({ scheme: 'Basic', source: fromBearer() }, foreign))).toBe('ACCESS_DENIED');
    expect(await outcomeOf(checkWith({ scheme: 'basic' }, foreign))).toBe('ACCESS_DENIED');
    expect(await outcomeOf(checkWith({ scheme: 'Basic' }, { ...foreign, method: 'GET' }))).toBe('accepted');
    expect(await outcomeOf(checkWith({ scheme: 'Basic' }, { headers: { origin: own } }))).toBe('accepted');
  });

  it.each<[string, TokenSource]>([
    ['Bearer', fromBearer()],
    ['a custom header', fromHeader('x-token')],
  ])('passes with %s, which the page had to add', async (_, header) => {
    expect(await outcomeOf(checkWith({ source: header, scheme: 'Bearer' }, foreign))).toBe('accepted');
  });

  it('passes with a cookie for which the app has turned the check off, but opens no WebSocket with it', async () => {
    const unchecked = fromCookie('t', { checkOrigin: false });
    expect(await outcomeOf(checkWith({ source: unchecked }, foreign))).toBe('accepted');
    const upgrade = { method: 'GET', headers: { origin: evil, upgrade: 'WebSocket' } };
    expect(await outcomeOf(checkWith({ source: unchecked }, upgrade))).toBe('ACCESS_DENIED');
  });

  it('passes when its origin is trusted, and is refused when several origins came', async () => {
    expect(await outcomeOf(checkWith({ source }, { headers: { origin: app } }))).toBe('accepted');
    const rawHeaders = ['Cookie', 't=a', 'Origin', own, 'Origin', own];
    const check = new OriginCheck({ publicOrigin: own, trustedOrigins: [] });
    const view = viewHttpRequest({ method: 'POST', headers: { cookie: 't=a', origin: own }, rawHeaders });
    expect(
      await outcomeOf(() => {
        check.check(credential, view, finderOf(source));
      }),
    ).toBe('ACCESS_DENIED');
  });

  it('is explained to the log with the option to change', async () => {
    const error = await errorOf(checkWith({ source }, foreign));
    expect(error?.message).toBe('Access is denied');
    expect(error?.explanation).toBe(
      `The request was made by a page of "${evil}", with a credential in cookie t. publicUrl makes ${own} the app's own; ` +
        'if that page may send it, add its origin to trustedOrigins',
    );
    const withoutPublicUrl = await errorOf(checkWith({ source }, foreign, { publicOrigin: null }));
    expect(withoutPublicUrl?.explanation).toBe(
      `The request was made by a page of "${evil}", with a credential in cookie t. Without publicUrl, the HTTP adapter ` +
        'reports "http://api.example.com" as the app\'s own: set publicUrl if that is wrong; if that page may send it, ' +
        'add its origin to trustedOrigins',
    );
  });
});

describe("a token source of the app's own", () => {
  const readCookie = (name: string): TokenSource['read'] => fromCookie(name).read;

  it.each<[string, TokenSource]>([
    ['that states a cookie', { place: 'mine', cookie: { checkOrigin: true }, read: () => [] }],
    ['that names a cookie as its parameter', { place: 'mine', parameter: { in: 'cookie', name: 't' }, read: () => [] }],
    ['that states nothing and reads a cookie', { place: 'mine', read: readCookie('t') }],
  ])('%s is checked', async (_, mine) => {
    expect(await outcomeOf(checkWith({ source: mine }, foreign))).toBe('ACCESS_DENIED');
  });

  it.each<[string, TokenSource]>([
    ['that states a cookie without a check', { place: 'mine', cookie: { checkOrigin: false }, read: () => [] }],
    ['that names a header as its parameter', { place: 'mine', parameter: { in: 'header', name: 'x' }, read: () => [] }],
    ['that states nothing and reads a header', { place: 'mine', read: fromHeader('x-token').read }],
    [
      'that states nothing and finds the token in a header as well as in a cookie',
      { place: 'mine', read: (view) => [...readCookie('t')(view), ...fromHeader('x-token').read(view)] },
    ],
  ])('%s is not checked', async (_, mine) => {
    const headers = { ...foreign.headers, 'x-token': 'a' };
    expect(await outcomeOf(checkWith({ source: mine }, { headers }))).toBe('accepted');
  });
});

describe('a socket', () => {
  function open(headers: Record<string, string>, by: TokenSource, connectionParameters?: object): () => void {
    const check = new OriginCheck({ publicOrigin: own, trustedOrigins: [app] });
    const upgrade = { method: 'GET', headers: { cookie: 't=a', ...headers } };
    return () => {
      check.check(
        { text: 'a', scheme: 'Bearer', source: by },
        viewSocketRequest({}, { upgrade, connectionParameters }),
        finderOf(by),
      );
    };
  }

  it.each([own, app])('is opened with a cookie by a page of %s', async (origin) => {
    expect(await outcomeOf(open({ origin }, source))).toBe('accepted');
  });

  it('is opened with a cookie by what is no browser', async () => {
    expect(await outcomeOf(open({}, source))).toBe('accepted');
  });

  it.each([
    { origin: evil },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('is not opened with a cookie by a page with %j', async (headers) => {
    expect(await outcomeOf(open(headers, source))).toBe('ACCESS_DENIED');
    expect(await outcomeOf(open(headers, fromCookie('t', { checkOrigin: false })))).toBe('ACCESS_DENIED');
  });

  it('is not opened by an origin that the page writes into connection parameters', async () => {
    const parameters = { origin: own, 'sec-fetch-site': 'same-origin', headers: { Origin: own } };
    expect(await outcomeOf(open({ origin: evil }, source, parameters))).toBe('ACCESS_DENIED');
    expect(await outcomeOf(open({ 'sec-fetch-site': 'cross-site' }, source, parameters))).toBe('ACCESS_DENIED');
  });

  it('is opened by every page with a token that the page sends itself', async () => {
    expect(await outcomeOf(open({ origin: evil }, fromBearer(), { token: 'a' }))).toBe('accepted');
  });
});

describe('a request to a route of sessions', () => {
  const check = new OriginCheck({ publicOrigin: own, trustedOrigins: [app] });
  const outcome = (method: string, headers: Record<string, string>): Promise<string> =>
    outcomeOf(() => {
      check.checkSessionRequest(viewHttpRequest({ method, headers }));
    });

  it.each(['POST', 'PATCH', 'DELETE'])(
    'by %s is refused from a foreign page without any credential',
    async (method) => {
      expect(await outcome(method, { origin: evil })).toBe('ACCESS_DENIED');
      expect(await outcome(method, { origin: 'null' })).toBe('ACCESS_DENIED');
      expect(await outcome(method, { 'sec-fetch-site': 'cross-site' })).toBe('ACCESS_DENIED');
      expect(await outcome(method, { origin: evil, 'x-token-delivery': 'cookie' })).toBe('ACCESS_DENIED');
    },
  );

  it('passes from own and trusted pages, from what is no browser, by GET, and when it asks for tokens in the body', async () => {
    expect(await outcome('POST', { origin: own })).toBe('accepted');
    expect(await outcome('POST', { origin: app })).toBe('accepted');
    expect(await outcome('POST', {})).toBe('accepted');
    expect(await outcome('GET', { origin: evil })).toBe('accepted');
    expect(await outcome('POST', { origin: evil, 'x-token-delivery': 'body' })).toBe('accepted');
  });

  it('is refused with a credential in a cookie, although it asks for tokens in the body', async () => {
    const cookies = [fromCookie('access'), fromCookie('refresh')];
    const withCookie = (cookie: string, page: string): Promise<string> =>
      outcomeOf(() => {
        const headers = { origin: page, 'x-token-delivery': 'body', cookie };
        check.checkSessionRequest(viewHttpRequest({ method: 'POST', headers }), cookies);
      });
    for (const cookie of ['access=a', 'refresh=a', 'theme=dark; refresh=a', 'access=a; access=b']) {
      expect(await withCookie(cookie, evil)).toBe('ACCESS_DENIED');
      expect(await withCookie(cookie, app)).toBe('accepted');
    }
    expect(await withCookie('theme=dark', evil)).toBe('accepted');
  });
});
