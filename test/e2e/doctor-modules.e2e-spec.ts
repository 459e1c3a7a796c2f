/** What the doctor tells about the modules of an app, and the apps that `explain --app` opens. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiKeyService, apiKeys, ApiKeysModule } from 'nest-gatehouse/api-keys';
import { AccountService, AccountsModule } from 'nest-gatehouse/accounts';
import { AuthModule } from 'nest-gatehouse';
import { ownTokens, SessionsModule } from 'nest-gatehouse/sessions';
import { postgres, SqlStoresModule } from 'nest-gatehouse/sql';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { NestFactory } from '@nestjs/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { endAfterwards, startIssuer } from '../support/app.js';
import { runOnTerminal, runWith } from '../support/cli.js';
import { DoctorProcess } from '../support/doctor-process.js';
import { DpopKey } from '../support/dpop-key.js';
import { freePort } from '../support/free-port.js';
import { dropSchema, newSchemaName, postgresMissing, postgresUrl } from '../support/postgres.js';
import { onRedis, redisUrl } from '../support/redis.js';

let doctor: DoctorProcess;
let issuer: TestIssuer;

beforeAll(async () => {
  doctor = await DoctorProcess.compile();
  issuer = await startIssuer();
}, 60_000);

const publicUrl = 'https://api.example.com';

/** A server that answers as it is told: a proxy, or an app whose CORS is wrong. */
async function answering(answer: (method: string, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    answer(request.method ?? '', response);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endAfterwards(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

describe('the page that calls the app', { timeout: 60_000 }, () => {
  const cookies = async (...args: string[]) => {
    const { code, find } = await doctor.checkApp('cookies', { ISSUER: issuer.url, PUBLIC_URL: publicUrl }, args);
    return { code, finding: find('cookies')[0] };
  };

  it('has to be among the trusted origins where the token comes from a cookie', async () => {
    const trusted = await cookies('--origin', 'https://app.example.com');
    expect(trusted).toMatchObject({ code: 0, finding: { status: 'ok' } });
    expect(trusted.finding?.found).toContain(`pages of ${publicUrl}, https://app.example.com`);
    const stranger = await cookies('--origin', 'https://shop.example.com');
    expect(stranger).toMatchObject({ code: 1, finding: { status: 'fail' } });
    expect(stranger.finding?.fix).toContain("trustedOrigins: ['https://shop.example.com']");
    expect((await cookies('--origin', publicUrl)).code).toBe(0);
  });

  it('is an origin, and no address', async () => {
    const { code, err } = await doctor.check(['app.js', '--origin', 'https://app.example.com/']);
    expect(code).toBe(2);
    expect(err).toContain('--origin is no origin');
  });

  const exposing = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'WWW-Authenticate' };
  it.each([
    {
      what: 'an OPTIONS that a guard refuses',
      preflight: [401, exposing],
      found: 'is answered with status 401',
    },
    {
      what: 'an OPTIONS that allows every header but Authorization',
      preflight: [204, { ...exposing, 'access-control-allow-headers': '*' }],
      found: 'does not allow the header Authorization',
    },
    {
      what: 'an OPTIONS that allows it',
      preflight: [204, { ...exposing, 'access-control-allow-headers': 'authorization,content-type' }],
      found: null,
    },
  ] as const)('$what', async ({ preflight: [status, headers], found }) => {
    const url = await answering((method, response) => {
      if (method === 'OPTIONS') response.writeHead(status, headers);
      else response.writeHead(401, { ...exposing, 'www-authenticate': 'Bearer' });
    });
    const env = { ISSUER: issuer.url, PUBLIC_URL: url };
    const finished = await doctor.checkApp('healthy', env, ['--url', url, '--origin', 'https://app.example.com']);
    const [finding] = finished.find('cors');
    expect(finding?.status).toBe(found === null ? 'ok' : 'fail');
    expect(finding?.found).toContain(found ?? 'pages of https://app.example.com can send tokens');
  });

  it('is told when CORS is not for it', async () => {
    const url = await answering((_method, response) => response.writeHead(401, { 'www-authenticate': 'Bearer' }));
    const env = { ISSUER: issuer.url, PUBLIC_URL: url };
    const given = await doctor.checkApp('healthy', env, ['--url', url, '--origin', 'https://app.example.com']);
    expect(given.find('cors')).toMatchObject([{ status: 'fail' }]);
    expect(given.find('cors')[0]?.fix).toContain("enableCors({ origin: ['https://app.example.com']");
    const without = await doctor.checkApp('healthy', env, ['--url', url]);
    expect(without.find('cors')).toMatchObject([{ status: 'ok' }]);
  });
});

describe('a Keycloak that the app calls by an inside address', { timeout: 60_000 }, () => {
  it('is looked at there, and found right when it names the outside one', async () => {
    const outside = 'https://id.example.com';
    const realm = {
      issuer: `${outside}/realms/demo`,
      jwks_uri: `${outside}/realms/demo/protocol/openid-connect/certs`,
    };
    const keys = await (await fetch(issuer.jwksUri)).text();
    const asked: string[] = [];
    const server = createServer(({ url = '' }, response) => {
      asked.push(url);
      response.setHeader('content-type', 'application/json');
      response.end(url.endsWith('/certs') ? keys : JSON.stringify(realm));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endAfterwards(() => new Promise((resolve) => server.close(resolve)));
    const inside = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const { code, find } = await doctor.checkApp('keycloak inside', { ISSUER: inside, PUBLIC_URL: outside });
    expect(find('issuer-discovery')).toMatchObject([{ status: 'ok' }]);
    expect(find('issuer-keys')[0]?.found).toContain(`${inside}/realms/demo/protocol/openid-connect/certs`);
    expect(code).toBe(0);
    expect(asked).toContain('/realms/demo/.well-known/openid-configuration');
  });
});

describe('bound tokens', { timeout: 60_000 }, () => {
  it('in one process: what other instances would lack', async () => {
    const key = new DpopKey();
    const token = await issuer.token({ aud: 'api', cnf: { jkt: key.jkt } });
    const { code, find } = await doctor.checkApp('bound tokens', { ISSUER: issuer.url }, ['--token', '-'], token);
    expect(find('dpop').map(({ status, found }) => [status, found.split(' ')[0]])).toEqual([
      ['warn', 'publicUrl'],
      ['warn', 'used'],
      ['warn', 'nonces'],
    ]);
    expect(find('token')).toMatchObject([{ status: 'ok' }]);
    expect(find('token')[0]?.found).toContain('The proof comes with the request');
    expect(code).toBe(0);
  });

  it('where the app takes none, a bound sample token is refused, and the option is named', async () => {
    const token = await issuer.token({ aud: 'api', cnf: { jkt: new DpopKey().jkt } });
    const { code, find } = await doctor.checkApp('healthy', { ISSUER: issuer.url }, ['--token', '-'], token);
    expect(code).toBe(1);
    expect(find('token')[0]?.fix).toContain('AuthModule.forRoot({ dpop })');
  });

  const several = { ISSUER: '', PUBLIC_URL: publicUrl, SECRET: Buffer.alloc(32, 1).toString('base64') };
  onRedis.it('in several instances on one Redis', async () => {
    const env = { ...several, ISSUER: issuer.url, REDIS_URL: redisUrl, KEY_PREFIX: 'gatehouse-doctor:' };
    const { code, find, out } = await doctor.checkApp('bound tokens of several instances', env);
    expect(find('dpop')).toMatchObject([{ status: 'ok', found: expect.stringContaining('RedisDpop') as string }]);
    expect(find('mtls')).toMatchObject([{ status: 'ok', found: expect.stringContaining('x-client-cert') as string }]);
    expect(find('redis')).toMatchObject([{ status: 'ok' }]);
    expect(find('revocation')[0]?.found).toMatch(/kept by RedisRevocationStore, read in \d+ ms: .* within 2 s/);
    expect(code).toBe(0);
    expect(out).not.toContain(several.SECRET);
  });

  it('with a Redis that is down: a failure of Redis, and not of an option', async () => {
    const url = `redis://:geheim@127.0.0.1:${await freePort()}`;
    const env = { ...several, ISSUER: issuer.url, REDIS_URL: url, KEY_PREFIX: 'x:' };
    const { code, find, out, err } = await doctor.checkApp('bound tokens of several instances', env);
    expect(code).toBe(1);
    expect(find('redis')).toMatchObject([{ status: 'fail' }]);
    expect(find('revocation')).toMatchObject([{ status: 'fail' }]);
    expect(out + err).not.toContain('geheim');
  });
});

describe('sessions of Stack Auth', { timeout: 60_000 }, () => {
  it('the domain to trust, the key that instances lack, and the cookie that no route reads', async () => {
    const env = { ISSUER: issuer.url, PUBLIC_URL: publicUrl };
    const { find } = await doctor.checkApp('stack auth', env, ['--offline']);
    const [project, domain, ...rest] = find('stack-auth');
    expect(project?.found).toContain('project-1');
    expect(domain?.found).toContain(`${publicUrl}: list it among the trusted domains`);
    expect(rest).toMatchObject([
      { status: 'fail', fix: expect.stringContaining('fromSessionCookie()') as string },
      { status: 'warn', fix: expect.stringContaining('encryptionKey') as string },
    ]);
  });
});

describe('what the doctor waits for', { timeout: 60_000 }, () => {
  it('is not written where no terminal is', async () => {
    const { err } = await doctor.checkApp('healthy', { ISSUER: issuer.url });
    expect(err).toBe('');
  });

  it('is one line on a terminal, which is empty at the end', async () => {
    const { code, err } = await runOnTerminal('doctor', '--issuer', issuer.url, '--audience', 'api');
    expect(code).toBe(0);
    expect(err).not.toContain('\n');
    expect(err.split('\r\u001b[K')).toEqual(['', 'Checking issuers …', 'Checking token …', '']);
  });
});

describe('npx nest-gatehouse explain --app', { timeout: 60_000 }, () => {
  const explain = (app: string, text: string, ...args: string[]) =>
    doctor.run(
      ['explain', '--app', doctor.path('app/app.module.js'), '--json', ...args],
      { ISSUER: issuer.url, PUBLIC_URL: publicUrl, APP: app },
      text,
    );

  it('knows the claims class, the binding and the scopes of the app', async () => {
    const accepted = await explain('own claims', await issuer.token({ aud: 'api', team: 'red' }));
    expect(accepted).toMatchObject({ code: 0, err: '' });
    const refused = await explain('own claims', await issuer.token({ aud: 'api', team: 7 }));
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.out)).toMatchObject({ firstFailure: { id: 'status' }, reason: 'claim' });
    const admin = await issuer.token({ aud: 'api', team: 'red', scope: 'admin' });
    expect((await explain('own claims', admin, '--scope', 'cats:write')).code).toBe(0);
    expect((await explain('healthy', admin, '--scope', 'cats:write')).code).toBe(1);
    const bound = await issuer.token({ aud: 'api', team: 'red', cnf: { jkt: new DpopKey().jkt } });
    expect((await explain('own claims', bound)).code).toBe(0);
    expect(JSON.parse((await explain('healthy', bound)).out)).toMatchObject({ firstFailure: { id: 'binding' } });
  });

  describe.skipIf(postgresMissing !== undefined)('with API keys in PostgreSQL', () => {
    it('knows the state of a key, and writes nothing', async () => {
      const schema = newSchemaName();
      endAfterwards(() => dropSchema(schema));
      await runWith({ DATABASE_URL: postgresUrl }, 'migrate', '--schema', schema);
      const env = {
        APP: 'everything',
        DATABASE_URL: postgresUrl,
        SCHEMA: schema,
        PUBLIC_URL: publicUrl,
        ENCRYPTION_KEY: Buffer.alloc(32, 'a key of the tests').toString('base64'),
        SECRET: 'client-secret',
        SMTP_URL: 'smtp://mail.example.com:587',
      };
      const app = await NestFactory.createApplicationContext(
        {
          module: class KeysModule {},
          imports: [
            AuthModule.forRoot({ issuers: [ownTokens(), apiKeys()], publicUrl }),
            SessionsModule.forRoot({ delivery: ['body'] }),
            AccountsModule.forRoot({ path: false }),
            ApiKeysModule.forRoot({ prefix: 'acme' }),
            SqlStoresModule.forRoot({
              database: postgres(postgresUrl),
              schema,
              encryptionKey: env.ENCRYPTION_KEY,
            }),
          ],
        },
        { logger: false },
      );
      endAfterwards(() => app.close());
      const { id } = await app.get(AccountService).create({ email: 'a@example.com' });
      const keys = app.get(ApiKeyService);
      const { key, text } = await keys.create({ userId: id, name: 'doctor' });
      const args = ['explain', '--app', doctor.path('app/app.module.js'), '--json'];
      const alive = await doctor.run(args, env, text);
      expect({ code: alive.code, err: alive.err }).toEqual({ code: 0, err: '' });
      await keys.revoke(key.id);
      const dead = await doctor.run(args, env, text);
      expect(dead.code).toBe(1);
      expect(JSON.parse(dead.out)).toMatchObject({ kind: 'api-key', reason: 'revoked' });
      expect(dead.out).not.toContain(text);
    });
  });
});
