/** `npx nest-gatehouse issuer` as a process: an app trusts it, and its keys may survive it. */
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, oidc } from 'nest-gatehouse';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { platforms, type RunningApp, startApp } from '../support/app.js';
import { runWithKeyboard } from '../support/cli.js';
import { bundleCli, CliProcess } from '../support/cli-process.js';
import { freePort } from '../support/free-port.js';
import { send } from '../support/http.js';

@UseGuards(AuthGuard)
@Controller('me')
class MeController {
  @Get()
  me(@CurrentUser() { id, scopes }: AuthUser): object {
    return { id, scopes };
  }
}

const folder = mkdtempSync(join(tmpdir(), 'local-issuer-'));

beforeAll(bundleCli, 60_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const tokenIn = (text: string): string => /[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}/.exec(text)?.[0] ?? '';

/** Resolves when it has written its token, with the token. */
async function startIssuer(...args: string[]): Promise<{ issuer: CliProcess; token: string }> {
  const issuer = CliProcess.start('issuer', ...args);
  await vi.waitFor(
    () => {
      expect(issuer.output).toContain('It signs any token');
    },
    { timeout: 10_000 },
  );
  return { issuer, token: tokenIn(issuer.output) };
}

describe.each(platforms)('the issuer command, for an app on $name', (platform) => {
  const startTrusting = (url: string): Promise<RunningApp> =>
    startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: url, audience: 'api' }) })],
      controllers: [MeController],
    });

  it('signs tokens that the app accepts, those of its page too, and survives a restart with its keys', async () => {
    const [port, keys] = [await freePort(), join(folder, `${platform.name}.json`)];
    const args = ['--audience', 'api', '--port', String(port), '--keys', keys];
    const url = `http://127.0.0.1:${port}`;
    const { issuer, token } = await startIssuer(...args, '--user', 'bob', '--claims', '{"scope":"read"}');
    expect(issuer.output).toContain(`oidc({ issuer: "${url}", audience: "api" })`);
    const app = await startTrusting(url);
    expect((await app.call('/me', { token })).json).toEqual({ id: 'bob', scopes: ['read'] });

    const page = await send(new URL(url), {
      method: 'POST',
      headers: [
        ['Content-Type', 'application/x-www-form-urlencoded'],
        ['Origin', url],
      ],
      body: new URLSearchParams({ claims: '{"sub":"carol","aud":"api"}', expiresIn: '5m' }).toString(),
    });
    expect((await app.call('/me', { token: tokenIn(page.text) })).json).toEqual({ id: 'carol', scopes: [] });

    expect(await issuer.stop()).toBe(0);
    const again = await startIssuer(...args);
    const later = await startTrusting(url);
    expect((await later.call('/me', { token })).status).toBe(200);
    expect((await later.call('/me', { token: again.token })).status).toBe(200);
    expect(await again.issuer.stop()).toBe(0);
  });
});

describe('the issuer command', () => {
  it('keeps its keys in a file that only its user can read, and refuses one that others can read', async () => {
    const keys = join(folder, 'mode.json');
    const { issuer } = await startIssuer('--audience', 'api', '--port', '0', '--keys', keys);
    await issuer.stop();
    expect(statSync(keys).mode & 0o777).toBe(0o600);
    const { d } = (JSON.parse(readFileSync(keys, 'utf8')) as { keys: { d: string }[] }).keys[0] ?? { d: '' };
    expect(d).not.toBe('');
    expect(issuer.output).not.toContain(d);
    chmodSync(keys, 0o644);
    const refused = CliProcess.start('issuer', '--audience', 'api', '--port', '0', '--keys', keys);
    expect(await refused.finish('')).toBe(1);
    expect(refused.output).toContain('Other users can read the keys in');
    expect(refused.output).not.toContain(d);
  });

  it('serves its page to this machine alone: not under another name, and not to pages of other sites', async () => {
    const { issuer } = await startIssuer('--audience', 'api', '--port', '0');
    const url = new URL(/^Issuer {2}(\S+)$/m.exec(issuer.output)?.[1] ?? '');
    const { status, headers, text } = await send(url, {});
    expect({ status, hasForm: text.includes('<form') }).toEqual({ status: 200, hasForm: true });
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    const form = new URLSearchParams({ claims: '{"sub":"x</textarea><b>"}', expiresIn: '5m' }).toString();
    const type = ['Content-Type', 'application/x-www-form-urlencoded'] as const;
    const evil = await send(url, { method: 'POST', headers: [type, ['Origin', 'https://evil.example']], body: form });
    expect({ status: evil.status, token: tokenIn(evil.text) }).toEqual({ status: 403, token: '' });
    const [renamed] = (await once(get(url, { headers: { host: `evil.example:${url.port}` } }), 'response')) as [
      IncomingMessage,
    ];
    expect(renamed.resume().statusCode).toBe(403);
    expect((await send(url, { method: 'POST', headers: [type], body: form })).text).not.toContain('<b>');
    const wrong = await send(url, { method: 'POST', headers: [type], body: 'claims=7' });
    expect(wrong.status).toBe(400);
    await issuer.stop();
  });

  it('rotates and fails by keys of the keyboard', async () => {
    let url = '';
    const jwks = async () => send(new URL(`${url}/.well-known/jwks.json`), {});
    const visit = async (press: (key: string) => Promise<void>, read: () => string) => {
      url = /^Issuer {2}(\S+)$/m.exec(read())?.[1] ?? '';
      expect(((await jwks()).json as { keys: unknown[] }).keys).toHaveLength(1);
      await press('r');
      expect(((await jwks()).json as { keys: unknown[] }).keys).toHaveLength(2);
      await press('o');
      expect((await jwks()).status).toBe(503);
      await press('o');
      expect((await jwks()).status).toBe(200);
    };
    expect((await runWithKeyboard(visit, 'issuer', '--audience', 'api', '--port', '0')).code).toBe(0);
    await expect(jwks()).rejects.toThrow();
  });

  it.each([
    [[], '--audience is missing'],
    [['--audience', 'a', '--port', '70000'], '--port is not a number from 0 to 65535'],
    [['--audience', 'a', '--claims', '{"secret":'], '--claims is not a JSON object'],
  ])('ends with 2 for %j', async (args, problem) => {
    const issuer = CliProcess.start('issuer', ...args);
    expect(await issuer.finish('')).toBe(2);
    expect(issuer.output).toContain(problem);
    expect(issuer.output).not.toContain('"secret":');
  });

  it('says that its port is in use', async () => {
    const { issuer } = await startIssuer('--audience', 'a', '--port', '0');
    const port = /:(\d+)$/m.exec(issuer.output)?.[1] ?? '';
    const second = CliProcess.start('issuer', '--audience', 'a', '--port', port);
    expect(await second.finish('')).toBe(1);
    expect(second.output).toBe(`Port ${port} is in use. Name another one by --port.\n`);
    await issuer.stop();
  });
});

describe('the explain command, as a process', () => {
  it('reads standard input, and ends with its exit code', async () => {
    const { issuer, token } = await startIssuer('--audience', 'api', '--port', '0');
    const url = /^Issuer {2}(\S+)$/m.exec(issuer.output)?.[1] ?? '';
    const explain = CliProcess.start('explain', '--issuer', url, '--audience', 'api');
    expect(await explain.finish(token)).toBe(0);
    const refused = CliProcess.start('explain', '--issuer', url, '--audience', 'other');
    expect(await refused.finish(token)).toBe(1);
    expect(refused.output).toContain('oidc({ audience })');
    for (const part of token.split('.')) expect(explain.output + refused.output).not.toContain(part);
    await issuer.stop();
  });
});
