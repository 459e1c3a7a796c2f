/** Which resource of an app a request belongs to, and how the option is read. */
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../src/errors/auth-error.js';
import { oidc, type OidcOptions } from '../../../src/issuers/oidc.js';
import { ProtectedResources } from '../../../src/resource-metadata/protected-resources.js';
import { checkAudiences, readResources } from '../../../src/resource-metadata/read-resources.js';
import { acceptAnyAudience } from '../../../src/token/trusted-issuer.js';

const api = 'https://api.example.com';
const read = (resource: unknown, publicUrl: string | null = null) =>
  readResources('AuthModule.forRoot', { resource }, publicUrl);
const at = (...identifiers: string[]) =>
  new ProtectedResources(read(identifiers.map((identifier) => ({ identifier }))));

describe('the resource of a request', () => {
  const resources = at(`${api}/mcp`, `${api}/mcp/admin`, `${api}/api/v2/`);

  it.each([
    ['/mcp', '/mcp'],
    ['/mcp/', '/mcp'],
    ['/mcp/tools/list', '/mcp'],
    ['/mcp?x=/mcp/admin', '/mcp'],
    ['/mcp/administrator', '/mcp'],
    ['/mcp/admin', '/mcp/admin'],
    ['/mcp/admin/', '/mcp/admin'],
    ['/mcp/admin/x', '/mcp/admin'],
    ['/api/v2', '/api/v2/'],
    ['/api/v2/', '/api/v2/'],
    ['/api/v2/cats', '/api/v2/'],
    ['/', null],
    ['', null],
    ['/mcpx', null],
    ['/x/mcp', null],
    ['/api/v20', null],
    [null, null],
  ])('with the address %s is %s', (url, expected) => {
    expect(resources.find(url)?.identifier ?? null).toBe(expected === null ? null : `${api}${expected}`);
  });

  // Each of these reaches the handler of /mcp/admin on some router, or with some of its options.
  it.each([
    '/MCP/Admin',
    '/%6Dcp/%61dmin',
    '//mcp///admin',
    '/mcp/admin;x=1',
    '/mcp/admin#x',
    'http://evil.example/mcp/admin',
    'HTTPS://evil.example/mcp/admin?x',
    // A host that contains what ends a path.
    'http://a?b/mcp/admin',
    'http://a#b/mcp/admin',
    'http://a;b/mcp/admin',
  ])('does not depend on the spelling %s', (url) => {
    expect(resources.find(url)?.identifier).toBe(`${api}/mcp/admin`);
  });

  it('is none for an encoded slash, which routers do not take for one, and survives what cannot be decoded', () => {
    expect(resources.find('/mcp%2Fadmin')).toBeNull();
    expect(resources.find('/%E0%A4%A')).toBeNull();
    expect(resources.find('/mcp/%E0%A4%A')?.identifier).toBe(`${api}/mcp`);
  });

  it('is the whole app where the identifier is its origin', () => {
    expect(at(api).find('/anything')?.identifier).toBe(api);
    // A message has no address.
    expect(at(api).find(null)?.identifier).toBe(api);
    expect(at(api, `${api}/mcp`).find('/mcp/x')?.identifier).toBe(`${api}/mcp`);
  });

  it('is found without what a proxy strips', () => {
    const behindProxy = new ProtectedResources(read([{ identifier: `${api}/v1/mcp` }], `${api}/v1`));
    expect([behindProxy.find('/mcp/x')?.identifier, behindProxy.find('/v1/mcp')]).toEqual([`${api}/v1/mcp`, null]);
    const larger = new ProtectedResources(read([{ identifier: api }], `${api}/v1`));
    expect(larger.find('/mcp')?.identifier).toBe(api);
    const otherHost = new ProtectedResources(read([{ identifier: 'https://mcp.example.com/mcp' }], `${api}/v1`));
    expect(otherHost.find('/mcp')?.identifier).toBe('https://mcp.example.com/mcp');
  });
});

describe('the resources that a route may serve', () => {
  const resources = at(api, `${api}/mcp`, `${api}/mcp/admin`);
  const servedBy = (pattern: string) =>
    resources.all.filter((one) => resources.mayServe(one, pattern)).map(({ prefix }) => prefix);

  it.each([
    ['/cats', ['']],
    ['/mcp', ['/mcp']],
    ['/MCP/', ['/mcp']],
    ['/mcp/:tool', ['/mcp', '/mcp/admin']],
    ['/mcp/admin/:id', ['/mcp/admin']],
    ['/mcp/list', ['/mcp']],
    ['/:tenant', ['', '/mcp']],
    ['/:tenant/list', ['', '/mcp']],
    ['/*path', ['', '/mcp', '/mcp/admin']],
    ['/mcp{/:tool}', ['/mcp', '/mcp/admin']],
  ])('%s: %j', (pattern, expected) => {
    expect(servedBy(pattern)).toEqual(expected);
  });
});

