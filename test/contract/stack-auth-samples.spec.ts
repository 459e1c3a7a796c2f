/** The preset for Stack Auth against tokens and key sets of the real server, old and new. */
import { beforeEach, describe, expect, it } from 'vitest';
import { stackAuth, type StackAuthOptions } from '../../src/issuers/stack-auth/stack-auth.js';
import { claimMapsOf } from '../../src/open-providers.js';
import type { TokenVerifier } from '../../src/token/token-verifier.js';
import type { Fetch } from '../../src/upstream/http-exchange.js';
import type { AuthUser } from '../../src/user/auth-user.js';
import { toAuthUser } from '../../src/user/verified-user.js';
import type { AnsweringServer } from '../support/answering-server.js';
import { openVerifier } from '../support/opened-verifier.js';
import { errorOf, outcomeOf } from '../support/outcome.js';
import { recordedOrigin, type RecordedToken, recordedTokens, startStackAuth } from '../support/stack-auth-server.js';
import { readRecordedExchange } from '../vectors/stack-auth/recorded.js';

const versions = ['2.8.86', '2.8.37'] as const;
const jwks = '/.well-known/jwks.json';

/** Tokens that the recording spoiled or made up, each with the reason that it deserves. */
const spoiled: Readonly<Record<string, string>> = {
  'from-users-me-client-alg-none': 'INVALID_TOKEN algorithm',
  'from-users-me-client-tampered-payload': 'INVALID_TOKEN signature',
  'from-users-me-client-tampered-signature': 'INVALID_TOKEN signature',
  'from-users-me-client-unknown-kid': 'INVALID_TOKEN key',
};

type Kind = 'normal' | 'restricted' | 'anonymous';

function kindOf({ claims }: RecordedToken): Kind {
  const iss = String(claims['iss']);
  if (iss.includes('/projects-anonymous-users/')) return 'anonymous';
  return iss.includes('/projects-restricted-users/') ? 'restricted' : 'normal';
}

function projectOf({ claims }: RecordedToken): string {
  return String(claims['iss']).split('/').at(-1) ?? '';
}

