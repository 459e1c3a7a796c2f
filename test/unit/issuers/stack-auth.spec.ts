import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { stackAuth, type StackAuthOptions } from '../../../src/issuers/stack-auth/stack-auth.js';
import { TestIssuer } from '../../../src/testing/test-issuer.js';
import type { Fetch } from '../../../src/upstream/http-exchange.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { configurationErrorOf, errorOf, outcomeOf } from '../../support/outcome.js';

const projectId = 'c640df62-42eb-4693-89b3-44e61b852ecd';
const path = `/api/v1/projects/${projectId}`;

/** An issuer of normal users: its address and its key set's are those of a Stack Auth project. */
let server: TestIssuer;
let baseUrl: string;

beforeAll(async () => {
  server = await TestIssuer.start({ algorithm: 'ES256', path });
  baseUrl = new URL(server.url).origin;
});

afterAll(() => server.stop());

afterEach(() => {
  vi.unstubAllEnvs();
});

const kinds = {
  normal: { path: 'projects', suffix: '', claims: { is_anonymous: false, is_restricted: false } },
  restricted: {
    path: 'projects-restricted-users',
    suffix: ':restricted',
    claims: { is_anonymous: false, is_restricted: true },
  },
  anonymous: { path: 'projects-anonymous-users', suffix: ':anon', claims: { is_anonymous: true, is_restricted: true } },
} as const;

type Kind = keyof typeof kinds;

const names = Object.keys(kinds) as Kind[];

function claimsOf(kind: Kind, host = baseUrl): Record<string, unknown> {
  return {
    ...kinds[kind].claims,
    iss: `${host}/api/v1/${kinds[kind].path}/${projectId}`,
    aud: `${projectId}${kinds[kind].suffix}`,
    sub: 'u1',
  };
}

function issuersOf(options: StackAuthOptions): readonly string[] {
  return stackAuth(options).issuers.map(({ terms }) => terms.issuer);
}

async function outcome(claims: object, options: StackAuthOptions = {}, header: object = {}): Promise<string> {
  const { verifier } = openVerifier(stackAuth({ projectId, baseUrl, ...options }));
  return outcomeOf(verifier.verify(await server.token({ ...claims }, { header: { typ: undefined, ...header } })));
}

const everybody: StackAuthOptions = { allowAnonymous: true, allowRestricted: true };

describe('the kinds of user', () => {
  it.each(names.flatMap((kind) => names.map((other) => [kind, other] as const)))(
    'are told by issuer and audience together: iss of %s users, aud of %s ones',
    async (kind, other) => {
      const claims = { ...claimsOf(kind), aud: claimsOf(other)['aud'] };

      expect(await outcome(claims, everybody)).toBe(kind === other ? 'accepted' : 'INVALID_TOKEN audience');
    },
  );

  it.each<[StackAuthOptions, readonly Kind[]]>([
    [{}, ['normal']],
    [{ allowAnonymous: false, allowRestricted: false }, ['normal']],
    [{ allowAnonymous: true }, ['normal', 'anonymous']],
    [{ allowRestricted: true }, ['normal', 'restricted']],
    [everybody, ['normal', 'restricted', 'anonymous']],
  ])('%j lets in %j', async (options, allowed) => {
    for (const kind of names) {
      expect([kind, await outcome(claimsOf(kind), options)]).toEqual([
        kind,
        allowed.includes(kind) ? 'accepted' : 'INVALID_TOKEN issuer',
      ]);
    }
  });

  it.each<[Kind, string]>([
    ['anonymous', 'stackAuth({ allowAnonymous: true })'],
    ['restricted', 'stackAuth({ allowRestricted: true })'],
  ])('that are not let in come with the option that would: %s', async (kind, option) => {
    const { verifier } = openVerifier(stackAuth({ projectId, baseUrl }));
    const error = await errorOf(verifier.verify(await server.token(claimsOf(kind))));

    expect(error?.explanation).toContain(option);
  });

  it.each<[Kind, object]>([
    ['normal', { is_anonymous: true }],
    ['normal', { is_restricted: true }],
    ['normal', { is_anonymous: undefined, role: 'anon' }],
    ['restricted', { is_restricted: false }],
    ['restricted', { is_anonymous: true }],
    ['anonymous', { is_anonymous: false }],
    ['anonymous', { is_restricted: false }],
    ['normal', { project_id: 'another' }],
    ['normal', { branch_id: 'dev' }],
    ['normal', { branchId: 'dev' }],
    ['normal', { sub: '' }],
  ])('%s, contradicted by %j', async (kind, claims) => {
    expect(await outcome({ ...claimsOf(kind), ...claims }, everybody)).toBe('INVALID_TOKEN claim');
  });
});

