/** API keys over HTTP: the three forms in which they are sent, what callers are, and how keys are refused. */
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import type { Answer, Call } from '../support/http.js';
import {
  apiKeyHeader,
  authorization,
  basic,
  bearer,
  type KeyStoreApp,
  startKeyStoreApp,
  withOther,
} from '../support/key-store-app.js';
import { publicUrl, SessionClient } from '../support/session-app.js';
import {
  accessDenied,
  invalidRequest,
  invalidToken,
  missingToken,
  type Verdict,
  verdictOf,
} from '../support/verdicts.js';

const sentences = { key: 'is not accepted', expired: 'has expired', revoked: 'has been revoked' };

function refusedKey(reason: keyof typeof sentences, scheme: 'Bearer' | 'Basic' = 'Bearer'): Verdict {
  const error = `error="invalid_token", error_description="The API key ${sentences[reason]}"`;
  const challenge = scheme === 'Bearer' ? `Bearer ${error}` : 'Bearer, Basic realm="api"';
  return { status: 401, challenge, code: 'INVALID_TOKEN', reason };
}

/** A key in each of the forms in which it may be sent. */
function formsOf({
  id,
  secret,
  text,
}: {
  id: string;
  secret: string;
  text: string;
}): readonly (readonly [string, Call])[] {
  return [
    ['Bearer', bearer(text)],
    ['Basic', basic(id, secret)],
    ['x-api-key', apiKeyHeader(text)],
  ];
}

