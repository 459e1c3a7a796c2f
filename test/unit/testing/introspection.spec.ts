import { describe, expect, it } from 'vitest';
import type { TestIssuer } from '../../../src/testing/test-issuer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { startIssuer } from '../../support/started-issuer.js';

const usual = basic('test-api', 'test-secret');

function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

/** The status and the body of the issuer's response about a token. */
async function ask(issuer: TestIssuer, token: string, authorization = usual): Promise<[number, unknown]> {
  const body = new URLSearchParams({ token, token_type_hint: 'access_token' });
  const answer = await fetch(`${issuer.url}/introspect`, { method: 'POST', body, headers: { authorization } });
  return [answer.status, await answer.json()];
}

const inactive = [200, { active: false }];

describe('the introspection endpoint of a test issuer', () => {
  it('confirms every token that the issuer has issued, with any algorithm, and counts the requests', async () => {
    for (const algorithm of ['ES256', 'PS256', 'EdDSA', 'HS256'] as const) {
      const issuer = await startIssuer({ algorithm });
      const [status, claims] = await ask(issuer, await issuer.token({ sub: 'alice', aud: 'api', scope: 'read' }));

      expect([status, claims]).toEqual([200, expect.objectContaining({ active: true, token_type: 'Bearer' })]);
      expect(claims).toMatchObject({ iss: issuer.url, sub: 'alice', aud: 'api', scope: 'read' });
      expect(issuer.requests).toMatchObject({ introspection: 1, total: 1 });
    }
  });

  it('returns the claims of opaque tokens', async () => {
    const clock = new ManualClock();
    const issuer = await startIssuer({ clock, path: '/realms/demo' });
    const token = issuer.opaqueToken({ sub: 'alice', iss: undefined }, { expiresIn: '1m' });

    expect(token).toMatch(/^[\w-]{32}$/);
    const now = clock.now().getTime() / 1_000;
    expect(await ask(issuer, token)).toEqual([
      200,
      { active: true, token_type: 'Bearer', sub: 'alice', iat: now, exp: now + 60 },
    ]);
    clock.advanceSeconds(60);
    expect(await ask(issuer, token)).toEqual(inactive);
  });

  it('denies tokens that are forged, foreign, expired, withdrawn or revoked', async () => {
    const issuer = await startIssuer();
    const old = await issuer.token();
    await issuer.rotateKeys({ keepOld: false });
    const [header, , signature] = (await issuer.token()).split('.');
    const payload = Buffer.from('{"sub":"admin"}').toString('base64url');
    const revoked = await issuer.token();
    issuer.revoke(revoked);
    const opaque = issuer.opaqueToken();
    issuer.revoke(opaque);
    const tokens = [
      old,
      revoked,
      opaque,
      `${header ?? ''}.${payload}.${signature ?? ''}`,
      await issuer.token({}, { signWith: 'stranger' }),
      await issuer.token({}, { expiresIn: '-1s' }),
      'whatever',
      'a.b.c',
    ];
    for (const token of tokens) expect(await ask(issuer, token)).toEqual(inactive);
    await issuer.rotateKeys({ keepOld: true });
    expect(await ask(issuer, await issuer.token())).toMatchObject([200, { active: true }]);
  });

  it('answers only the configured client', async () => {
    const issuer = await startIssuer({ introspectionClient: { clientId: 'a b', clientSecret: '100%:+&ü' } });
    expect(issuer.introspectionClient.clientId).toBe('a b');
    const token = issuer.opaqueToken();
    const encoded = basic('a+b', '100%25%3A%2B%26%C3%BC');

    expect(await ask(issuer, token, encoded)).toMatchObject([200, { active: true }]);
    const strangers = [usual, basic('a b', '100%:+&ü'), basic('a+b', 'wrong'), 'Bearer x', ''];
    for (const authorization of strangers) {
      expect(await ask(issuer, token, authorization)).toEqual([401, { error: 'invalid_client' }]);
    }
    expect(issuer.requests.introspection).toBe(strangers.length + 1);
  });

  it('requires POST and a token', async () => {
    const issuer = await startIssuer();
    const address = `${issuer.url}/introspect`;
    const headers = { authorization: usual };

    expect((await fetch(address)).status).toBe(405);
    expect((await fetch(address, { method: 'POST', headers })).status).toBe(400);
  });

  it('can simulate a fault alone, or together with everything else', async () => {
    const issuer = await startIssuer();
    const status = async (address: string): Promise<number> => (await fetch(address, { method: 'POST' })).status;
    issuer.fail('503', { only: 'introspection' });
    expect(await status(`${issuer.url}/introspect`)).toBe(503);
    expect((await fetch(issuer.jwksUri)).status).toBe(200);
    issuer.recover();
    expect(await status(`${issuer.url}/introspect`)).toBe(401);
    issuer.fail('503');
    expect(await status(`${issuer.url}/introspect`)).toBe(503);
  });
});
