/** The contract of authentication schemes, which the package exports for apps' own, run by those that are here. */
import { describeAuthenticationScheme, type SchemeUnderTest } from 'nest-gatehouse/testing';
import { type Authentication, type Credential, RefusalError } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { BearerScheme } from '../../src/authentication/bearer-scheme.js';
import { oidc } from '../../src/issuers/oidc.js';
import { claimMapsOf } from '../../src/open-providers.js';
import { fromBearer, fromCookie } from '../../src/request/token-sources.js';
import { TestIssuer } from '../../src/testing/test-issuer.js';
import { basic, KeyScheme } from '../support/key-scheme.js';
import { ManualClock } from '../support/manual-clock.js';
import { openVerifier } from '../support/opened-verifier.js';

const clock = new ManualClock();

function openKeys(scheme: KeyScheme = new KeyScheme(clock)): SchemeUnderTest {
  scheme.add('key_1', { id: 'machine', scopes: ['cats:read'] });
  scheme.add('key_2', { id: 'visitor', expiresAt: new Date(clock.now().getTime() + 1_000) });
  scheme.add('key_3', { id: 'late', expiresAt: clock.now() });
  return {
    scheme,
    accepted: [
      { 'x-api-key': 'key_1' },
      { 'x-api-key': 'key_2' },
      { authorization: 'Bearer key_1' },
      { authorization: basic('machine', 'key_1') },
    ],
    refused: [
      { 'x-api-key': 'key_unknown' },
      { 'x-api-key': 'key_3' },
      { authorization: 'Bearer key_unknown' },
      { authorization: basic('visitor', 'key_1') },
    ],
    malformed: [{ 'x-api-key': 'key_1', authorization: basic('machine', 'key_1') }],
  };
}

async function openBearer(): Promise<SchemeUnderTest> {
  const issuer = await TestIssuer.start({ algorithm: 'ES256', clock });
  const provider = oidc({ issuer: issuer.url, audience: 'api' });
  const sources = [fromBearer(), fromCookie('t')];
  const { verifier } = openVerifier(provider, { clock });
  const scheme = new BearerScheme({ sources, verifier, claimMaps: claimMapsOf([provider]) });
  const token = await issuer.token({ aud: 'api', sub: 'alice', jti: 'token-1' });
  const refused = [
    await issuer.token({ aud: 'other' }),
    await issuer.token({ aud: 'api' }, { expiresIn: '-1h' }),
    await issuer.token({ aud: 'api' }, { signWith: 'stranger' }),
    'grt_refresh',
    'no.good.token',
  ];
  return {
    scheme,
    accepted: [{ authorization: `Bearer ${token}` }, { cookie: `t=${token}` }],
    refused: refused.map((text) => ({ authorization: `Bearer ${text}` })),
    malformed: [{ authorization: 'Bearer' }, { authorization: 'Bearer two words' }],
    close: () => issuer.stop(),
  };
}

describeAuthenticationScheme('of API keys', openKeys, { describe, it });
describeAuthenticationScheme('Bearer', openBearer, { describe, it });

/** The titles of the tests that fail. */
async function failuresOf(open: () => SchemeUnderTest): Promise<string[]> {
  const tests = new Map<string, () => Promise<void>>();
  const runner = {
    describe: (_: string, define: () => void) => {
      define();
    },
    it: (title: string, test: () => Promise<void>) => tests.set(title, test),
  };
  describeAuthenticationScheme('of this test', open, runner);
  const failed: string[] = [];
  for (const [title, test] of tests) await test().catch(() => failed.push(title));
  return failed;
}

describe('describeAuthenticationScheme', () => {
  it('has no complaint about the scheme that the others here are made from', async () => {
    expect(await failuresOf(openKeys)).toEqual([]);
  });

  it('fails a scheme that accepts everything', async () => {
    class Open extends KeyScheme {
      override async authenticate(credential: Credential): Promise<Authentication> {
        return super.authenticate({ ...credential, text: 'key_1', scheme: 'Bearer' });
      }
    }
    expect(await failuresOf(() => openKeys(new Open(clock)))).toContain(
      'refuses every other credential by a RefusalError that does not repeat it',
    );
  });

  it('fails a scheme that refuses by a plain Error, or repeats the credential in its refusal', async () => {
    class Plain extends KeyScheme {
      override async authenticate(credential: Credential): Promise<Authentication> {
        return super.authenticate(credential).catch(() => {
          throw new Error('refused');
        });
      }
    }
    class Loud extends KeyScheme {
      override async authenticate(credential: Credential): Promise<Authentication> {
        return super.authenticate(credential).catch(() => {
          throw RefusalError.token('malformed', `There is no ${credential.text}`);
        });
      }
    }
    for (const Scheme of [Plain, Loud]) {
      expect(await failuresOf(() => openKeys(new Scheme(clock)))).toContain(
        'refuses every other credential by a RefusalError that does not repeat it',
      );
    }
  });

  it('fails a scheme whose user and authentication disagree', async () => {
    class Disagreeing extends KeyScheme {
      override async authenticate(credential: Credential): Promise<Authentication> {
        return { ...(await super.authenticate(credential)), expiresAtMs: 7 };
      }
    }
    expect(await failuresOf(() => openKeys(new Disagreeing(clock)))).toEqual([
      'makes a user of a good credential, whose parts agree with each other',
    ]);
  });

  it('fails a scheme that finds a credential in every request, or recalls what it has not proven', async () => {
    class Greedy extends KeyScheme {
      override find(request: Parameters<KeyScheme['find']>[0]): Credential | undefined {
        return super.find(request) ?? ({ ...super.find({ ...request, headers: () => ['key_1'] }) } as Credential);
      }
    }
    class Recalling extends KeyScheme {
      override recall({ scheme }: Credential): Authentication {
        return { scheme } as Authentication;
      }
    }
    expect(await failuresOf(() => openKeys(new Greedy(clock)))).toContain(
      'finds nothing in a request without its credential',
    );
    expect(await failuresOf(() => openKeys(new Recalling(clock)))).toContain('recalls only what it has proven');
  });

  it('names what is missing where there is no test runner in the global object', () => {
    expect(() => {
      describeAuthenticationScheme('of this test', openKeys);
    }).toThrow('describeAuthenticationScheme needs the globals describe and it');
  });
});
