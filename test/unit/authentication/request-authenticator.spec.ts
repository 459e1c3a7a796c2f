import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { RequestAuthenticator, type ToUser } from '../../../src/authentication/request-authenticator.js';
import { BearerScheme, type BearerSchemeParts } from '../../../src/authentication/bearer-scheme.js';
import { AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import { oidc } from '../../../src/issuers/oidc.js';
import { claimMapsOf } from '../../../src/open-providers.js';
import { fromBearer, fromCookie, type TokenSource } from '../../../src/request/token-sources.js';
import { viewHttpRequest, type RequestView } from '../../../src/request/request-view.js';
import type { TestIssuer } from '../../../src/testing/test-issuer.js';
import type { TokenVerifier } from '../../../src/token/token-verifier.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { mapStandardClaims } from '../../../src/user/claim-map.js';
import { setUpAsking } from '../../support/asking-verifier.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { outcomeOf } from '../../support/outcome.js';
import { startIssuer } from '../../support/started-issuer.js';

interface Scene {
  readonly issuer: TestIssuer;
  readonly clock: ManualClock;
  readonly authenticator: RequestAuthenticator;
  readonly tokenFor: (sub: string) => Promise<string>;
}

async function setUp(toUser: ToUser | null = null): Promise<Scene> {
  const clock = new ManualClock();
  const issuer = await startIssuer({ clock });
  const provider = oidc({ issuer: issuer.url, audience: 'api' });
  const { verifier } = openVerifier(provider, { clock });
  const claimMaps = claimMapsOf([provider]);
  const authenticator = forTokens([fromBearer()], { verifier, claimMaps }, toUser, clock);
  const tokenFor = (sub: string): Promise<string> => issuer.token({ aud: 'api', sub }, { expiresIn: '5m' });
  return { issuer, clock, authenticator, tokenFor };
}

/** An authenticator with the Bearer scheme only. */
function forTokens(
  sources: readonly TokenSource[],
  parts: Omit<BearerSchemeParts, 'sources'>,
  toUser: ToUser | null = null,
  clock: ManualClock = new ManualClock(),
): RequestAuthenticator {
  return new RequestAuthenticator({ schemes: [new BearerScheme({ sources, ...parts })], sources, toUser, clock });
}

interface Request {
  headers: { authorization: string };
}

const requestWith = (token: string): Request => ({ headers: { authorization: `Bearer ${token}` } });

async function idOf(authenticator: RequestAuthenticator, view: RequestView): Promise<string> {
  return (await authenticator.authenticate(view)).id;
}

describe('a second authentication of a request', () => {
  it('verifies another token that replaced the first', async () => {
    const { authenticator, tokenFor } = await setUp();
    const request = requestWith(await tokenFor('alice'));
    const view = viewHttpRequest(request);
    expect(await idOf(authenticator, view)).toBe('alice');

    request.headers.authorization = `Bearer ${await tokenFor('bob')}`;
    expect(await idOf(authenticator, view)).toBe('bob');
    request.headers.authorization = 'Bearer no.good.token';
    expect(await outcomeOf(() => authenticator.authenticate(view))).toBe('INVALID_TOKEN malformed');
  });

  it('calls toUser for the user of the other token', async () => {
    const { authenticator, tokenFor } = await setUp((user) => `the account of ${user.id}`);
    const request = requestWith(await tokenFor('alice'));
    const view = viewHttpRequest(request);
    authenticator.toAppUser(view, await authenticator.authenticate(view));

    request.headers.authorization = `Bearer ${await tokenFor('bob')}`;
    const bob = await authenticator.authenticate(view);
    expect(authenticator.toAppUser(view, bob)).toBe('the account of bob');
  });

  it('does not call toUser again when another request with the same token was authenticated in between', async () => {
    const asked: string[] = [];
    const { authenticator, tokenFor } = await setUp((user) => asked.push(user.id));
    const token = await tokenFor('alice');
    const view = viewHttpRequest(requestWith(token));
    authenticator.toAppUser(view, await authenticator.authenticate(view));
    await authenticator.authenticate(viewHttpRequest(requestWith(token)));
    authenticator.toAppUser(view, await authenticator.authenticate(view));

    expect(asked).toEqual(['alice']);
  });

  it('refuses a token that has expired since, as during the life of a socket', async () => {
    const { authenticator, clock, tokenFor } = await setUp();
    const view = viewHttpRequest(requestWith(await tokenFor('alice')));
    expect(await idOf(authenticator, view)).toBe('alice');
    expect(await idOf(authenticator, view)).toBe('alice');

    clock.advanceSeconds(306);
    expect(await outcomeOf(() => authenticator.authenticate(view))).toBe('INVALID_TOKEN expired');
  });

  it('refuses a token whose key the issuer has withdrawn since', async () => {
    const { authenticator, clock, issuer } = await setUp();
    const token = await issuer.token({ aud: 'api', sub: 'alice' }, { expiresIn: '1h' });
    const view = viewHttpRequest(requestWith(token));
    expect(await idOf(authenticator, view)).toBe('alice');

    await issuer.rotateKeys({ keepOld: false });
    clock.advanceSeconds(601);
    await expect.poll(() => outcomeOf(() => authenticator.authenticate(view))).toBe('INVALID_TOKEN key');
  });
});

describe('an attempt that failed, of a request that lives long', () => {
  async function setUpOpaque() {
    const { verifier, statusSource, said, issuer, clock } = await setUpAsking();
    const claimMaps = new Map([[issuer.url, { provider: 'oidc', map: mapStandardClaims } as const]]);
    const authenticator = forTokens([fromBearer()], { verifier, claimMaps }, null, clock);
    const view = viewHttpRequest(requestWith('opaque'));
    const ask = (): Promise<string> => outcomeOf(() => authenticator.authenticate(view));
    const askOnline = (): Promise<string> => outcomeOf(() => authenticator.authenticateOnline(view));
    return { statusSource, said, clock, ask, askOnline };
  }

  it.each(['ask', 'askOnline'] as const)(
    'is not repeated for other guards, and is over with its reason: %s',
    async (how) => {
      const { statusSource, said, clock, ...asking } = await setUpOpaque();
      statusSource.answer = said;
      expect(await asking[how]()).toBe('accepted');
      clock.advanceSeconds(60);
      statusSource.answer = new AuthUnavailableError('The issuer does not answer');
      expect(await asking[how]()).toBe('SERVER_ERROR');
      const { asked } = statusSource;
      expect(await asking[how]()).toBe('SERVER_ERROR');
      expect(statusSource.asked).toBe(asked);

      // The connection of a token that was revoked meanwhile would otherwise never be closed.
      clock.advanceSeconds(60);
      statusSource.answer = RefusalError.token('revoked', 'The issuer has revoked it');
      expect(await asking[how]()).toBe('INVALID_TOKEN revoked');
      clock.advanceSeconds(60);
      statusSource.answer = said;
      expect(await asking[how]()).toBe('accepted');
    },
  );
});

describe('a cached token', () => {
  it('results in the same user object for every request', async () => {
    const { authenticator, tokenFor } = await setUp();
    const token = await tokenFor('alice');
    const ask = async (): Promise<unknown> => authenticator.authenticate(viewHttpRequest(requestWith(token)));
    await ask();
    const second = await ask();

    expect([await ask(), await ask()].map((user) => user === second)).toEqual([true, true]);
  });
});

describe('a text after "Bearer" that violates the grammar of tokens', () => {
  const malformed = ['two words', 'aaa.bbb.c c', 'aaa.b"b.ccc', 'aaa.bbb.ccc\u00e9'];

  it.each(malformed)('is refused with INVALID_REQUEST, at each authentication: %j', async (text) => {
    const { authenticator } = await setUp();
    const view = viewHttpRequest(requestWith(text));
    const ask = async (): Promise<string> => outcomeOf(() => authenticator.authenticate(view));

    expect([await ask(), await ask()]).toEqual(['INVALID_REQUEST', 'INVALID_REQUEST']);
    // With this many, most tokens wait in the queue of the scheduler and are refused by a promise.
    let promises = 0;
    const outcomes = Array.from({ length: 2_000 }, async () =>
      outcomeOf(() => {
        const user = authenticator.authenticate(viewHttpRequest(requestWith(text)));
        promises += 1;
        return user;
      }),
    );
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['INVALID_REQUEST']));
    // A text without the three parts of a JWT is refused synchronously.
    expect(promises > 0).toBe(text.split('.').length === 3);
  });

  it('is not sent to an issuer that introspects opaque tokens', async () => {
    const { verifier, statusSource } = await setUpAsking();
    const authenticator = forTokens([fromBearer()], { verifier, claimMaps: new Map() });

    expect(await outcomeOf(() => authenticator.authenticate(viewHttpRequest(requestWith('two words'))))).toBe(
      'INVALID_REQUEST',
    );
    expect(statusSource.asked).toBe(0);
  });
});