describe.each(versions)('Stack Auth %s', (version) => {
  const tokens = recordedTokens(version);
  const sound = tokens.filter(({ name }) => !(name in spoiled));
  const named = (name: string): RecordedToken => {
    const found = tokens.find((token) => token.name === name);
    if (found === undefined) throw new Error(`No token of the name ${name}`);
    return found;
  };
  const projectA = projectOf(named('password-sign-up'));
  const projectB = projectOf(named('password-sign-up-project-b'));

  let server: AnsweringServer;
  let now: Date;
  let asked: string[];

  beforeEach(async () => {
    server = await startStackAuth(version);
    asked = [];
  });

  const clock = { now: () => now };
  // The recorded server believed to be at port 8102, which may be taken; its origin leads to the one that listens.
  const fetch: Fetch = (url, init) => {
    asked.push(url);
    return globalThis.fetch(url.replace(recordedOrigin, server.url), init);
  };

  function open(options: StackAuthOptions = {}): TokenVerifier {
    const provider = stackAuth({ projectId: projectA, baseUrl: recordedOrigin, ...options });
    return openVerifier(provider, { clock, fetch }).verifier;
  }

  function judge(verifier: TokenVerifier, token: RecordedToken): Promise<string> {
    now = token.at;
    return outcomeOf(verifier.verify(token.text));
  }

  /** Every token of the recording with what becomes of it. */
  async function judgeAll(options: StackAuthOptions): Promise<Record<string, string>> {
    const verifier = open(options);
    const outcomes: Record<string, string> = {};
    for (const token of tokens) outcomes[token.name] = await judge(verifier, token);
    return outcomes;
  }

  function expected(allowed: readonly Kind[], projectId = projectA): Record<string, string> {
    const outcomeFor = (token: RecordedToken): string => {
      if (token.name === 'from-users-me-client-alg-none') return 'INVALID_TOKEN algorithm';
      if (projectOf(token) !== projectId || !allowed.includes(kindOf(token))) return 'INVALID_TOKEN issuer';
      return spoiled[token.name] ?? 'accepted';
    };
    return Object.fromEntries(tokens.map((token) => [token.name, outcomeFor(token)]));
  }

  it.each<[StackAuthOptions, readonly Kind[]]>([
    [{}, ['normal']],
    [{ allowAnonymous: true }, ['normal', 'anonymous']],
    [{ allowRestricted: true }, ['normal', 'restricted']],
    [{ allowAnonymous: true, allowRestricted: true }, ['normal', 'restricted', 'anonymous']],
  ])('with %j accepts %j users, for each of its tokens', async (options, allowed) => {
    expect(tokens.length).toBeGreaterThan(15);
    expect(await judgeAll(options)).toEqual(expected(allowed));
  });

  it('accepts users of another project only when that is configured', async () => {
    const outcomes = await judgeAll({ projectId: projectB });

    expect(outcomes).toEqual(expected(['normal'], projectB));
    expect(outcomes['password-sign-up-project-b']).toBe('accepted');
  });

  it('requests only the usual keys unless other users are allowed', async () => {
    await judgeAll({});

    expect(new Set(asked)).toEqual(new Set([`${recordedOrigin}/api/v1/projects/${projectA}${jwks}`]));
    expect(server.requests.map(({ path }) => path)).toEqual(asked.map((url) => url.slice(recordedOrigin.length)));
  });

  it.each<StackAuthOptions>([
    { allowAnonymous: true },
    { allowRestricted: true },
    { allowAnonymous: true, allowRestricted: true },
  ])('requests all keys with include_anonymous, and never with include_restricted: %j', async (options) => {
    const verifier = open(options);
    await judge(verifier, named('password-sign-up'));
    expect(asked).toEqual([`${recordedOrigin}/api/v1/projects/${projectA}${jwks}`]);

    // One more set for all the other kinds, and only when one of them comes.
    await judgeAll(options);
    const queries = new Set(asked.map((url) => new URL(url).search));
    expect([...queries].filter((query) => !['', '?include_anonymous=true'].includes(query))).toEqual([]);
    expect(queries.has('?include_anonymous=true')).toBe(options.allowAnonymous === true);
    expect(asked.filter((url) => !url.startsWith(`${recordedOrigin}/api/v1/projects/${projectA}${jwks}`))).toEqual([]);
  });

  it('requests keys without a key of the app', async () => {
    const verifier = open({ secretServerKey: 'ssk_secret', publishableClientKey: 'pck_public' });
    await judge(verifier, named('password-sign-up'));

    expect(JSON.stringify(server.requests)).not.toMatch(/ssk_secret|pck_public/);
  });

  it('refuses each token when it has expired', async () => {
    const verifier = open({ allowAnonymous: true });
    const mine = sound.filter((token) => projectOf(token) === projectA);
    for (const token of mine) {
      await judge(verifier, token);
      now = new Date((Number(token.claims['exp']) + 5) * 1_000);

      expect([token.name, await outcomeOf(verifier.verify(token.text))]).toEqual([token.name, 'INVALID_TOKEN expired']);
    }
  });

  it('creates from each token the user that it was issued for', async () => {
    const provider = stackAuth({ projectId: projectA, baseUrl: recordedOrigin, allowAnonymous: true });
    const { verifier } = openVerifier(provider, { clock, fetch });
    for (const token of sound.filter((one) => projectOf(one) === projectA)) {
      now = token.at;
      const verified = await verifier.verify(token.text);
      const claimMap = claimMapsOf([provider]).get(verified.issuer);
      const user: AuthUser | undefined = claimMap && toAuthUser(token.text, verified, claimMap);

      expect(user).toMatchObject({
        id: token.claims['sub'],
        issuer: token.claims['iss'],
        provider: 'stack-auth',
        isAnonymous: kindOf(token) === 'anonymous',
        sessionId: token.claims[version === '2.8.37' ? 'refreshTokenId' : 'refresh_token_id'],
        roles: [],
        organizations: [],
        expiresAt: new Date(Number(token.claims['exp']) * 1_000),
      });
    }
  });

  it('causes an outage when the server does not know the project', async () => {
    const projectId = '00000000-0000-4000-8000-000000000000';
    const verifier = open({ projectId });
    const [header] = named('password-sign-up').text.split('.');
    const claims = { ...named('password-sign-up').claims, iss: `${recordedOrigin}/api/v1/projects/${projectId}` };
    const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
    now = named('password-sign-up').at;
    const error = await errorOf(verifier.verify(`${String(header)}.${body}.${'A'.repeat(86)}`));

    expect([error?.code, error?.reason]).toEqual(['SERVER_ERROR', null]);
    expect(error?.explanation).toContain('answered with status 404');
  });

  it('would answer 400 and 404 to requests that the preset never makes', async () => {
    const statusOf = async (path: string): Promise<number> => {
      const answer = await globalThis.fetch(`${server.url}${path}`);
      await answer.arrayBuffer();
      return answer.status;
    };

    expect(await statusOf(`/api/v1/projects/${projectA}${jwks}`)).toBe(200);
    expect(await statusOf(`/api/v1/projects/${projectA}${jwks}?include_anonymous=1`)).toBe(400);
    expect(await statusOf(`/api/v1/projects/${projectA}${jwks}?include_restricted=true`)).toBe(
      version === '2.8.37' ? 400 : 200,
    );
    expect(await statusOf(`/api/v1/projects-anonymous-users/${projectA}${jwks}`)).toBe(404);
    expect(await statusOf(`/api/v1/projects/unknown${jwks}`)).toBe(404);
  });
});