describe.each(platforms)('API keys on $name', (platform) => {
  let stand: KeyStoreApp;
  const call = (path: string, sent: Call): Promise<Answer> => stand.app.call(path, sent);

  beforeAll(async () => {
    stand = await startKeyStoreApp(platform);
  });

  it('make a caller of their user, in each of three forms', async () => {
    const scopes = ['cats:read'];
    const key = await stand.service.create({ userId: 'alice', name: 'ci', scopes, roles: ['keeper', 'owner'] });
    for (const [form, sent] of formsOf(key)) {
      expect((await call('/caller', sent)).json, form).toEqual({
        id: 'alice',
        issuer: publicUrl,
        provider: 'api-key',
        isAnonymous: false,
        email: 'alice@example.com',
        emailVerified: null,
        name: 'Alice',
        sessionId: null,
        clientId: key.id,
        impersonatorId: null,
        // Of the roles that the key names, those that the user has.
        roles: ['keeper'],
        scopes,
        permissions: [],
        organizations: [],
        claims: {},
        expiresAt: null,
        credential: { kind: 'api-key', id: key.id, scheme: form === 'Basic' ? 'Basic' : 'Bearer' },
      });
      expect((await call('/machines', sent)).status).toBe(200);
      expect(verdictOf(await call('/people', sent))).toMatchObject({
        status: 401,
        code: 'INVALID_TOKEN',
        reason: 'type',
      });
      expect((await call('/groom', sent)).status).toBe(200);
      expect((await call('/online', sent)).status).toBe(200);
      expect((await call('/maybe', sent)).json).toEqual({ id: 'alice' });
      expect((await call('/caller', { ...sent, method: 'POST' })).status).toBe(201);
    }
    const lacking = 'Bearer error="insufficient_scope", scope="cats:write"';
    expect(verdictOf(await call('/adopt', bearer(key.text)))).toEqual({
      status: 403,
      challenge: lacking,
      code: 'INSUFFICIENT_SCOPE',
    });
  });

  it('grant nothing that was not named', async () => {
    const key = await stand.service.create({ userId: 'alice' });
    expect((await call('/caller', bearer(key.text))).json).toMatchObject({ scopes: [], roles: [] });
    expect(verdictOf(await call('/groom', bearer(key.text)))).toEqual(accessDenied);
  });

  it('are refused with reason key where secret, id or checksum is wrong', async () => {
    const key = await stand.service.create({ userId: 'alice' });
    const other = await stand.service.create({ userId: 'bob' });
    const swapped = { id: key.id, secret: other.secret, text: `${key.id}_${other.secret}` };
    const mistyped = { ...key, secret: withOther(key.secret, 7), text: withOther(key.text, key.id.length + 8) };
    const unknown = { id: 'acme_short', secret: 'none', text: 'acme_short_none' };
    for (const wrong of [swapped, mistyped, unknown]) {
      for (const [form, sent] of formsOf(wrong)) {
        expect(verdictOf(await call('/caller', sent)), form).toEqual(
          refusedKey('key', form === 'Basic' ? 'Basic' : 'Bearer'),
        );
      }
    }
    expect((await call('/caller', bearer(key.text))).status).toBe(200);
    for (const sent of [basic('alice', 'password'), basic('', ''), basic('acme', key.text.slice(5))]) {
      expect(verdictOf(await call('/caller', sent))).toEqual(refusedKey('key', 'Basic'));
    }
  });

  it('have their reasons only for whoever has the secret', async () => {
    const { service, clock, users } = stand;
    users.all.set('carol', { id: 'carol' });
    const ended = {
      revoked: await service.create({ userId: 'alice' }),
      disabled: await service.create({ userId: 'alice' }),
      'of a user who is gone': await service.create({ userId: 'carol' }),
      expired: await service.create({ userId: 'alice', expiresAt: new Date(clock.now().getTime() + 5_000) }),
    };
    await service.revoke(ended.revoked.id);
    await service.update(ended.disabled.id, { enabled: false });
    users.all.delete('carol');
    clock.advanceSeconds(5);
    for (const [which, key] of Object.entries(ended)) {
      for (const [, sent] of formsOf(key)) {
        const { reason } = (await call('/caller', sent)).json as { reason: string };
        expect(reason, which).toBe(which === 'expired' ? 'expired' : 'revoked');
      }
      const guess = (await service.create({ userId: 'bob' })).secret;
      expect(verdictOf(await call('/caller', basic(key.id, guess))), which).toEqual(refusedKey('key', 'Basic'));
    }
  });

  it('name Basic only after a refused Basic, and put no error there', async () => {
    expect(verdictOf(await call('/caller', {}))).toEqual(missingToken);
    expect(verdictOf(await call('/caller', bearer('no.good.token')))).toEqual(invalidToken('malformed'));
    expect((await call('/maybe', basic('alice', 'x'))).headers['www-authenticate']).toBe('Bearer, Basic realm="api"');
  });

  it('answer 400 to a Basic that is malformed, on optional routes too', async () => {
    const key = await stand.service.create({ userId: 'alice' });
    const good = Buffer.from(`${key.id}:${key.secret}`).toString('base64');
    const malformed = ['Basic', 'Basic ', 'Basic !!!', 'Basic YWI', 'Basic YWI=', `Basic ${good.replace(/=+$/, '')}`];
    const inAnotherForm = [`Basic ${good}=`, `Basic ${good} ${good}`, 'Basic YWI6/+==', 'Basic //8=', 'basic'];
    for (const value of [...malformed, ...inAnotherForm]) {
      for (const path of ['/caller', '/maybe']) {
        expect(verdictOf(await call(path, authorization(value))), value).toEqual(invalidRequest);
      }
    }
    for (const value of [`basic ${good}`, `BASIC  ${good}`]) {
      expect((await call('/caller', authorization(value))).status, value).toBe(200);
    }
  });

  it('answer 400 to two credentials, and take one key in two places as one', async () => {
    const [key, other] = [
      await stand.service.create({ userId: 'alice' }),
      await stand.service.create({ userId: 'bob' }),
    ];
    const session = new SessionClient(stand.app, 'body');
    await session.signIn('alice');
    const headers = (...lines: (readonly [string, string])[]): Call => ({ headers: lines });
    const asBearer = ['Authorization', `Bearer ${key.text}`] as const;
    const [asBasic = asBearer] = basic(key.id, key.secret).headers ?? [];
    const asHeader = ['x-api-key', key.text] as const;
    const twice = [
      headers(asBearer, ['x-api-key', other.text]),
      headers(asBasic, ['x-api-key', other.text]),
      headers(['x-api-key', session.accessToken], asBasic),
      headers(['Authorization', `Bearer ${session.accessToken}`], asHeader),
      headers(asBasic, asBearer),
      headers(asBasic, asBasic),
      headers(asHeader, ['x-api-key', other.text]),
    ];
    for (const sent of twice) {
      for (const path of ['/caller', '/maybe']) expect(verdictOf(await call(path, sent))).toEqual(invalidRequest);
    }
    for (const sent of [headers(asHeader, asBearer), headers(asHeader, asBasic)]) {
      expect((await call('/caller', sent)).json).toMatchObject({ id: 'alice' });
    }
  });

  it('do not open the routes of sessions, and do not disturb tokens', async () => {
    const key = await stand.service.create({ userId: 'alice', scopes: ['admin'] });
    for (const [, sent] of formsOf(key)) {
      expect(verdictOf(await call('/auth/me', sent))).toEqual(accessDenied);
    }
    const session = new SessionClient(stand.app, 'body');
    await session.signIn('alice');
    expect((await session.call('/people')).json).toEqual({ id: 'alice' });
    expect(verdictOf(await session.call('/machines'))).toEqual(invalidToken('type'));
    expect(verdictOf(await call('/caller', bearer(session.refreshToken)))).toEqual(invalidToken('type'));
  });

  it('refuse Basic of a page of another site that changes something', async () => {
    const key = await stand.service.create({ userId: 'alice' });
    const foreign = ['Origin', 'https://evil.example'] as const;
    const byBasic: Call = { method: 'POST', headers: [...(basic(key.id, key.secret).headers ?? []), foreign] };
    expect(verdictOf(await call('/caller', byBasic))).toEqual(accessDenied);
    expect((await call('/caller', { ...bearer(key.text), method: 'POST', headers: [foreign] })).status).toBe(201);
  });

  it('are not in any answer or user', async () => {
    const key = await stand.service.create({ userId: 'alice' });
    for (const [, sent] of formsOf(key)) expect((await call('/caller', sent)).text).not.toContain(key.secret);
  });
});

describe.each(platforms)('without Basic, on $name', (platform) => {
  it('Basic is no credential', async () => {
    const { app, service } = await startKeyStoreApp(platform, { keys: { basic: false } });
    const { id, secret, text } = await service.create({ userId: 'alice' });
    expect(verdictOf(await app.call('/caller', basic(id, secret)))).toEqual(missingToken);
    expect(verdictOf(await app.call('/caller', authorization('Basic !!!')))).toEqual(missingToken);
    expect((await app.call('/caller', bearer(text))).status).toBe(200);
  });
});
