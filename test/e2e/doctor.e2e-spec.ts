import { generateKeyPairSync } from 'node:crypto';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDocuments, startServer } from '../support/answering-server.js';
import { startIssuer } from '../support/app.js';
import { DoctorProcess } from '../support/doctor-process.js';

let doctor: DoctorProcess;
let issuer: TestIssuer;

beforeAll(async () => {
  doctor = await DoctorProcess.compile();
  issuer = await startIssuer();
}, 60_000);

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
    const little = await startServer(({ headers }, response) => {
      const body = { issuer: `http://${headers.host ?? ''}`, jwks_uri: issuer.jwksUri };
      response.setHeader('date', new Date(Date.now() + 40_000).toUTCString());
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    });
    const { find } = await doctor.checkApp('healthy', { ISSUER: little.url });
    expect(find('issuer-clock')).toMatchObject([
      { status: 'fail', fix: expect.stringMatching(/clockToleranceSeconds: 4\d into oidc\(\)/) as string },
    ]);
  });

  it('keys of another issuer', async () => {
    const other = await startIssuer();
    const token = await issuer.token({ sub: 'u1', aud: 'api' });
    const finding = await refused('wrong keys', token, { JWKS_URI: other.jwksUri });
    expect(finding?.found).toMatch(/refused \((?:key|signature)\)/);
  });

  it('keys of another issuer under the same kid, at one of two addresses', async () => {
    const { keys } = (await (await fetch(issuer.jwksUri)).json()) as { keys: { kid: string }[] };
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const foreign = { ...publicKey.export({ format: 'jwk' }), kid: keys[0]?.kid, alg: 'RS256', use: 'sig' };
    const server = await startDocuments({ '/keys': { keys: [foreign] } });
    const env = { ISSUER: issuer.url, JWKS_URI: `${issuer.jwksUri} ${server.url}/keys` };
    const { code, find } = await doctor.checkApp('wrong keys', env);
    expect(code).toBe(1);
    expect(find('issuer-keys')).toMatchObject([
      { status: 'fail', expected: `the keys at ${issuer.jwksUri}`, fix: expect.stringContaining('jwksUri') as string },
    ]);
    expect(find('issuer-keys')[0]?.found).toContain(`reads keys at ${server.url}/keys, and none`);
  });

  it('a cookie that pages of other sites may send', async () => {
    const env = { ISSUER: issuer.url, PUBLIC_URL: 'https://api.example.com' };
    const { find } = await doctor.checkApp('open cookie', env);
    expect(find('cookies')).toMatchObject([{ status: 'warn', fix: expect.stringContaining('checkOrigin') as string }]);
  });

  it('a guarded method that a subclass overrides', async () => {
    const { code, find } = await doctor.checkApp('overridden route', { ISSUER: issuer.url });
    expect(code).toBe(1);
    expect(find('routes')[0]?.found).toContain(
      'KittensController.list (GET /kittens; it overrides GuardedController.list',
    );
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

  it('two copies that keep the app from opening', async () => {
    const file = doctor.write(
      'app/torn.mjs',
      `import { Controller, Inject, Module } from '@nestjs/common';
       import { UserProfileService } from '../other/index.js';
       import { AppModule as Inner } from './app.module.js';
       class BirdsController {}
       Controller('birds')(BirdsController);
       Inject(UserProfileService)(BirdsController, undefined, 0);
       export class AppModule {}
       Module({ imports: [Inner], controllers: [BirdsController] })(AppModule);\n`,
    );
    const env = { ISSUER: issuer.url, APP: 'healthy' };
    const { code, find } = await doctor.check([file], env);
    expect(code).toBe(1);
    expect(find('copies-package')).toMatchObject([{ status: 'fail' }]);
    expect(find('app')).toMatchObject([{ found: expect.stringContaining('UnknownDependenciesException') as string }]);
    const explained = await doctor.run(['explain', '--app', file], env, await issuer.token({ aud: 'api' }));
    expect(explained).toMatchObject({ code: 2, out: '' });
    expect(explained.err).toContain('The app threw UnknownDependenciesException');
  });

  it('an issuer that is down is told from a wrong option', async () => {
    const down = await startIssuer();
    down.fail('503');
    const { code, find } = await doctor.checkApp('healthy', { ISSUER: down.url });
    expect(code).toBe(1);
    expect(find('issuer-discovery')[0]?.found).toContain('503');
    expect(find('issuer-discovery')[0]?.fix).toContain('no wrong option');
  });
});

describe('what a preset has decided', { timeout: 60_000 }, () => {
  it('names the places where the app reads tokens', async () => {
    const env = { ISSUER: issuer.url, PUBLIC_URL: 'https://api.example.com' };
    const { find } = await doctor.checkApp('cookie alone', env, ['--offline']);
    expect(find('preset')[0]?.found).toMatch(/read from cookie access$/);
  });

  it('is no warning where an option of the preset replaces the audience', async () => {
    const { find } = await doctor.checkApp('own client ids', {}, ['--offline']);
    expect(find('preset')).toMatchObject([{ status: 'ok', found: expect.stringContaining('clientId') as string }]);
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
