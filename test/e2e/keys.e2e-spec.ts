/** The operator's side of keys: when they are fetched, how they stand, how long they serve, how they are withdrawn. */
import { AuthUnavailableError, IssuerKeys, jwtIssuer, type JwtIssuerOptions, KeyHealth, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { platforms, type Platform, startIssuer } from '../support/app.js';
import type { ManualClock } from '../support/manual-clock.js';
import { type KeyApp, type KeyAppBeginning, startKeyApp } from '../support/key-app.js';
import { invalidToken, unavailable, verdictOf } from '../support/verdicts.js';

/** The keys of a key set that is fetched, as `jwtIssuer` takes them. */
type Keys = Partial<Extract<JwtIssuerOptions, { readonly jwksUri: unknown }>>;

interface Beginning extends Pick<KeyAppBeginning, 'fault' | 'options'> {
  readonly keys?: (issuer: TestIssuer, clock: ManualClock) => Keys | Promise<Keys>;
}

function begin(platform: Platform, { keys, ...beginning }: Beginning = {}): Promise<KeyApp> {
  return startKeyApp(platform, {
    ...beginning,
    trust: async (issuer, clock) => {
      const terms = { issuer: issuer.url, audience: 'api', jwksUri: issuer.jwksUri };
      return jwtIssuer({ ...terms, ...(await keys?.(issuer, clock)) });
    },
  });
}

const stateOf = ({ app, issuer }: KeyApp) => app.nest.get(IssuerKeys).states().get(issuer.url);

describe.each(platforms)('warmUp on $name', (platform) => {
  it('is off by default: the first token causes the fetch of the keys', async () => {
    const story = await begin(platform);
    expect(story.issuer.requests.total).toBe(0);
    expect(stateOf(story)?.status).toBe('unasked');

    expect((await story.call()).status).toBe(200);
    expect(story.issuer.requests.jwks).toBe(1);
    expect(stateOf(story)?.status).toBe('fresh');
  });

  it('makes no call when it is off, although the issuer is down', async () => {
    const story = await begin(platform, { fault: '503' });
    expect(story.issuer.requests.total).toBe(0);
    expect(story.log.ours('error')).toEqual([]);
    expect(verdictOf(await story.call())).toEqual(unavailable);
  });

  it.each([true, 'required'] as const)('fetches the keys before the app listens: %s', async (warmUp) => {
    const story = await begin(platform, { options: { warmUp } });
    expect(story.issuer.requests.jwks).toBe(1);
    expect(stateOf(story)?.status).toBe('fresh');

    expect((await story.call()).status).toBe(200);
    expect(story.issuer.requests.jwks).toBe(1);
  });

  it('true: an app whose issuer is down starts, logs it once, answers 503 and recovers', async () => {
    const story = await begin(platform, { fault: '503', options: { warmUp: true } });
    expect(story.log.ours('error').map(({ text }) => text)).toEqual([
      expect.stringContaining(`Cannot get the keys of ${story.issuer.jwksUri}`),
    ]);
    expect(stateOf(story)?.status).toBe('missing');
    expect(verdictOf(await story.call())).toEqual(unavailable);

    story.issuer.recover();
    story.clock.advanceSeconds(60);
    expect((await story.call()).status).toBe(200);
    expect(story.log.ours('error')).toHaveLength(1);
  });

  it("'required': an app whose issuer is down does not start", async () => {
    const started = begin(platform, { fault: '503', options: { warmUp: 'required' } });
    await expect(started).rejects.toThrow(
      /^The app does not start, as warmUp is 'required': Cannot get the keys of http.*: 127\.0\.0\.1:\d+ answered with status 503$/,
    );
    await expect(started).rejects.toMatchObject({ cause: expect.any(AuthUnavailableError) as AuthUnavailableError });
  });

  it('fetches the keys of several issuers, also by discovery', async () => {
    const other = await startIssuer();
    await begin(platform, {
      options: {
        issuers: [
          oidc({ issuer: other.url, audience: 'api' }),
          oidc({ issuer: 'https://named.example', audience: 'api', jwksUri: other.jwksUri }),
        ],
        warmUp: 'required',
      },
    });
    expect(other.requests).toEqual({ discovery: 1, jwks: 2, introspection: 0, userinfo: 0, total: 3 });
  });
});

describe.each(platforms)('a refresh of keys by the app on $name', (platform) => {
  it('withdraws a removed key at once, including cached tokens that it has verified', async () => {
    const { app, issuer } = await begin(platform);
    const token = await issuer.token({ aud: 'api', sub: 'mallory' });
    // Often enough to be remembered.
    for (let count = 0; count < 3; count += 1) expect((await app.call('/me', { token })).status).toBe(200);
    await issuer.rotateKeys({ keepOld: false });
    expect((await app.call('/me', { token })).status).toBe(200);

    await app.nest.get(IssuerKeys).refresh(issuer.url);
    expect(verdictOf(await app.call('/me', { token }))).toEqual(invalidToken('key'));
    expect((await app.call('/me', { token: await issuer.token({ aud: 'api' }) })).status).toBe(200);
  });

  it('keeps cached tokens whose key still exists', async () => {
    const { app, issuer } = await begin(platform);
    const token = await issuer.token({ aud: 'api' });
    for (let count = 0; count < 3; count += 1) await app.call('/me', { token });
    await issuer.rotateKeys({ keepOld: true });
    await app.nest.get(IssuerKeys).refresh();

    expect((await app.call('/me', { token })).status).toBe(200);
  });

  it('fails while the issuer is down, and the known keys stay in use', async () => {
    const story = await begin(platform, { options: { warmUp: true } });
    story.issuer.fail('503');
    await expect(story.app.nest.get(IssuerKeys).refresh()).rejects.toBeInstanceOf(AuthUnavailableError);

    expect((await story.call()).status).toBe(200);
    expect(stateOf(story)).toMatchObject({ status: 'fresh', lastError: expect.stringContaining('503') as string });
  });
});

describe.each(platforms)('the health of keys on $name', (platform) => {
  it('is up, down while an issuer has no keys, and up again', async () => {
    const { app, clock, issuer } = await begin(platform, { fault: '503' });
    const health = app.nest.get(KeyHealth);
    const lastError = `${new URL(issuer.url).host} answered with status 503`;
    const unasked = { status: 'unasked', ageSeconds: null, nextRefreshAt: null, lastError: null };
    expect(health.isHealthy('auth')).toEqual({ auth: { status: 'up', issuers: { [issuer.url]: unasked } } });

    await app.call('/me', { token: await issuer.token({ aud: 'api' }) });
    const missing = { status: 'missing', ageSeconds: null, nextRefreshAt: clock.now().toISOString(), lastError };
    expect(health.isHealthy('auth')).toEqual({ auth: { status: 'down', issuers: { [issuer.url]: missing } } });

    issuer.recover();
    await app.nest.get(IssuerKeys).refresh();
    const nextRefreshAt = new Date(clock.now().getTime() + 480_000).toISOString();
    const fresh = { status: 'fresh', ageSeconds: 0, nextRefreshAt, lastError: null };
    expect(health.isHealthy('auth')).toEqual({ auth: { status: 'up', issuers: { [issuer.url]: fresh } } });
  });

  it('is up while stale keys are in use', async () => {
    const story = await begin(platform, { options: { warmUp: true } });
    story.issuer.fail('503');
    story.clock.advanceSeconds(3_600);
    expect((await story.call()).status).toBe(200);

    const { status, issuers } = story.app.nest.get(KeyHealth).isHealthy()['keys'] ?? {};
    expect(status).toBe('up');
    expect(issuers?.[story.issuer.url]).toMatchObject({ status: 'stale', ageSeconds: 3_600 });
  });
});

describe.each(platforms)('keys during an outage on $name', (platform) => {
  it('are used until the end of their lifetime and no longer with staleKeysForSeconds 0', async () => {
    const { call, clock, issuer } = await begin(platform, {
      options: { warmUp: true },
      keys: () => ({ staleKeysForSeconds: 0 }),
    });
    issuer.fail('503');
    clock.advanceSeconds(599);
    expect((await call()).status).toBe(200);
    clock.advanceSeconds(1);
    expect(verdictOf(await call())).toEqual(unavailable);

    issuer.recover();
    clock.advanceSeconds(60);
    expect((await call()).status).toBe(200);
  });

  it('are used from the start when the app has initial keys, without the issuer', async () => {
    const story = await begin(platform, { fault: '503', keys: ({ jwks }) => ({ initialKeys: jwks }) });
    expect(stateOf(story)?.status).toBe('fresh');
    expect(story.issuer.requests.total).toBe(0);
    expect((await story.call()).status).toBe(200);

    story.issuer.recover();
    await story.issuer.rotateKeys({ keepOld: false });
    await story.app.nest.get(IssuerKeys).refresh();
    expect((await story.call()).status).toBe(200);
  });

  it('from the app are replaced by those of the issuer', async () => {
    const { app, issuer } = await begin(platform, {
      options: { warmUp: true },
      keys: async (from) => {
        const initialKeys = from.jwks;
        await from.rotateKeys({ keepOld: false });
        return { initialKeys };
      },
    });
    expect((await app.call('/me', { token: await issuer.token({ aud: 'api' }) })).status).toBe(200);
    expect(issuer.requests.jwks).toBe(1);
  });

  it('are fetched from the next address of a list', async () => {
    const mirrors: TestIssuer[] = [];
    const { app, issuer } = await begin(platform, {
      fault: '503',
      options: { warmUp: 'required' },
      keys: async ({ jwksUri }, clock) => {
        const mirror = await startIssuer({ clock });
        mirrors.push(mirror);
        return { jwksUri: [jwksUri, mirror.jwksUri] };
      },
    });
    expect([issuer, ...mirrors].map(({ requests }) => requests.jwks)).toEqual([1, 1]);
    const token = await mirrors[0]?.token({ iss: issuer.url, aud: 'api' });
    expect((await app.call('/me', { ...(token !== undefined && { token }) })).status).toBe(200);
  });
});
