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

/** The app as it runs: what `main.ts` of it does is the part that the doctor does not see. */
async function runApp({ exposedHeaders, prefix }: { exposedHeaders?: string[]; prefix?: string }): Promise<RunningApp> {
  const module = class RunningModule {};
  const imports = [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) })];
  const nest = await NestFactory.create({ module, imports, controllers: [CatsController] }, { logger: false });
  nest.enableCors(exposedHeaders === undefined ? {} : { exposedHeaders });
  if (prefix !== undefined) nest.setGlobalPrefix(prefix);
  return await RunningApp.listen(nest);
}

describe('a healthy app', { timeout: 60_000 }, () => {
  it('passes with its token, and is not initialized', async () => {
    const token = await issuer.token({ sub: 'u1', aud: 'api' });
    const { code, out, err, find } = await doctor.checkApp('healthy', { ISSUER: issuer.url }, ['--token', '-'], token);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(find('issuer-discovery')).toMatchObject([{ status: 'ok' }]);
    expect(find('issuer-keys')).toMatchObject([{ status: 'ok' }]);
    expect(find('issuer-clock')).toMatchObject([{ status: 'ok' }]);
    expect(find('token')).toMatchObject([{ status: 'ok' }]);
    expect(find('routes')).toMatchObject([
      { status: 'ok', found: expect.stringContaining('all 2 handlers') as string },
    ]);
    expect(find('preset')[0]?.found).toContain('audience api');
    expect(out).not.toContain(token);
    expect(out).not.toContain('INITIALIZED');
  });

  it('has the check of its own module', async () => {
    const { find } = await doctor.checkApp('healthy', { ISSUER: issuer.url });
    expect(find('billing')).toMatchObject([{ status: 'ok', found: 'paid' }]);
  });

  it('makes no call with --offline', async () => {
    const alone = await startIssuer();
    const before = { ...alone.requests };
    const { code, find } = await doctor.checkApp('healthy', { ISSUER: alone.url }, ['--offline']);
    expect(code).toBe(0);
    expect(find('issuer-keys')).toMatchObject([{ status: 'skipped' }]);
    expect({ ...alone.requests }).toEqual(before);
  });

  it('passes from outside, where CORS shows the challenge', async () => {
    const app = await runApp({ exposedHeaders: ['WWW-Authenticate'] });
    const env = { ISSUER: issuer.url, PUBLIC_URL: app.url };
    const { code, find } = await doctor.checkApp('healthy', env, ['--url', app.url]);
    expect(find('cors')).toMatchObject([{ status: 'ok' }]);
    expect(find('challenge')).toMatchObject([{ status: 'ok' }]);
    expect(find('public-url')).toMatchObject([{ status: 'ok' }]);
    expect(code).toBe(0);
  });

  it('prints text without colour, and the page of what is wrong', async () => {
    const env = { ISSUER: issuer.url, APP: 'unguarded route' };
    const { code, out } = await doctor.run(['doctor', doctor.path('app/app.module.js')], env);
    expect(code).toBe(1);
    expect(out).toMatch(/^fail {5}routes: no guard protects DogsController\.list \(GET \/dogs\)$/m);
    expect(out).toMatch(/guides\/doctor#routes$/m);
    expect(out).not.toContain('\u001b');
  });
});

describe('a misconfiguration', { timeout: 60_000 }, () => {
  const refused = async (app: string, token: string, env: Readonly<Record<string, string>> = {}) => {
    const { code, find, out } = await doctor.checkApp(app, { ISSUER: issuer.url, ...env }, ['--token', '-'], token);
    expect(code).toBe(1);
    expect(out).not.toContain(token);
    return find('token')[0];
  };

  it('wrong audience', async () => {
    const finding = await refused('healthy', await issuer.token({ sub: 'u1', aud: 'another' }));
    expect(finding?.found).toMatch(/refused \(audience\).*api/);
    expect(finding?.docs).toContain('/reference/errors#invalid-token-audience');
  });

  it('a slash at the end of the issuer', async () => {
    const { code, find } = await doctor.checkApp('healthy', { ISSUER: `${issuer.url}/` });
    expect(code).toBe(1);
    const [finding] = find('issuer-discovery');
    expect(finding).toMatchObject({ status: 'fail', expected: `${issuer.url}/` });
    expect(finding?.found).toContain(issuer.url);
    expect(finding?.fix).toContain('slash at the end only');
  });

  it('an inside address as issuer, as in Docker', async () => {
    const inside = issuer.url.replace('127.0.0.1', 'localhost');
    const { code, find } = await doctor.checkApp('healthy', { ISSUER: inside });
    expect(code).toBe(1);
    expect(find('issuer-discovery')[0]?.found).toContain(issuer.url);
    expect(find('issuer-discovery')[0]?.fix).toContain('discoveryUrl');
  });

  it('an ID token in place of an access token', async () => {
    const idToken = await issuer.token({ sub: 'u1', aud: 'api', nonce: 'n' }, { header: { typ: 'JWT' } });
    expect((await refused('access tokens alone', idToken))?.found).toContain('refused (type)');
    const forClient = await issuer.token({ sub: 'u1', aud: 'client' });
    expect((await refused('healthy', forClient))?.found).toContain('refused (audience)');
  });

  it('a clock that is ahead', async () => {
    const ahead = await startIssuer({ clock: { now: () => new Date(Date.now() + 3_600_000) } });
    const token = await ahead.token({ sub: 'u1', aud: 'api' });
    expect((await refused('healthy', token, { ISSUER: ahead.url }))?.found).toContain('refused (not_yet_valid)');
  });

  it('keys of another issuer', async () => {
    const other = await startIssuer();
    const token = await issuer.token({ sub: 'u1', aud: 'api' });
    const finding = await refused('wrong keys', token, { JWKS_URI: other.jwksUri });
    expect(finding?.found).toMatch(/refused \((?:key|signature)\)/);
  });

  it('a cookie that pages of other sites may send', async () => {
    const env = { ISSUER: issuer.url, PUBLIC_URL: 'https://api.example.com' };
    const { find } = await doctor.checkApp('open cookie', env);
    expect(find('cookies')).toMatchObject([{ status: 'warn', fix: expect.stringContaining('checkOrigin') as string }]);
  });

  it('CORS that hides the challenge', async () => {
    const app = await runApp({});
    const { code, find } = await doctor.checkApp('healthy', { ISSUER: issuer.url }, ['--url', app.url]);
    expect(code).toBe(1);
    expect(find('cors')).toMatchObject([
      { status: 'fail', expected: 'Access-Control-Expose-Headers: WWW-Authenticate' },
    ]);
  });

  it('a route without a guard', async () => {
    const { code, find } = await doctor.checkApp('unguarded route', { ISSUER: issuer.url });
    expect(code).toBe(1);
    expect(find('routes')[0]?.found).toBe('no guard protects DogsController.list (GET /dogs)');
  });

  it('two copies of the package in one process', async () => {
    const file = doctor.write(
      'app/mixed.mjs',
      `import '../other/index.js';\nexport { AppModule } from './app.module.js';\n`,
    );
    const { code, find } = await doctor.check([file], { ISSUER: issuer.url, APP: 'healthy' });
    expect(code).toBe(1);
    expect(find('copies-package')[0]).toMatchObject({ status: 'fail' });
    expect(find('copies-package')[0]?.found).toContain('2 times in one process');
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

  it('an issuer that is down is told from a wrong option', async () => {
    const down = await startIssuer();
    down.fail('503');
    const { code, find } = await doctor.checkApp('healthy', { ISSUER: down.url });
    expect(code).toBe(1);
    expect(find('issuer-discovery')[0]?.found).toContain('503');
    expect(find('issuer-discovery')[0]?.fix).toContain('no wrong option');
  });

  it('published metadata that nobody finds', async () => {
    const app = await runApp({});
    const env = { ISSUER: issuer.url, PUBLIC_URL: app.url };
    const { code, find } = await doctor.checkApp('resource', env, ['--url', app.url]);
    expect(code).toBe(1);
    expect(find('resource-metadata')[0]?.found).toContain('answers with status 404');
  });
});

describe('what cannot be checked', { timeout: 60_000 }, () => {
  it('a wrong option is a finding with its fix', async () => {
    const { code, find } = await doctor.checkApp('wrong option', { ISSUER: issuer.url });
    expect(code).toBe(1);
    expect(find('options')[0]?.found).toContain('publicURL');
    expect(find('options')[0]?.fix).not.toBe('');
  });

  it('an app that throws is not run, and its message is not repeated', async () => {
    const { code, out, err } = await doctor.checkApp('app that throws', { SECRET: 'geheim' });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('The app threw TypeError');
    expect(err).not.toContain('geheim');
  });

  it.each([
    [['nowhere/app.module.js'], 'There is no file'],
    [[], 'Write the path of the compiled root module, or --issuer'],
    [['--issuer', 'https://issuer.example'], '--audience is missing'],
    [['a.js', '--token', 'eyJhbGciOi'], 'reads the token from standard input'],
    [['a.js', '--tokn', '-'], 'an option that is unknown'],
  ])('%j is refused', async (args, problem) => {
    const { code, out, err } = await doctor.check(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(problem);
    expect(err).not.toContain('eyJhbGciOi');
  });

  it('a file without a module, and one with two', async () => {
    const none = await doctor.check([doctor.write('app/none.mjs', 'export const x = 1;\n')]);
    expect(none.code).toBe(2);
    expect(none.err).toContain('It exports no module');
    const unloadable = await doctor.check([doctor.write('app/lacking.cjs', `require('not-installed');\n`)]);
    expect(unloadable.code).toBe(2);
    expect(unloadable.err).toContain('does not load');
    const missing = await doctor.check([doctor.path('app/app.module.js'), '--export', 'Other'], { APP: 'healthy' });
    expect(missing.code).toBe(1);
  });
});

describe('an issuer without an app', { timeout: 60_000 }, () => {
  it('passes, and its token with it', async () => {
    const token = await issuer.token({ sub: 'u1', aud: 'api' });
    const args = ['--issuer', issuer.url, '--audience', 'api', '--token', '-'];
    const { code, find } = await doctor.check(args, {}, token);
    expect(code).toBe(0);
    expect(find('token')).toMatchObject([{ status: 'ok' }]);
  });

  it('fails for another audience and another name', async () => {
    const token = await issuer.token({ sub: 'u1', aud: 'other' });
    const audience = await doctor.check(['--issuer', issuer.url, '--audience', 'api', '--token', '-'], {}, token);
    expect(audience.code).toBe(1);
    const name = await doctor.check(['--issuer', `${issuer.url}/`, '--audience', 'api']);
    expect(name.code).toBe(1);
    expect(name.find('issuer-discovery')[0]?.fix).toContain('slash');
  });
});
