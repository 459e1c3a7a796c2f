/** The scripts of the guides about logins, as a reader copies them: the stand-in for GitHub, and the command line tool. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { github } from 'nest-gatehouse/login';
import { beforeAll, describe, expect, it } from 'vitest';
import { email, password } from '../support/account-app.js';
import { endAfterwards, platforms } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { locationOf, pathOf, startLoginApp } from '../support/login-app.js';
import { LoginProviderStand } from '../support/login-provider.js';
import { claimsOf } from '../support/session-app.js';

/** The code block of a guide that begins with the name of its file. */
function scriptOf(guide: string, name: string): string {
  const text = readFileSync(fileURLToPath(new URL(`../../docs/guides/${guide}`, import.meta.url)), 'utf8');
  const [, code] = new RegExp(`^\`\`\`js\\n(// ${name}\\n.*?)^\`\`\`$`, 'ms').exec(text) ?? [];
  if (code === undefined) throw new Error(`${guide} has no script ${name}`);
  return code;
}

/** Runs a script, and waits for its first line. */
async function run(
  name: string,
  code: string,
  env = {},
): Promise<{ child: ChildProcess; line: string; rest: () => string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-guide-'));
  await writeFile(join(folder, name), code);
  const child = spawn(process.execPath, [name], { cwd: folder, env: { ...process.env, ...env } });
  endAfterwards(async () => {
    child.kill();
    await rm(folder, { recursive: true });
  });
  let output = '';
  const read = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  await once(child.stdout, 'data');
  return { child, line: output.split('\n')[0] ?? '', rest: () => output };
}

/** What a browser does at the stand-in. @returns the address that it is sent back to */
async function chooseAt(address: string, name: string): Promise<string> {
  const page = await (await fetch(address)).text();
  expect(page).toContain(`&as=${name}"`);
  const answer = await fetch(`${address}&as=${name}`, { redirect: 'manual' });
  return answer.headers.get('location') ?? '';
}

describe.each(platforms)('the guides about logins on $name', (platform) => {
  let url: string;

  beforeAll(async () => {
    const port = String(await freePort());
    const code = scriptOf('login.md', 'github-stand-in.mjs').replaceAll('4000', port);
    url = `http://127.0.0.1:${port}`;
    expect((await run('github-stand-in.mjs', code)).line).toBe(`Instead of GitHub: ${url}`);
  });

  const start = async (returnTo: readonly string[]) => {
    const providers = [github({ clientId: 'any', clientSecret: 'any', baseUrl: url })];
    return startLoginApp(platform, { provider: await LoginProviderStand.start(), login: { providers, returnTo } });
  };

  it('have a stand-in for GitHub at which people sign in, or decline', async () => {
    const { client } = await start(['https://app.example.com']);
    const browser = client();
    for (const [name, expected] of [
      ['mona', 'https://app.example.com/profile?new=1'],
      ['mona', 'https://app.example.com/profile'],
      ['', 'https://app.example.com/profile?error=access_denied'],
      ['ada', 'https://app.example.com/profile?new=1'],
    ] as const) {
      const { headers } = await browser.call('/auth/login/github?returnTo=/profile');
      const back = await chooseAt(headers['location'] ?? '', name);
      expect(locationOf(await browser.call(pathOf(back)))).toBe(expected);
    }
    const me = (await browser.call('/auth/me')).json;
    expect(me).toMatchObject({ user: { name: 'Ada Lovelace', email: 'ada@example.com', emailVerified: true } });
  });

  it('have a command line tool that is called back on this machine', async () => {
    const { app } = await start(['http://127.0.0.1/callback']);
    const tool = await run('sign-in.mjs', scriptOf('frontend-callback.md', 'sign-in.mjs'), { API: app.url });
    const [, address = ''] = /^Open (.+)$/.exec(tool.line) ?? [];
    const ended = once(tool.child, 'exit');
    const back = await chooseAt(address, 'mona');
    expect(back).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback\?/);
    expect((await fetch(new URL('/favicon.ico', back))).status).toBe(404);
    expect(await (await fetch(back)).text()).toBe('You can close this window.');
    expect(await ended).toEqual([0, null]);
    expect(tool.rest()).toMatch(
      /Signed in as Mona Lisa \{\n {2}access_token: 'eyJ[^']+',\n {2}refresh_token: 'grt_[^']+'\n\}/,
    );
  });

  it('have an app without cookies that links, and goes on with its session', async () => {
    const { client, accounts } = await start(['https://app.example.com', 'com.example.app:/callback']);
    const account = await accounts.create({ email, emailVerified: true, password });
    const app = client('body');
    const delivery = [['X-Token-Delivery', 'body']] as const;
    await app.post('/auth/sign-in', { email, password }, delivery);
    const { sid } = claimsOf(app.accessToken);
    const body = { redirectUri: 'com.example.app:/callback', link: true };
    const { json } = await app.post('/auth/login/github', body, delivery);
    const { url: address, attempt } = json as { url: string; attempt: string };
    const query = new URL(await chooseAt(address, 'ada')).searchParams;
    const sentOn = { ...Object.fromEntries(query), attempt };
    const withoutToken = await client('body').post('/auth/callback/github', sentOn, delivery);
    expect([withoutToken.status, await accounts.identities(account.id)]).toEqual([400, []]);
    const again = (await app.post('/auth/login/github', body, delivery)).json as { url: string; attempt: string };
    const back = new URL(await chooseAt(again.url, 'ada')).searchParams;
    const linked = await app.post(
      '/auth/callback/github',
      { ...Object.fromEntries(back), attempt: again.attempt },
      delivery,
    );
    expect(linked.json).toMatchObject({ is_new_user: false, token_type: 'Bearer', user: { id: account.id, email } });
    expect(claimsOf(app.accessToken)['sid']).toBe(sid);
    expect(await accounts.identities(account.id)).toMatchObject([{ provider: 'github', subject: '2' }]);
  });
});
