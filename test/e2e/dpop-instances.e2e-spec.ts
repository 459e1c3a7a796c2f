/** DPoP proofs at several instances of an app: used once where they share a Redis, and never accepted while it does not answer. */
import { Controller, type DynamicModule, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthModuleOptions, oidc } from 'nest-gatehouse';
import { RedisStoresModule } from 'nest-gatehouse/redis';
import { memoryStores, type TestIssuer } from 'nest-gatehouse/testing';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { endAfterwards, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { DpopKey, dpopHeaders } from '../support/dpop-key.js';
import { LogLines } from '../support/log-lines.js';
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
import { unavailable, verdictOf } from '../support/verdicts.js';

@UseGuards(AuthGuard)
@Controller()
class CatsController {
  @Get('cats')
  list(): object {
    return {};
  }
}

const publicUrl = 'https://api.example.com';
const [platformOfMistakes = platforms[0]] = platforms;

describe.each(platforms)('proofs on $name', (platform) => {
  const key = new DpopKey();
  let issuer: TestIssuer;
  beforeAll(async () => {
    issuer = await startIssuer();
  });

  const boundToken = () => issuer.token({ aud: 'api', sub: 'alice', cnf: { jkt: key.jkt } }, { expiresIn: '1h' });
  const send = (app: RunningApp, token: string, proof: string) =>
    app.call('/cats', { headers: dpopHeaders(token, proof) });
  const startInstance = async (url: string, keyPrefix: string, open: typeof openIoredis, logger = new LogLines()) => {
    const { client, close } = await open(url);
    endAfterwards(() => Promise.resolve(close()));
    return startApp(platform, {
      imports: [
        AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), publicUrl, dpop: 'accept' }),
        RedisStoresModule.forRoot({ client, keyPrefix, commandTimeoutMs: 500 }),
      ],
      controllers: [CatsController],
      logger,
    });
  };

  onRedis.it('pass at one of two instances that share a Redis', async () => {
    const keyPrefix = newPrefix();
    endAfterwards(() => dropPrefix(keyPrefix));
    const one = await startInstance(redisUrl, keyPrefix, openIoredis);
    const other = await startInstance(redisUrl, keyPrefix, openNodeRedis);
    const token = await boundToken();
    const first = key.proof({ url: `${publicUrl}/cats`, token });
    expect((await send(one, token, first)).status).toBe(200);
    expect(verdictOf(await send(other, token, first))).toMatchObject({ status: 401, reason: 'proof' });
    const second = key.proof({ url: `${publicUrl}/cats`, token });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => send(at % 2 === 0 ? one : other, token, second)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  onOwnRedis.it('are answered with 503 while Redis is stopped, and pass when it is back', async () => {
    const server = await RedisServer.start();
    endAfterwards(() => server.remove());
    const logger = new LogLines();
    const app = await startInstance(server.url, newPrefix(), openIoredis, logger);
    const token = await boundToken();
    const call = () => send(app, token, key.proof({ url: `${publicUrl}/cats`, token }));
    expect((await call()).status).toBe(200);
    await server.stop();
    const refused = await call();
    expect(verdictOf(refused)).toEqual(unavailable);
    expect(refused.headers['retry-after']).toMatch(/^\d+$/);
    expect((await app.call('/cats', { token: await issuer.token({ aud: 'api', sub: 'bob' }) })).status).toBe(200);
    expect(logger.ours('error').map(({ text }) => text)).toEqual([
      expect.stringContaining('Cannot get an answer from Redis'),
    ]);
    await server.run();
    await expect.poll(async () => (await call()).status, { timeout: 10_000 }).toBe(200);
  });
});