describe('what is no user token', () => {
  it.each([
    ['a resource token', { aud: `${projectId}:resource:r1` }, 'INVALID_TOKEN audience'],
    ['a resource token in a list', { aud: [`${projectId}:resource:r1`] }, 'INVALID_TOKEN audience'],
    [
      'a resource token of the issuer for those',
      { iss: 'oidc', aud: `${projectId}:resource:r1` },
      'INVALID_TOKEN issuer',
    ],
    ['another project’s', { aud: 'another' }, 'INVALID_TOKEN audience'],
    ['without an audience', { aud: undefined }, 'INVALID_TOKEN audience'],
    ['another kind that is not known', { aud: `${projectId}:admin` }, 'INVALID_TOKEN audience'],
    ['of another API version', { iss: 'latest' }, 'INVALID_TOKEN issuer'],
  ])('%s', async (_, claims, expected) => {
    const odd: Record<string, string> = {
      oidc: `${baseUrl}${path}/oidc`,
      latest: `${baseUrl}/api/latest/projects/${projectId}`,
    };
    const iss = 'iss' in claims ? { iss: odd[claims.iss] } : {};

    expect(await outcome({ ...claimsOf('normal'), ...claims, ...iss }, everybody)).toBe(expected);
  });

  it('is signed with anything but ES256', async () => {
    expect(await outcome(claimsOf('normal'), {}, { alg: 'RS256' })).toBe('INVALID_TOKEN algorithm');
    expect(await outcome(claimsOf('normal'), {}, { alg: 'HS256' })).toBe('INVALID_TOKEN algorithm');
  });
});

describe('the hosts', () => {
  const at = (origin: string): readonly string[] => [`${origin}${path}`];
  const pair = (host: string): readonly string[] =>
    ['stack-auth.com', 'hexclave.com'].map((domain) => `https://${host}.${domain}${path}`);

  it.each<[string | undefined, readonly string[]]>([
    [undefined, pair('api')],
    ['https://api.stack-auth.com', pair('api')],
    ['https://api.hexclave.com/', pair('api')],
    ['https://API.Stack-Auth.com', pair('api')],
    ['https://api1.stack-auth.com', pair('api')],
    ['https://api2.hexclave.com', pair('api')],
    ['https://api.dev.stack-auth.com', pair('api.dev')],
    ['https://api.staging.hexclave.com', pair('api.staging')],
    ['https://api2.staging.stack-auth.com', pair('api.staging')],
    ['https://api.stack-auth.com.evil.example', at('https://api.stack-auth.com.evil.example')],
    ['https://evilapi.stack-auth.com', at('https://evilapi.stack-auth.com')],
    ['https://api-stack-auth.com', at('https://api-stack-auth.com')],
    ['https://api.stack-auth.com:8443', at('https://api.stack-auth.com:8443')],
    ['https://stack.example.org///', at('https://stack.example.org')],
    ['http://localhost:8102', at('http://localhost:8102')],
  ])('baseUrl %j trusts %j', (url, expected) => {
    expect(issuersOf({ projectId, ...(url === undefined ? {} : { baseUrl: url }) })).toEqual(expected);
  });

  it('of the cloud sign with the same keys, which are fetched once and from baseUrl', async () => {
    const urls: string[] = [];
    const fetch: Fetch = (url, init) => {
      urls.push(url);
      return globalThis.fetch(url.replace('https://api.stack-auth.com', baseUrl), init);
    };
    const { verifier } = openVerifier(stackAuth({ projectId }), { fetch });
    for (const host of ['https://api.stack-auth.com', 'https://api.hexclave.com']) {
      expect(await outcomeOf(verifier.verify(await server.token(claimsOf('normal', host))))).toBe('accepted');
    }
    for (const host of [
      'https://api1.stack-auth.com',
      'https://api.dev.hexclave.com',
      'http://api.stack-auth.com',
      baseUrl,
    ]) {
      expect(await outcomeOf(verifier.verify(await server.token(claimsOf('normal', host))))).toBe(
        'INVALID_TOKEN issuer',
      );
    }

    expect(urls).toEqual([`https://api.stack-auth.com${path}/.well-known/jwks.json`]);
  });
});