describe('a token source of the app that finds a fault', () => {
  it('causes INVALID_REQUEST, even for a valid token', async () => {
    const { issuer, clock, authenticator, tokenFor } = await setUp();
    const provider = oidc({ issuer: issuer.url, audience: 'api' });
    const withFault = forTokens([{ ...fromBearer(), findFault: () => 'No tokens in this place today' }], {
      verifier: openVerifier(provider, { clock }).verifier,
      claimMaps: claimMapsOf([provider]),
    });
    const view = viewHttpRequest(requestWith(await tokenFor('alice')));

    expect(await idOf(authenticator, view)).toBe('alice');
    expect(await outcomeOf(() => withFault.authenticate(view))).toBe('INVALID_REQUEST');
  });
});

describe('the memory of a token from a cookie', () => {
  const count = 200;

  /**
   * `come` authenticates a new user the given number of times. The token is in a header with 14,000 other characters.
   */
  async function setUpCookies(): Promise<{
    verifier: TokenVerifier;
    come: (at: number, times: number) => Promise<{ token: string; user: AuthUser }>;
  }> {
    const { issuer, clock } = await setUp();
    const provider = oidc({ issuer: issuer.url, audience: 'api' });
    const { verifier } = openVerifier(provider, { clock, cacheEntries: count });
    const claimMaps = claimMapsOf([provider]);
    const authenticator = forTokens([fromCookie('t')], { verifier, claimMaps });
    const come = async (at: number, times: number): Promise<{ token: string; user: AuthUser }> => {
      const token = await issuer.token({ aud: 'api', sub: `user ${at}` });
      // Decoded from bytes like a header from a socket, so that it is one string in memory.
      const view = (): RequestView =>
        viewHttpRequest({
          headers: { cookie: Buffer.from(`other=${'x'.repeat(14_000)}; t=${token}`).toString('latin1') },
        });
      for (let time = 1; time < times; time += 1) await authenticator.authenticate(view());
      return { token, user: await authenticator.authenticate(view()) };
    };
    return { verifier, come };
  }

  it('does not include the other cookies when the token is cached', async () => {
    const { verifier, come } = await setUpCookies();
    const heapUsed = heapReader();
    const tokens = [(await come(0, 3)).token];
    const before = heapUsed();
    for (let at = 1; at < count; at += 1) tokens.push((await come(at, 3)).token);

    expect(heapUsed() - before).toBeLessThan((count - 1) * 7_000);
    expect(tokens.filter((token) => verifier.findVerified(token) !== undefined)).toHaveLength(count);
  });

  it('does not include the other cookies when the app keeps a user whose token was used once', async () => {
    const { come } = await setUpCookies();
    const heapUsed = heapReader();
    const users = [(await come(0, 1)).user];
    const before = heapUsed();
    for (let at = 1; at < count; at += 1) users.push((await come(at, 1)).user);

    expect(heapUsed() - before).toBeLessThan((count - 1) * 7_000);
    expect(users.map(({ id }) => id)).toEqual(users.map((_, at) => `user ${at}`));
  });
});

/** Returns a function that collects garbage and returns the used bytes of the heap. */
function heapReader(): () => number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
}
