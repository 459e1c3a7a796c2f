import { describe, expect, it } from 'vitest';
import type { TestIssuer } from '../../../src/testing/test-issuer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { startIssuer } from '../../support/started-issuer.js';

/** The issuer's response to a token: status, challenge and claims. */
async function ask(issuer: TestIssuer, authorization?: string, method = 'GET'): Promise<unknown> {
  const headers = authorization === undefined ? {} : { authorization };
  const answer = await fetch(`${issuer.url}/userinfo`, { method, headers });
  return [answer.status, answer.headers.get('www-authenticate'), await answer.json()];
}

const refused = [401, 'Bearer error="invalid_token"', { error: 'invalid_token' }];

describe('the userinfo endpoint of a test issuer', () => {
  it('returns the configured claims for a token of the user, JWT or opaque, and counts the requests', async () => {
    const issuer = await startIssuer({ path: '/realms/demo' });
    issuer.setUserInfo('alice', { name: 'Alice', email: 'alice@example.com' });
    const alice = { sub: 'alice', name: 'Alice', email: 'alice@example.com' };

    expect(await ask(issuer, await issuer.authorization({ sub: 'alice' }))).toEqual([200, null, alice]);
    expect(await ask(issuer, `Bearer ${issuer.opaqueToken({ sub: 'alice' })}`, 'POST')).toEqual([200, null, alice]);
    expect(issuer.requests).toMatchObject({ userinfo: 2, total: 2 });
  });

  it('returns only the sub of other users', async () => {
    const issuer = await startIssuer();

    expect(await ask(issuer, await issuer.authorization({ sub: 'bob' }))).toEqual([200, null, { sub: 'bob' }]);
  });

  it('returns nothing without a token', async () => {
    const issuer = await startIssuer();

    expect(await ask(issuer)).toEqual([401, 'Bearer', {}]);
    expect(await ask(issuer, 'Basic YTpi')).toEqual([401, 'Bearer', {}]);
  });

  it('refuses a token that is forged, expired, revoked, or of a deleted user', async () => {
    const clock = new ManualClock();
    const issuer = await startIssuer({ clock });
    const good = await issuer.token({ sub: 'alice' });
    const revoked = issuer.opaqueToken({ sub: 'alice' });
    issuer.revoke(revoked);

    expect(await ask(issuer, `Bearer ${revoked}`)).toEqual(refused);
    expect(await ask(issuer, await issuer.authorization({ sub: 'alice' }, { signWith: 'stranger' }))).toEqual(refused);
    expect(await ask(issuer, await issuer.authorization({ sub: undefined }))).toEqual(refused);
    expect(await ask(issuer, `Bearer ${good}`)).toEqual([200, null, { sub: 'alice' }]);
    issuer.setUserInfo('alice', null);
    expect(await ask(issuer, `Bearer ${good}`)).toEqual(refused);
    issuer.setUserInfo('alice', {});
    expect(await ask(issuer, `Bearer ${good}`)).toEqual([200, null, { sub: 'alice' }]);
    clock.advanceSeconds(300);
    expect(await ask(issuer, `Bearer ${good}`)).toEqual(refused);
  });

  it('can simulate a fault, also alone', async () => {
    const issuer = await startIssuer();
    issuer.fail('503', { only: 'userinfo' });
    const statusOf = async (path: string): Promise<number> => (await fetch(`${issuer.url}${path}`)).status;

    expect([await statusOf('/userinfo'), await statusOf('/.well-known/jwks.json')]).toEqual([503, 200]);
    issuer.recover();
    issuer.fail('503');
    expect(await statusOf('/userinfo')).toBe(503);
  });
});
