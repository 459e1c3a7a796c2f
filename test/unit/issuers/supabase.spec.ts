import { describe, expect, it } from 'vitest';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import { supabase } from '../../../src/issuers/supabase.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { configurationErrorOf, outcomeOf } from '../../support/outcome.js';
import { issuedAt, standIn } from '../../support/stand-in.js';
import { startIssuer } from '../../support/started-issuer.js';

const judge = standIn('ES256');
const url = 'https://qzkvmwtyhbplrcxsdgje.supabase.co';

function create(options: Readonly<Record<string | symbol, unknown>> = {}): IdentityProvider {
  return supabase({ url, ...options });
}

const claims: JsonObject = {
  aal: 'aal1',
  amr: [{ method: 'password', timestamp: issuedAt - 3 }],
  app_metadata: { provider: 'email', providers: ['email'], roles: ['editor'] },
  aud: 'authenticated',
  email: 'mira@lumenworks.example',
  exp: issuedAt + 3_600,
  iat: issuedAt,
  is_anonymous: false,
  iss: `${url}/auth/v1`,
  phone: '',
  role: 'authenticated',
  session_id: '2f1e0d3c-4b5a-4968-8776-95a4b3c2d1e0',
  sub: '9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d',
  user_metadata: { email: 'mira@lumenworks.example', email_verified: true, full_name: 'Mira Solberg', roles: ['root'] },
};

const anonymous: JsonObject = {
  ...claims,
  amr: [{ method: 'anonymous', timestamp: issuedAt - 3 }],
  app_metadata: {},
  email: '',
  is_anonymous: true,
  user_metadata: {},
};

describe('a user of Supabase', () => {
  it('has what the token says, and of what users write themselves only the name', async () => {
    const { user } = await judge(create(), claims);

    expect(user).toMatchObject({
      id: '9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d',
      issuer: `${url}/auth/v1`,
      provider: 'oidc',
      isAnonymous: false,
      email: 'mira@lumenworks.example',
      emailVerified: null,
      name: 'Mira Solberg',
      sessionId: '2f1e0d3c-4b5a-4968-8776-95a4b3c2d1e0',
      roles: ['authenticated'],
      scopes: [],
      permissions: [],
    });
  });

  it('has the roles that the project gave them', async () => {
    const { user } = await judge(create({ rolesClaim: ['app_metadata', 'roles'] }), claims);

    expect(user?.roles).toEqual(['editor', 'authenticated']);
  });

  it('may be anonymous', async () => {
    const { user } = await judge(create({ allowAnonymous: true }), anonymous);

    expect(user).toMatchObject({ isAnonymous: true, email: null, name: null });
  });

  it.each<[JsonObject, string | null]>([
    [{ full_name: 'Mira Solberg', name: 'mira' }, 'Mira Solberg'],
    [{ name: 'mira' }, 'mira'],
    [{ full_name: 7 }, null],
  ])('has by the metadata %j the name %j', async (user_metadata, name) => {
    expect((await judge(create(), { ...claims, user_metadata })).user?.name).toBe(name);
  });
});

