/** Instances of one app that share a Redis: each sees what the others revoke, and what happens while it is stopped. */
import { Controller, Get, Inject, Module, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  type AuthUser,
  CurrentUser,
  oidc,
  RevocationService,
  RevocationStore,
} from 'nest-gatehouse';
import { AttemptStore, DpopReplayStore, type RedisStoresExtras, RedisStoresModule } from 'nest-gatehouse/redis';
import { memoryStores } from 'nest-gatehouse/testing';
import { describe, expect } from 'vitest';
import { endAfterwards, type Platform, platforms, startApp, startIssuer } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  dropPrefix,
  newPrefix,
  onOwnRedis,
  onRedis,
  openIoredis,
  openNodeRedis,
  RedisServer,
  redisUrl,
} from '../support/redis.js';
import { invalidToken, unavailable, verdictOf } from '../support/verdicts.js';

@Controller()
class MeController {
  @UseGuards(AuthGuard)
  @Get('me')
  me(@CurrentUser() user: AuthUser): object {
    return { id: user.id };
  }
}

const forms = platforms.flatMap((platform) => [
  { platform, on: platform.name, by: 'ioredis', open: openIoredis },
  { platform, on: platform.name, by: '@redis/client', open: openNodeRedis },
]);

/** One more instance, with a client of its own. */
async function startInstance(
  { platform, open }: { platform: Platform; open: typeof openIoredis },
  url: string,
  keyPrefix: string,
  options: AuthModuleOptions,
  logger = new LogLines(),
) {
  const { client, close } = await open(url);
  endAfterwards(() => Promise.resolve(close()));
  return startApp(platform, {
    imports: [AuthModule.forRoot(options), RedisStoresModule.forRoot({ client, keyPrefix, commandTimeoutMs: 500 })],
    controllers: [MeController],
    logger,
  });
}

describe.each(forms)('instances that share a Redis, on $on by $by', (form) => {
  onRedis.it('see what the others have revoked, before their start and after', async () => {
    const keyPrefix = newPrefix();
    endAfterwards(() => dropPrefix(keyPrefix));
    const issuer = await startIssuer();
    const options = {
      issuers: oidc({ issuer: issuer.url, audience: 'api' }),
      revocation: { refreshSeconds: 0.2 },
    };
    const token = (sid: string) => issuer.token({ aud: 'api', sub: 'alice', sid }, { expiresIn: '10m' });
    const [first, second, kept] = [await token('first'), await token('second'), await token('kept')];
    const one = await startInstance(form, redisUrl, keyPrefix, options);
    await one.nest.get(RevocationService).revokeSession({ issuer: issuer.url, sessionId: 'first' });
    const other = await startInstance(form, redisUrl, keyPrefix, options);
    expect(verdictOf(await other.call('/me', { token: first }))).toEqual(invalidToken('revoked'));
    expect((await other.call('/me', { token: second })).status).toBe(200);

    await one.nest.get(RevocationService).revokeSession({ issuer: issuer.url, sessionId: 'second' });
    const before = performance.now();
    const verdict = async () => verdictOf(await other.call('/me', { token: second }));
    await expect.poll(verdict, { interval: 20, timeout: 3_000 }).toEqual(invalidToken('revoked'));
    expect(performance.now() - before).toBeLessThan(1_500);
    expect((await other.call('/me', { token: kept })).status).toBe(200);
  });

  onOwnRedis.it('go on by what they know while it is stopped, then answer 503, and 200 when it is back', async () => {
    const server = await RedisServer.start();
    endAfterwards(() => server.remove());
    const clock = new ManualClock();
    const issuer = await startIssuer({ clock });
    const options = {
      issuers: oidc({ issuer: issuer.url, audience: 'api' }),
      clock,
      revocation: { refreshSeconds: 0.1, serveStaleForSeconds: 60 },
    };
    const logger = new LogLines();
    const app = await startInstance(form, server.url, newPrefix(), options, logger);
    const token = await issuer.token({ aud: 'api', sub: 'alice', sid: 's' }, { expiresIn: '10m' });
    const call = async () => (await app.call('/me', { token })).status;
    expect(await call()).toBe(200);
    await server.stop();
    const revoke = app.nest.get(RevocationService).revokeSession({ issuer: issuer.url, sessionId: 'other' });
    await expect(revoke).rejects.toMatchObject({ code: 'SERVER_ERROR' });
    expect(await call()).toBe(200);
    clock.advanceSeconds(61);
    await expect.poll(call, { timeout: 5_000 }).toBe(503);
    const answer = await app.call('/me', { token });
    expect(verdictOf(answer)).toEqual(unavailable);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    await server.run();
    await expect.poll(call, { timeout: 10_000 }).toBe(200);
    expect(logger.ours('error').map(({ text }) => text)).toContainEqual(
      expect.stringContaining('Cannot get an answer from Redis: '),
    );
  });
});

const [platform = platforms[0]] = platforms;

describe('RedisStoresModule', () => {
  const issuers = oidc({ issuer: 'https://issuer.example', audience: 'api' });
  const client = { call: () => Promise.reject(new Error('no Redis is asked')) };
  const start = async (imports: NonNullable<Parameters<typeof startApp>[1]['imports']>) => {
    if (platform === undefined) throw new Error('there is no platform');
    return startApp(platform, { imports: [AuthModule.forRoot({ issuers }), ...imports] });
  };

  onRedis.it('provides its stores, in the whole app', async () => {
    @Module({})
    class AppPart {
      constructor(
        @Inject(RevocationStore) readonly revocations: RevocationStore,
        @Inject(DpopReplayStore) readonly proofs: DpopReplayStore,
        @Inject(AttemptStore) readonly attempts: AttemptStore,
      ) {}
    }
    const keyPrefix = newPrefix();
    endAfterwards(() => dropPrefix(keyPrefix));
    const { client: real, close } = await openIoredis(redisUrl);
    endAfterwards(() => Promise.resolve(close()));
    const app = await start([
      AppPart,
      RedisStoresModule.forRootAsync({ useFactory: () => ({ client: real, keyPrefix }) }),
    ]);
    const { proofs } = app.nest.get(AppPart);
    const now = new Date();
    const remember = () => proofs.remember('a', new Date(now.getTime() + 1_000), now, 'jkt');
    expect([await remember(), await remember()]).toEqual([true, false]);
  });

  onRedis.it('leaves out stores that another module provides', async () => {
    const except = [RevocationStore, AttemptStore, DpopReplayStore];
    await start([memoryStores(), RedisStoresModule.forRoot({ client, except })]);
    await expect(start([memoryStores(), RedisStoresModule.forRoot({ client })])).rejects.toThrow(
      'another module provides a RevocationStore as well',
    );
    const some = RedisStoresModule.forRoot({ client, except: [RevocationStore] });
    await expect(start([memoryStores(), some])).rejects.toThrow(
      'RedisStoresModule.forRoot: another module provides a DpopReplayStore as well. Leave out that of this module, by except',
    );
  });

  onRedis.it('names options that are wrong', async () => {
    expect(() => RedisStoresModule.forRoot({ client: {} as never })).toThrow('RedisStoresModule.forRoot({ client })');
    const except = [Module] as unknown as RedisStoresExtras['except'] & object;
    expect(() => RedisStoresModule.forRoot({ client, except })).toThrow('Known stores: RevocationStore, Dpop');
    const wrong = RedisStoresModule.forRootAsync({ useFactory: () => ({ client, keyPrefix: '{}' }) });
    await expect(start([wrong])).rejects.toThrow('RedisStoresModule.forRootAsync({ keyPrefix })');
  });
});
