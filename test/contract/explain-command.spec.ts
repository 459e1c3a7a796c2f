/** `npx nest-gatehouse explain`: reads the text, says how it ends by its exit code, and never repeats what it was given. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIssuer } from '../support/app.js';
import { runReading } from '../support/cli.js';
import { DpopKey } from '../support/dpop-key.js';

describe('npx nest-gatehouse explain', () => {
  const folder = mkdtempSync(join(tmpdir(), 'explain-'));
  let issuer: TestIssuer;

  beforeAll(async () => {
    issuer = await startIssuer();
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const explain = (text: string, ...more: string[]) =>
    runReading(text, {}, 'explain', '--issuer', issuer.url, '--audience', 'api', ...more);

  it('ends with 0 for a token that is accepted, and says what only the app can check', async () => {
    const { code, out, err } = await explain(`${await issuer.token({ aud: 'api' })}\n`);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Accepted: every check that could be made has passed.');
    expect(out).toContain('The options of the app are not known: --app reads them');
    expect(out).toContain('If a route answers 403 with it, add --scope');
  });

  it('ends with 1 for a token that is refused, and marks the check, the option and the page', async () => {
    const token = await issuer.token({ aud: 'web', name: 'Alice Example' });
    const { code, out } = await explain(token);
    expect(code).toBe(1);
    expect(out).toMatch(/FAIL {2}Audience {3}<-- the request is refused for this\n +found +"web"\n +expected +"api"\n/);
    expect(out).toMatch(/option +oidc\(\{ audience \}\)\n/);
    expect(out).toMatch(/see +https:\S+#invalid-token-audience\n/);
    for (const part of ['Alice', token, ...token.split('.')]) expect(out).not.toContain(part);
    expect((await explain(token, '--claims')).out).toContain('Alice Example');
  });

  it('reads a file, and accepts one of several audiences', async () => {
    const file = join(folder, 'token.txt');
    writeFileSync(file, await issuer.token({ aud: 'other' }));
    expect((await explain('', '--file', file, '--audience', 'other')).code).toBe(0);
    expect(await explain('', '--file', join(folder, 'none.txt'))).toMatchObject({ code: 2, out: '' });
  });

  it('writes JSON with a version', async () => {
    const { out } = await explain(await issuer.token({ aud: 'web' }), '--json');
    expect(JSON.parse(out)).toMatchObject({
      version: 1,
      kind: 'jwt',
      outcome: 'refused',
      reason: 'audience',
      firstFailure: { id: 'audience', option: 'oidc({ audience })' },
    });
  });

  it('ends with 2 while the keys cannot be fetched', async () => {
    const token = await issuer.token({ aud: 'api' });
    issuer.fail('503');
    const { code, out } = await explain(token);
    issuer.recover();
    expect(code).toBe(2);
    expect(out).toContain('Undecided');
    expect(out).not.toContain('FAIL');
  });

  it('compares the scopes that a route requires', async () => {
    const token = await issuer.token({ aud: 'api', scope: 'cats:read' });
    const missing = await explain(token, '--scope', 'cats:read', '--scope', 'cats:write');
    expect(missing.code).toBe(1);
    expect(missing.out).toMatch(/FAIL {2}Scopes .*\n +found +"cats:read"\n +expected +"cats:read" "cats:write"\n/);
    expect(missing.out).toContain('Refused: INSUFFICIENT_SCOPE.');
    expect(missing.out).toMatch(/see +https:\S+#insufficient-scope\n/);
    const held = await explain(token, '--scope', 'cats:read');
    expect(held.code).toBe(0);
    expect(held.out).toContain('ok    Scopes: "cats:read"');
    expect(held.out).not.toContain('add --scope');
  });

  it('tells an ID token, and never advises to accept its audience', async () => {
    const { code, out } = await explain(await issuer.token({ aud: 'web', azp: 'web', nonce: 'n' }));
    expect(code).toBe(1);
    expect(out).toMatch(/fix +It is probably an ID token: let the client send its access token/);
  });

  it.each([
    { ago: '-3600s', option: null },
    { ago: '-20s', option: 'oidc({ clockToleranceSeconds })' },
  ] as const)('names the tolerance only for a token that is off by little ($ago)', async ({ ago, option }) => {
    const { out } = await explain(await issuer.token({ aud: 'api' }, { expiresIn: ago }), '--json');
    expect(JSON.parse(out)).toMatchObject({ reason: 'expired', firstFailure: { id: 'time', option } });
  });

  it('takes a proof without an issuer, and shows what it was made for', async () => {
    const proof = new DpopKey().proof({ url: 'https://api.example.com/cats', at: new Date(Date.now() - 40_000) });
    const { code, out } = await runReading(`DPoP: ${proof}`, {}, 'explain');
    expect(code).toBe(0);
    expect(out).toMatch(/Time of the proof: made 4\d s ago/);
    expect(out).toContain('Method and address: "GET" "https://api.example.com/cats"; not checked.');
    expect(out).not.toContain('"jti"');
    expect((await runReading(proof, {}, 'explain', '--claims')).out).toContain('"jti"');
    const early = new DpopKey().proof({ url: 'https://api.example.com/cats', at: new Date(Date.now() + 950_000) });
    const refused = await runReading(early, {}, 'explain');
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/made 9\d\d s in the future/);
  });

  it('takes a challenge and the form of a key without an issuer, and no access token', async () => {
    const challenge = await runReading('Bearer error="insufficient_scope", scope="cats:write"', {}, 'explain');
    expect(challenge).toMatchObject({ code: 1 });
    expect(challenge.out).toContain('scope "cats:write" is required');
    const key = await runReading(`acme_${'a'.repeat(22)}_${'b'.repeat(49)}`, {}, 'explain');
    expect(key).toMatchObject({ code: 1 });
    expect(key.out).toContain('its form or its checksum is wrong');
    const token = await runReading(await issuer.token({ aud: 'api' }), {}, 'explain');
    expect(token).toMatchObject({ code: 2, out: '' });
    expect(token.err).toContain('--issuer and --audience are missing, or --app');
  });

  it('refuses a token as an argument, and does not repeat it', async () => {
    const token = await issuer.token({ aud: 'api' });
    const { code, out, err } = await explain('', token);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('There is an argument too many. The text comes from standard input or --file');
    expect(err).not.toContain(token);
  });

  it.each([
    { args: [], text: 'x', problem: '--issuer and --audience are missing, or --app' },
    { args: ['--issuer', 'https://a.example'], text: 'x', problem: '--audience is missing' },
    { args: ['--app', 'a.js', '--issuer', 'https://a.example'], text: 'x', problem: 'either --app or --issuer' },
    { args: ['--issuer', 'https://a.example', '--audience', 'a', '--export', 'X'], text: 'x', problem: '--export' },
    { args: ['--issuer', 'https://a.example', '--audience', 'a'], text: ' \n', problem: 'The text is empty' },
    { args: ['--issuer', 'http://a.example', '--audience', 'a'], text: 'x', problem: 'oidc({ issuer })' },
    { args: ['--app', '/nowhere/app.module.js'], text: 'x', problem: 'There is no file /nowhere/app.module.js' },
  ])('ends with 2 for $args', async ({ args, text, problem }) => {
    const { code, out, err } = await runReading(text, {}, 'explain', ...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(problem);
  });
});
