/** The contract suite for identity providers, run for presets of this package and for presets that an app has described. */
import {
  type Capability,
  defineProvider,
  type IdentityProvider,
  keysAt,
  mapStandardClaims,
  oidc,
  RefusalError,
  type TokenStatusSource,
} from 'nest-gatehouse';
import { describeIdentityProvider, TestIssuer } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { presets } from '../support/presets.js';

const runner = { describe, it };
const nowhere = 'http://127.0.0.1:9';

for (const name of ['oidc', 'jwtIssuer', 'stackAuth', 'supabase', 'betterAuth'] as const) {
  const preset = presets[name];
  if (preset === undefined) throw new Error(`There is no preset ${name}`);
  const { algorithm, path = '', claims, options, create } = preset;
  describeIdentityProvider(
    name,
    async () => {
      const issuer = await TestIssuer.start({ algorithm, path });
      return { issuer, claims, provider: create(options(issuer, nowhere) as never), close: () => issuer.stop() };
    },
    runner,
  );
}

/** A preset as another package would write it: with the public names only. */
function acmeId({ address }: { readonly address: string }): IdentityProvider {
  return defineProvider({
    name: 'acmeId',
    issuers: [
      {
        terms: {
          issuer: 'acme',
          audience: ['api'],
          algorithms: new Set(['ES256']),
          findFault: ({ blocked }) =>
            blocked === true ? RefusalError.token('claim', 'Its user was blocked') : undefined,
        },
        keys: keysAt(`${address}/.well-known/jwks.json`),
        introspection: askAcme(address),
      },
    ],
    claimMap: {
      provider: 'oidc',
      map: (claims) => ({ ...mapStandardClaims(claims), isAnonymous: claims['guest'] === true }),
    },
    profiles: { create: () => ({ get: ({ id }) => ({ displayName: `The profile of ${id}` }) }) },
  });
}

/** Acme says of each token whether it is active, by a call of its own. */
function askAcme(address: string): Capability<TokenStatusSource> {
  return {
    create: ({ providerClient }) => ({
      acceptsOpaqueTokens: false,
      ask: async (token) => {
        const { status } = await providerClient(address).call({
          method: 'POST',
          url: `${address}/status`,
          form: { token },
          repeatable: true,
        });
        if (status !== 200) throw RefusalError.token('revoked', 'Acme says that it is not active');
        return null;
      },
    }),
  };
}

describeIdentityProvider(
  'of another package',
  async () => {
    const issuer = await TestIssuer.start({ algorithm: 'ES256' });
    const claims = { iss: 'acme', aud: 'api' };
    return { issuer, claims, provider: acmeId({ address: issuer.url }), close: () => issuer.stop() };
  },
  runner,
);

describeIdentityProvider(
  'that extends oidc',
  async () => {
    const issuer = await TestIssuer.start({ algorithm: 'ES256' });
    const known = oidc({ issuer: issuer.url, audience: 'api' });
    const map: typeof mapStandardClaims = (claims) => ({ ...mapStandardClaims(claims), roles: ['member'] });
    const provider = defineProvider({ ...known, name: 'acmeOidc', claimMap: { provider: 'oidc', map } });
    return { issuer, claims: { aud: 'api' }, provider, close: () => issuer.stop() };
  },
  runner,
);

describe('the suite itself', () => {
  it('asks for the globals of a test runner where there are none', () => {
    expect(() => {
      describeIdentityProvider('x', () => Promise.reject(new Error('never called')));
    }).toThrow(/needs the globals describe and it: set globals: true/);
  });

  it.each([
    ['accepts any audience', { audience: ['api', 'https://another-api.example'] }, /another audience/],
    ['tolerates an expired token', { clockToleranceSeconds: 7_200 }, /expired|not valid yet/],
  ])('fails for a provider that %s', async (_, terms, title) => {
    const failed: string[] = [];
    const runs: Promise<void>[] = [];
    const define = (name: string, test: () => Promise<void>): void => {
      runs.push(
        test().catch(() => {
          failed.push(name);
        }),
      );
    };
    describeIdentityProvider(
      'that is too permissive',
      async () => {
        const issuer = await TestIssuer.start({ algorithm: 'ES256' });
        const provider = defineProvider({
          name: 'lax',
          issuers: [{ terms: { issuer: issuer.url, audience: ['api'], ...terms }, keys: keysAt(issuer.jwksUri) }],
          claimMap: { provider: 'oidc', map: mapStandardClaims },
        });
        return { issuer, claims: { aud: 'api' }, provider, close: () => issuer.stop() };
      },
      {
        describe: (_name, body) => {
          body();
        },
        it: define,
      },
    );
    await Promise.all(runs);

    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every((name) => title.test(name))).toBe(true);
  });
});
