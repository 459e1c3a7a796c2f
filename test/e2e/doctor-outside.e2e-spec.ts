/** What the doctor sees of a running app from outside (`--url`, `--origin`). */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, AuthModule, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { RunningApp, startIssuer } from '../support/app.js';
import { DoctorProcess } from '../support/doctor-process.js';

let doctor: DoctorProcess;
let issuer: TestIssuer;

beforeAll(async () => {
  doctor = await DoctorProcess.compile();
  issuer = await startIssuer();
}, 60_000);

@UseGuards(AuthGuard)
@Controller('cats')
class CatsController {
  @Get()
  list(): string {
    return 'cats';
  }
}

interface RunningOptions {
  readonly prefix?: string;
  readonly origin?: string[];
  readonly exposedHeaders?: string[];
  readonly allowedHeaders?: string[];
  readonly credentials?: boolean;
}

/** The app as it runs: what `main.ts` of it does is the part that the doctor does not see. */
async function runApp({ prefix, ...cors }: RunningOptions): Promise<RunningApp> {
  const module = class RunningModule {};
  const imports = [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) })];
  const nest = await NestFactory.create({ module, imports, controllers: [CatsController] }, { logger: false });
  nest.enableCors(cors);
  if (prefix !== undefined) nest.setGlobalPrefix(prefix);
  return await RunningApp.listen(nest);
}

describe('a running app', { timeout: 60_000 }, () => {
  it('passes from outside, where CORS shows the challenge', async () => {
    const app = await runApp({ exposedHeaders: ['WWW-Authenticate'] });
    const env = { ISSUER: issuer.url, PUBLIC_URL: app.url };
    const { code, find } = await doctor.checkApp('healthy', env, ['--url', app.url]);
    expect(find('cors')).toMatchObject([{ status: 'ok' }]);
    expect(find('challenge')).toMatchObject([{ status: 'ok' }]);
    expect(find('public-url')).toMatchObject([{ status: 'ok' }]);
    expect(code).toBe(0);
  });

  it('CORS that hides the challenge', async () => {
    const app = await runApp({});
    const { code, find } = await doctor.checkApp('healthy', { ISSUER: issuer.url }, ['--url', app.url]);
    expect(code).toBe(1);
    expect(find('cors')).toMatchObject([
      { status: 'fail', expected: 'Access-Control-Expose-Headers: WWW-Authenticate' },
    ]);
  });

  it('CORS without cookies, where the token comes in one', async () => {
    const page = 'https://app.example.com';
    const cors = { origin: [page], exposedHeaders: ['WWW-Authenticate'], allowedHeaders: ['content-type'] };
    const [without, with_] = [await runApp(cors), await runApp({ ...cors, credentials: true })];
    const look = async ({ url }: RunningApp, app: string) =>
      (await doctor.checkApp(app, { ISSUER: issuer.url, PUBLIC_URL: url }, ['--url', url, '--origin', page])).find(
        'cors',
      );
    expect(await look(without, 'cookie alone')).toMatchObject([
      { status: 'fail', expected: expect.stringContaining('Access-Control-Allow-Credentials: true') as string },
    ]);
    expect(await look(with_, 'cookie alone')).toMatchObject([{ status: 'ok' }]);
    expect(await look(with_, 'healthy')).toMatchObject([
      { status: 'fail', found: expect.stringContaining('does not allow the header Authorization') as string },
    ]);
  });

  it('without --origin, CORS for one page alone is not seen, and the finding says so', async () => {
    const app = await runApp({ origin: ['https://app.example.com'] });
    const { find } = await doctor.checkApp('healthy', { ISSUER: issuer.url }, ['--url', app.url]);
    expect(find('cors')).toMatchObject([
      { status: 'ok', found: expect.stringContaining('name it by --origin') as string },
    ]);
  });

  it('a prefix of the proxy that publicUrl lacks', async () => {
    const app = await runApp({ prefix: 'behind/proxy' });
    const env = { ISSUER: issuer.url, PUBLIC_URL: app.url };
    const right = await doctor.checkApp('healthy', env, ['--url', `${app.url}/behind/proxy`]);
    expect(right.code).toBe(1);
    expect(right.find('public-url')).toMatchObject([{ status: 'fail', expected: `${app.url}/behind/proxy` }]);
    const wrong = await doctor.checkApp('healthy', env, ['--url', app.url]);
    expect(wrong.find('challenge')).toMatchObject([
      { status: 'fail', found: expect.stringContaining('404') as string },
    ]);
    const prefixed = await doctor.checkApp('healthy', env, ['--url', app.url, '--prefix', 'behind/proxy']);
    expect(prefixed.find('challenge')).toMatchObject([{ status: 'ok' }]);
  });

  it('published metadata that nobody finds', async () => {
    const app = await runApp({});
    const env = { ISSUER: issuer.url, PUBLIC_URL: app.url };
    const { code, find } = await doctor.checkApp('resource', env, ['--url', app.url]);
    expect(code).toBe(1);
    expect(find('resource-metadata')[0]?.found).toContain('answers with status 404');
  });
});