describe('the options', () => {
  it('come from the environment where they are left out', () => {
    vi.stubEnv('STACK_PROJECT_ID', 'from-env');

    expect(issuersOf({})[0]).toBe('https://api.stack-auth.com/api/v1/projects/from-env');
    expect(issuersOf({ projectId: 'given' })[0]).toBe('https://api.stack-auth.com/api/v1/projects/given');
  });

  it('come from the environment without the white space that files leave around them', () => {
    vi.stubEnv('STACK_PROJECT_ID', ' from-env\r\n');

    expect(stackAuth().issuers[0]?.terms.audience).toEqual(['from-env']);
  });

  it('are read from the environment once', () => {
    vi.stubEnv('STACK_PROJECT_ID', 'first');
    const provider = stackAuth();
    vi.stubEnv('STACK_PROJECT_ID', 'second');

    expect(provider.issuers[0]?.terms.audience).toEqual(['first']);
  });

  it.each([undefined, '', '  ', '\n'])('are missing a project when STACK_PROJECT_ID is %j', (value) => {
    vi.stubEnv('STACK_PROJECT_ID', value);
    const error = configurationErrorOf(() => stackAuth());

    expect(error.path).toBe('stackAuth({ projectId })');
    expect(error.message).toBe(
      "stackAuth({ projectId }): it is missing. Write the project's id, or set the environment variable STACK_PROJECT_ID.",
    );
  });

  it.each<[string, unknown, string]>([
    ['projectId', '', 'a text that is not empty is expected'],
    ['projectId', 7, 'a text that is not empty is expected'],
    ['secretServerKey', '', 'a text that is not empty is expected'],
    ['publishableClientKey', null, 'a text that is not empty is expected'],
    ['allowAnonymous', 'yes', 'true or false is expected. Left out, it is false'],
    ['allowRestricted', 1, 'true or false is expected'],
    ['baseUrl', 'api.stack-auth.com', 'not an absolute address'],
    ['baseUrl', 'http://stack.example.org', 'http is only allowed on this machine'],
    [
      'baseUrl',
      'https://stack.example.org/api/v1',
      'it has a path that does not belong to it. Write the origin only: https://stack.example.org',
    ],
    ['baseUrl', 'https://stack.example.org/api', 'it has a path that does not belong to it'],
    ['baseUrl', 'https://stack.example.org?x=1', 'it has a path that does not belong to it'],
    ['allowAnonymus', true, 'there is no option of this name. Did you mean allowAnonymous'],
    ['apiKey', 'hush', 'there is no option of this name. Did you mean apiKeys'],
    ['token', 'hush', 'there is no option of this name. Known options: projectId, secretServerKey'],
  ])('are refused at start: %s %j', (name, value, message) => {
    const error = configurationErrorOf(() => stackAuth({ projectId, [name]: value }));

    expect(error.path).toBe(`stackAuth({ ${name} })`);
    expect(error.message).toContain(`stackAuth({ ${name} }): ${message}`);
    expect(error.message).not.toContain('hush');
  });

  it('never show the keys', () => {
    const secretServerKey = 'ssk_very_secret';
    const error = configurationErrorOf(() => stackAuth({ projectId, secretServerKey, baseUrl: 'x' }));

    expect(error.message).not.toContain(secretServerKey);
    expect(JSON.stringify(stackAuth({ projectId, secretServerKey }))).not.toContain(secretServerKey);
  });
});
