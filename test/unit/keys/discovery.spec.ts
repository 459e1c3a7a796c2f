import { describe, expect, it } from 'vitest';
import { discover, discoveryAddresses, type IssuerMetadata } from '../../../src/keys/discovery.js';
import { HttpClient } from '../../../src/upstream/http-client.js';
import { startDocuments } from '../../support/answering-server.js';
import { failureOf } from '../upstream/failure-of.js';

const openId = '/.well-known/openid-configuration';
const oauth = '/.well-known/oauth-authorization-server';
const strict = { insecureHttp: false };
const upstream = new HttpClient();

type Documents = Record<string, unknown>;

/** Serves documents that may contain the server's own address, and discovers the issuer at `path` there. */
async function serve(path: string, documentsOf: (url: string) => Documents) {
  const documents: Documents = {};
  const server = await startDocuments(documents);
  Object.assign(documents, documentsOf(server.url));
  const issuer = server.url + path;
  const find = (issuers: readonly string[] = [issuer]): Promise<IssuerMetadata> =>
    discover(upstream, { issuers, addresses: discoveryAddresses(issuer), rule: strict });
  return { issuer, find, paths: () => server.requests.map((request) => request.path) };
}

/** One document at OpenID Connect's address, with the given changes. */
function serveOne(changes: Documents) {
  return serve('', (url) => ({ [openId]: { issuer: url, jwks_uri: `${url}/keys`, ...changes } }));
}

describe('the addresses of the metadata', () => {
  it.each([
    [
      'https://a.example',
      'https://a.example/.well-known/openid-configuration',
      'https://a.example/.well-known/oauth-authorization-server',
    ],
    [
      'https://a.example/',
      'https://a.example/.well-known/openid-configuration',
      'https://a.example/.well-known/oauth-authorization-server',
    ],
    [
      'https://a.example/realms/x',
      'https://a.example/realms/x/.well-known/openid-configuration',
      'https://a.example/.well-known/oauth-authorization-server/realms/x',
    ],
    [
      'https://a.example/realms/x/',
      'https://a.example/realms/x/.well-known/openid-configuration',
      'https://a.example/.well-known/oauth-authorization-server/realms/x',
    ],
    [
      'http://127.0.0.1:8080/a',
      'http://127.0.0.1:8080/a/.well-known/openid-configuration',
      'http://127.0.0.1:8080/.well-known/oauth-authorization-server/a',
    ],
  ])('of %s are those of both specifications', (issuer, first, second) => {
    expect(discoveryAddresses(issuer)).toEqual([first, second]);
  });
});

describe('discovery', () => {
  it.each(['', '/', '/realms/x', '/realms/x/'])(
    'finds OpenID Connect\'s document of an issuer that ends with "%s"',
    async (path) => {
      const trimmed = path.replace(/\/$/, '');
      const { issuer, find, paths } = await serve(path, (url) => ({
        [trimmed + openId]: { issuer: url + path, jwks_uri: `${url}/keys` },
      }));

      expect(await find()).toMatchObject({ issuer, jwksUri: `${new URL(issuer).origin}/keys` });
      expect(paths()).toEqual([trimmed + openId]);
    },
  );

  it.each(['', '/realms/x', '/realms/x/'])(
    'finds RFC 8414\'s document of an issuer that ends with "%s"',
    async (path) => {
      const trimmed = path.replace(/\/$/, '');
      const { issuer, find, paths } = await serve(path, (url) => ({
        [oauth + trimmed]: { issuer: url + path, jwks_uri: `${url}/keys` },
      }));

      expect(await find()).toMatchObject({ issuer });
      expect(paths()).toEqual([trimmed + openId, oauth + trimmed]);
    },
  );

  it.each([400, 401, 403, 404, 410])('tries the second address when the first one answers %d', async (status) => {
    const { issuer, find } = await serve('', (url) => ({
      [openId]: status,
      [oauth]: { issuer: url, jwks_uri: `${url}/keys` },
    }));

    expect(await find()).toMatchObject({ issuer });
  });

  it.each([
    ['status 503', 503],
    ['status 500', 500],
    ['status 408, a time that ran out', 408],
    ['status 429, a limit that was reached', 429],
    ['a redirect', 302],
    ['another issuer', { issuer: 'https://other.example', jwks_uri: 'https://other.example/keys' }],
    ['no address of keys', {}],
  ])('does not try the second address when the first one fails otherwise: %s', async (_, trouble) => {
    const { find, paths } = await serve('', (url) => ({
      [openId]: trouble,
      [oauth]: { issuer: url, jwks_uri: `${url}/keys` },
    }));
    await failureOf(find());

    expect(paths()).toEqual([openId]);
  });

  it('reports the first address when neither has the document', async () => {
    const { find, paths } = await serve('', () => ({ [openId]: 403 }));

    expect(await failureOf(find())).toMatchObject({ problem: 'status', status: 403 });
    expect(paths()).toEqual([openId, oauth]);
  });

  it('fails when there is no address', async () => {
    const plan = { issuers: ['https://a.example'], addresses: [], rule: strict };

    expect(await failureOf(discover(upstream, plan))).toMatchObject({ problem: 'unexpected' });
  });
});