describe.each(platforms)('nonces without a secret on $name', (platform) => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const secret = Buffer.alloc(32, 'nonces').toString('base64');
  const startWith = async (
    dpop: AuthModuleOptions['dpop'],
    register: (options: AuthModuleOptions) => DynamicModule = (options) => AuthModule.forRoot(options),
  ) => {
    const issuer = await startIssuer();
    const logger = new LogLines();
    const issuers = oidc({ issuer: issuer.url, audience: 'api' });
    const imports = [register({ issuers, publicUrl, ...(dpop !== undefined && { dpop }) })];
    const app = await startApp(platform, { imports, controllers: [CatsController], logger });
    return { app, issuer, warnings: () => logger.ours('warn').map(({ text }) => text) };
  };

  it('are those of one process: another one asks for its own', async () => {
    const { app: one, issuer } = await startWith({ mode: 'accept', nonce: true });
    const other = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          publicUrl,
          dpop: { mode: 'accept', nonce: true },
        }),
      ],
      controllers: [CatsController],
    });
    const key = new DpopKey();
    const token = await issuer.token({ aud: 'api', sub: 'alice', cnf: { jkt: key.jkt } });
    const send = (app: RunningApp, nonce?: string) =>
      app.call('/cats', { headers: dpopHeaders(token, key.proof({ url: `${publicUrl}/cats`, token, nonce })) });
    const nonce = (await send(one)).headers['dpop-nonce'];
    expect((await send(one, nonce)).status).toBe(200);
    expect(verdictOf(await send(other, nonce))).toMatchObject({ status: 401, code: 'USE_DPOP_NONCE' });
  });

  it('are warned about once in production, by the name of the option', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const { app, warnings } = await startWith({ mode: 'accept', nonce: true });
    for (let time = 0; time < 3; time += 1) await app.call('/cats');
    expect(warnings()).toEqual([
      'AuthModule.forRoot({ dpop })({ nonceSecret }): it is missing, so that only this process accepts its nonces. Behind several ' +
        'instances, clients are asked for another nonce again and again (use_dpop_nonce). Make one with: openssl rand -base64 32, ' +
        'the same for all instances',
    ]);
    const byFactory = await startWith({ mode: 'require', nonce: true }, (options) =>
      AuthModule.forRootAsync({ useFactory: () => options }),
    );
    expect(byFactory.warnings()).toEqual([expect.stringMatching(/^AuthModule\.forRootAsync\(\{ dpop \}\)/)]);
  });

  it.each<[string, string, AuthModuleOptions['dpop']]>([
    ['outside of production', 'development', { mode: 'accept', nonce: true }],
    ['with a secret', 'production', { mode: 'accept', nonce: true, nonceSecret: secret }],
    ['without nonces', 'production', { mode: 'accept' }],
    ['with a mode alone', 'production', 'accept'],
    ['without the option', 'production', undefined],
    ['where DPoP is off', 'production', { mode: 'off', nonce: true }],
  ])('are not warned about %s', async (_, environment, dpop) => {
    vi.stubEnv('NODE_ENV', environment);
    expect((await startWith(dpop)).warnings()).toEqual([]);
  });
});

describe('an app with DPoP', () => {
  const options = { issuers: oidc({ issuer: 'https://issuer.example', audience: 'api' }) };
  const start = (imports: NonNullable<Parameters<typeof startApp>[1]['imports']>) => {
    if (platformOfMistakes === undefined) throw new Error('there is no platform');
    return startApp(platformOfMistakes, { imports });
  };

  it('does not start with two stores of proofs, and does without DPoP', async () => {
    const stores = [memoryStores(), memoryStores()];
    const refused = start([AuthModule.forRoot({ ...options, dpop: 'accept' }), ...stores]);
    await expect(refused).rejects.toThrow('AuthModule.forRoot({ dpop }): two modules provide a DpopReplayStore');
    await start([AuthModule.forRoot(options), ...stores]);
  });

  it('does not start with a wrong option', () => {
    expect(() => AuthModule.forRoot({ ...options, dpop: 'on' as never })).toThrow('AuthModule.forRoot({ dpop })');
  });
});