describe('the metadata of a resource', () => {
  it.each([
    [`${api}/mcp`, '/mcp'],
    [`${api}/mcp/`, '/mcp/'],
    [api, ''],
    [`${api}/`, ''],
    ['http://127.0.0.1:3000/mcp', '/mcp'],
    ['http://localhost:3000', ''],
  ])('of %s is at the inserted path', (identifier, path) => {
    const [resource] = read({ identifier });
    expect(resource?.metadataUrl).toBe(`${new URL(identifier).origin}/.well-known/oauth-protected-resource${path}`);
  });
});

describe('the option resource', () => {
  const identifier = `${api}/mcp`;

  it.each([
    ['no object', 'https://api.example.com/mcp', 'an object of options is expected'],
    ['an empty list', [], 'the list is empty'],
    ['no identifier', { name: 'Cats' }, 'it is missing'],
    ['an unknown option', { identifier, title: 'Cats' }, 'there is no option of this name'],
    ['a path alone', { identifier: '/mcp' }, 'not an absolute address'],
    ['plain http on another machine', { identifier: 'http://api.example.com/mcp' }, 'http is only allowed on this'],
    ['a fragment', { identifier: `${identifier}#x` }, 'must not contain a fragment'],
    ['a query', { identifier: `${identifier}?x=1` }, 'without a query'],
    ['a user name', { identifier: 'https://me@api.example.com/mcp' }, 'must not contain a user name'],
    ['upper case in the host', { identifier: 'https://API.example.com/mcp' }, `Write '${identifier}'`],
    ['the usual port', { identifier: `${api}:443` }, `Write '${api}'`],
    ['dots', { identifier: `${api}/x/../mcp` }, `Write '${identifier}'`],
    ['an empty name', { identifier, name: ' ' }, 'a text that is not empty'],
    ['a relative documentation', { identifier, documentation: 'docs' }, 'not an absolute address'],
    ['scopes in one text', { identifier, scopes: 'a b' }, 'a list of scopes'],
    ['two scopes in one', { identifier, scopes: ['a b'] }, 'a list of scopes'],
    ['an empty audience', { identifier, alsoAudience: [''] }, 'a text or a list of texts'],
    ['two of one path', [{ identifier }, { identifier: `${identifier}/` }], 'are at the same path'],
    ['two of one path in other letters', [{ identifier }, { identifier: `${api}/MCP` }], 'are at the same path'],
    ['two hosts of one path', [{ identifier }, { identifier: 'https://other.example/mcp' }], 'are at the same path'],
  ])('is not %s', (_, given, problem) => {
    expect(() => read(given)).toThrow(ConfigurationError);
    expect(() => read(given)).toThrow(problem);
    expect(() => read(given)).toThrow('AuthModule.forRoot({ resource })');
  });

  it('is below publicUrl, of the same origin', () => {
    expect(() => read({ identifier }, `${api}/v1`)).toThrow('it is not below publicUrl');
    expect(() => read({ identifier: `${api}/v10/mcp` }, `${api}/v1`)).toThrow('it is not below publicUrl');
    expect(read({ identifier: `${api}/v1` }, `${api}/v1`)[0]?.prefix).toBe('');
  });
});

describe('the audience of an issuer', () => {
  const check = (audience: OidcOptions['audience'], resource: object) => () => {
    checkAudiences('AuthModule.forRoot', read(resource), [oidc({ issuer: 'https://issuer.example', audience })]);
  };
  const identifier = `${api}/mcp`;

  const meeting: readonly [string, OidcOptions['audience'], object][] = [
    ['names it', identifier, { identifier }],
    ['names it among others', ['web', identifier], { identifier }],
    ['is any', acceptAnyAudience, { identifier }],
    ['is one that tokens may name as well', 'web', { identifier, alsoAudience: ['web'] }],
    ['writes an origin in the other way', `${api}/`, { identifier: api }],
  ];

  it.each(meeting)('meets a resource when it %s', (_, audience, resource) => {
    expect(check(audience, resource)).not.toThrow();
  });

  it.each([
    ['names another', 'web', { identifier }],
    ['writes it with a slash', `${identifier}/`, { identifier }],
    ['names one of two', identifier, [{ identifier }, { identifier: `${identifier}/admin` }]],
  ])('does not when it %s', (_, audience, resource) => {
    expect(check(audience, resource)).toThrow(ConfigurationError);
    expect(check(audience, resource)).toThrow('the audience of the issuer https://issuer.example does not accept');
  });
});