describe('a discovery document', () => {
  it.each([
    ['a slash more', (url: string) => `${url}/`],
    ['another case', (url: string) => url.replace('http', 'HTTP')],
    ['a path more', (url: string) => `${url}/realms/x`],
    ['a blank more', (url: string) => `${url} `],
    ['another host', () => 'https://evil.example'],
    ['a list', (url: string) => [url]],
    ['nothing', () => undefined],
  ])('is refused when its issuer has %s', async (_, issuerOf) => {
    const { find } = await serve('', (url) => ({
      [openId]: { issuer: issuerOf(url), jwks_uri: `${url}/keys` },
    }));
    const failure = await failureOf(find());

    expect(failure.problem).toBe('unexpected');
    expect(failure.message).toBe('the metadata bears the name of another issuer than the configured one');
  });

  it('is refused without the trailing slash of the issuer', async () => {
    const { find } = await serve('/', (url) => ({ [openId]: { issuer: url, jwks_uri: `${url}/keys` } }));

    expect(await failureOf(find())).toMatchObject({ problem: 'unexpected' });
  });

  it('may name any of the trusted issuers', async () => {
    const { issuer, find } = await serveOne({});

    expect(await find(['https://other.example', issuer])).toMatchObject({ issuer });
  });

  it.each([
    ['missing', undefined],
    ['no text', 7],
    ['null', null],
    ['a list', ['https://a.example/keys']],
  ])('is refused when its jwks_uri is %s', async (_, value) => {
    const { find } = await serveOne({ jwks_uri: value });

    expect((await failureOf(find())).message).toBe('the metadata names no jwks_uri');
  });

  it.each([
    ['http://keys.example/keys', 'http is only allowed on this machine'],
    ['http://127.0.0.1.evil.example/keys', 'http is only allowed on this machine'],
    ['ftp://keys.example/keys', 'https is expected'],
    ['file:///etc/passwd', 'https is expected'],
    ['/keys', 'not an absolute address'],
    ['', 'not an absolute address'],
    ['https://user:canary@keys.example/keys', 'an address must not contain a user name or password'],
  ])('cannot make the package call %j', async (address, fault) => {
    const { find } = await serveOne({ jwks_uri: address });
    const failure = await failureOf(find());

    expect(failure.message).toBe(`the metadata's jwks_uri may not be called: ${fault}`);
  });

  it.each([null, [], 'text', true])('is refused when it is not an object: %j', async (document) => {
    const documents: Documents = {};
    const { url } = await startDocuments(documents);
    documents[openId] = document;
    const plan = { issuers: [url], addresses: [url + openId], rule: strict };

    expect(await failureOf(discover(upstream, plan))).toMatchObject({ problem: 'unexpected' });
  });
});