describe('Stack Auth 2.8.86, in detail', () => {
  const tokens = recordedTokens('2.8.86');
  const find = (name: string): RecordedToken =>
    tokens.find((token) => token.name === name) ?? (tokens[0] as RecordedToken);

  async function judgeRestricted(options: StackAuthOptions): Promise<string> {
    const server = await startStackAuth('2.8.86');
    const token = find('password-sign-up-restricted');
    const provider = stackAuth({ projectId: projectOf(token), baseUrl: recordedOrigin, ...options });
    const { verifier } = openVerifier(provider, {
      clock: { now: () => token.at },
      fetch: (url, init) => globalThis.fetch(url.replace(recordedOrigin, server.url), init),
    });
    return outcomeOf(verifier.verify(token.text));
  }

  it.each<[StackAuthOptions, string]>([
    [{}, 'INVALID_TOKEN issuer'],
    [{ allowAnonymous: true }, 'INVALID_TOKEN issuer'],
    [{ allowRestricted: true }, 'accepted'],
    [{ allowRestricted: true, allowAnonymous: true }, 'accepted'],
  ])('a user with an unverified e-mail, %j: %s', async (options, outcome) => {
    expect(await judgeRestricted(options)).toBe(outcome);
  });

  it('describes a user as the server itself does', async () => {
    const { body } = readRecordedExchange('users-me-client').response as { body: Record<string, unknown> };
    const token = tokens.find(({ claims }) => claims['sub'] === body['id'] && claims['name'] !== null);
    const server = await startStackAuth('2.8.86');
    const provider = stackAuth({ projectId: projectOf(token ?? find('')), baseUrl: recordedOrigin });
    const { verifier } = openVerifier(provider, {
      clock: { now: () => token?.at ?? new Date(0) },
      fetch: (url, init) => globalThis.fetch(url.replace(recordedOrigin, server.url), init),
    });
    const verified = await verifier.verify(token?.text ?? '');
    const [claimMap] = claimMapsOf([provider]).values();
    const user = claimMap && toAuthUser(token?.text ?? '', verified, claimMap);

    expect(user).toMatchObject({
      id: body['id'],
      name: body['display_name'],
      email: body['primary_email'],
      emailVerified: body['primary_email_verified'],
      isAnonymous: body['is_anonymous'],
    });
  });
});