describe('a token of Supabase', () => {
  it.each<[string, JsonObject, Readonly<Record<string, unknown>>, string]>([
    ['of a user', {}, {}, 'accepted'],
    ['with a list of audiences', { aud: ['authenticated'] }, {}, 'accepted'],
    ['of the anonymous role, before sign-in', { aud: 'anon' }, {}, 'INVALID_TOKEN audience'],
    ['of an anonymous user', anonymous, {}, 'INVALID_TOKEN claim'],
    ['of another project', { iss: 'https://other.supabase.co/auth/v1' }, {}, 'INVALID_TOKEN issuer'],
    [
      'which is an API key',
      { iss: 'supabase', role: 'service_role', aud: undefined, sub: undefined },
      {},
      'INVALID_TOKEN issuer',
    ],
    ['for a client of others', { client_id: 'c1' }, {}, 'INVALID_TOKEN claim'],
    ['for a client of others that is let in', { client_id: 'c1' }, { clientId: ['c1', 'c2'] }, 'accepted'],
    ['for a client of others that is not', { client_id: 'c3' }, { clientId: ['c1', 'c2'] }, 'INVALID_TOKEN claim'],
    ['of the own apps, where others are let in', {}, { clientId: 'c1' }, 'accepted'],
    ['which is an ID token for a client', { aud: 'c1', client_id: 'c1' }, { clientId: 'c1' }, 'INVALID_TOKEN audience'],
    ['of an algorithm that is not wanted', {}, { algorithms: ['RS256'] }, 'INVALID_TOKEN algorithm'],
    ['signed with a key, where the secret is expected', {}, { jwtSecret: 's'.repeat(40) }, 'INVALID_TOKEN algorithm'],
  ])('%s', async (_, other, options, outcome) => {
    expect((await judge(create(options), { ...claims, ...other })).outcome).toBe(outcome);
  });

  it.each([
    [url, `${url}/auth/v1`],
    [`${url}/`, `${url}/auth/v1`],
    ['https://api.lumenworks.example', 'https://api.lumenworks.example/auth/v1'],
    ['http://127.0.0.1:54321', 'http://127.0.0.1:54321/auth/v1'],
  ])('of the project at %s is verified with the keys below %s', async (given, iss) => {
    expect(await judge(create({ url: given }), { ...claims, iss })).toMatchObject({
      outcome: 'accepted',
      fetched: [`${iss}/.well-known/jwks.json`],
    });
  });
});

describe('the legacy secret', () => {
  it('verifies the tokens that it signed, and nothing is fetched', async () => {
    const clock = new ManualClock();
    clock.advanceSeconds(60);
    const issuer = await startIssuer({ algorithm: 'HS256', clock });
    const fetched: string[] = [];
    const open = (options: Readonly<Record<string, unknown>>): ReturnType<typeof openVerifier> =>
      openVerifier(create(options), {
        clock,
        fetch: (address) => {
          fetched.push(address);
          throw new Error('Nobody may be called');
        },
      });
    const token = await issuer.token(claims, { header: { kid: undefined } });

    expect(await outcomeOf(open({ jwtSecret: issuer.secret }).verifier.verify(token))).toBe('accepted');
    expect(await outcomeOf(open({ jwtSecret: 's'.repeat(40) }).verifier.verify(token))).toBe('INVALID_TOKEN signature');
    // Without the secret, HS256 is never a choice, so that no public key can be taken for one.
    expect(await outcomeOf(open({}).verifier.verify(token))).toBe('INVALID_TOKEN algorithm');
    expect(fetched).toEqual([]);
  });
});

describe('the options of supabase', () => {
  const secret = { jwtSecret: 's'.repeat(40) };

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['url', { url: undefined }, "it is missing. Write the project's URL"],
    ['url', { url: 'qzkvmwtyhbplrcxsdgje' }, 'not an absolute address'],
    ['url', { url: `${url}/auth/v1` }, `it has a path that does not belong to it. Write ${url}.`],
    ['url', { url: `${url}?apikey=x` }, `it has a path that does not belong to it. Write ${url}.`],
    ['jwtSecret', { jwtSecret: 'short' }, 'it is shorter than the hash'],
    ['jwtSecret', { jwtSecret: 7 }, 'a text or bytes are expected'],
    [
      'jwksUri',
      { ...secret, jwksUri: `${url}/jwks` },
      'it has no effect together with jwtSecret. Leave one of them out',
    ],
    ['staleKeysForSeconds', { ...secret, staleKeysForSeconds: 5 }, 'it has no effect together with jwtSecret'],
    ['algorithms', { ...secret, algorithms: ['ES256'] }, 'a list of signature algorithms is expected. Out of HS256'],
    [
      'algorithms',
      { algorithms: ['HS256'] },
      'a list of signature algorithms is expected. Out of ES256, RS256, EdDSA; left out, ES256, RS256',
    ],
    ['allowAnonymous', { allowAnonymous: 'no' }, 'true or false is expected'],
    ['clientId', { clientId: [] }, 'a text or a list of texts is expected'],
    ['audience', { audience: 'x' }, 'there is no option of this name'],
    ['anonKey', { anonKey: 'hush' }, 'there is no option of this name'],
  ])('refuse %s (%#)', (name, options, message) => {
    const error = configurationErrorOf(() => create(options));

    expect(error.path).toBe(`supabase({ ${name} })`);
    expect(error.message).toContain(message);
    expect(error.message).not.toMatch(/hush|sssss/);
  });
});
