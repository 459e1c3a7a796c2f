/** What the app's log says about refusals of the endpoints: the reason, which the client does not get, and what to change. */
import type { AuthEvent } from 'nest-gatehouse';
import { beforeEach, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import type { Answer, Call } from '../support/http.js';
import { authorization, basic, bearer, type KeyStoreApp } from '../support/key-store-app.js';
import { LogLines, see } from '../support/log-lines.js';
import { grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';

interface Key {
  readonly id: string;
  readonly secret: string;
  readonly text: string;
}

const as = ({ id, secret }: Key): Call => basic(id, secret);

describe.each(platforms)('a refusal of the endpoints on $name', (platform) => {
  const logger = new LogLines();
  const events: AuthEvent[] = [];
  let stand: KeyStoreApp;
  let key: Key;
  let other: Key;

  beforeEach(async () => {
    const auth = { onEvent: (event: AuthEvent) => events.push(event) };
    stand = await startTokenEndpointApp(platform, { logger, auth });
    key = await stand.service.create({ userId: 'alice', scopes: ['cats:read'] });
    other = await stand.service.create({ userId: 'bob', scopes: ['introspect'] });
  });

  /** The one line that a refused request leaves, which is a debug line; and no secret is in it. */
  const lineOf = async (ask: () => Promise<Answer>): Promise<string> => {
    logger.forget();
    const { status } = await ask();
    expect(status).toBeGreaterThanOrEqual(400);
    expect(logger.lines.map(({ level, context }) => [level, context])).toEqual([['debug', 'Gatehouse']]);
    const text = logger.lines[0]?.text ?? '';
    for (const secret of [key.secret, other.secret]) expect(text).not.toContain(secret);
    return text;
  };
  const ask = (parameters: Record<string, string>, call: Call = {}, path = '/oauth/token') =>
    lineOf(() => post(stand, path, parameters, call));

  it('states the reason that the client does not get', async () => {
    const { id } = key;
    expect(await ask(grant, basic(id, other.secret))).toBe(
      `POST /oauth/token: refused (INVALID_TOKEN, key). It is no key of this app: its form or its checksum is wrong. The client gets invalid_client${see('INVALID_TOKEN', 'key')}`,
    );
    await stand.service.revoke(id);
    expect(await ask({ ...grant, client_id: id, client_secret: key.secret })).toBe(
      `POST /oauth/token: refused (INVALID_TOKEN, revoked). The key ${id} was revoked. The client gets invalid_client${see('INVALID_TOKEN', 'revoked')}`,
    );
    const { id: gone, secret, text } = await stand.service.create({ userId: 'nobody' });
    expect(await ask({ token: text }, basic(gone, secret), '/oauth/revoke')).toBe(
      `POST /oauth/revoke: refused (INVALID_TOKEN, revoked). findSubject knows no user of the key ${gone}. The client gets invalid_client${see('INVALID_TOKEN', 'revoked')}`,
    );
    expect(events.at(-1)).toEqual({
      type: 'refused',
      code: 'INVALID_TOKEN',
      reason: 'revoked',
      explanation: `findSubject knows no user of the key ${gone}. The client gets invalid_client`,
      handler: 'POST /oauth/revoke',
      anonymous: false,
    });
  });

  it('names the key of a wrong secret', async () => {
    const rotated = await stand.service.rotate(key.id, { graceSeconds: 0 });
    expect(await ask(grant, as(key))).toContain(`There is no key ${key.id} with this secret. The client gets`);
    expect(await lineOf(() => stand.app.call('/api/caller', bearer(key.text)))).toContain(
      `(INVALID_TOKEN, key). There is no key ${key.id} with this secret`,
    );
    expect(rotated.id).toBe(key.id);
  });

  it.each<readonly [string, () => Record<string, string>, (() => Call) | null, string]>([
    ['no authentication', () => grant, null, 'MISSING_TOKEN). The client does not authenticate itself'],
    ['a secret alone', () => ({ ...grant, client_secret: key.secret }), null, 'The form has client_secret alone'],
    ['another scheme', () => grant, () => bearer(key.text), 'header has another scheme than Basic'],
    ['an assertion', () => ({ ...grant, client_assertion: 'a.b.c' }), null, 'private_key_jwt) is not supported'],
    ['two methods', () => ({ ...grant, client_secret: key.secret }), () => as(key), 'the request has more than one'],
    ['Basic that is no base64', () => grant, () => authorization('Basic !!'), 'INVALID_REQUEST). What follows "Basic"'],
    ['no grant type', () => ({ x: '1' }), () => as(key), 'INVALID_REQUEST). grant_type is missing'],
    ['another grant', () => ({ grant_type: 'pass\nword' }), () => as(key), 'grant_type is "pass\\u000aword", and the'],
    [
      'too much scope',
      () => ({ ...grant, scope: 'cats:read admin' }),
      () => as(key),
      'has "cats:read". Ask for less, or give the key more by ApiKeyService.update(',
    ],
    [
      'another resource',
      () => ({ ...grant, resource: 'https://dogs.example.com' }),
      () => as(key),
      'resource is ["https://dogs.example.com"], and the audience is ["https://api.example.com"]. Add it to SessionsModule',
    ],
  ])('states what to change: %s', async (_, parameters, call, part) => {
    expect(await ask(parameters(), call?.())).toContain(part);
  });

  it('states what to change at the other endpoints, with a wrong method and with a body of another form', async () => {
    const { json } = await post(stand, '/oauth/token', grant, as(other));
    const token = (json as { access_token: string }).access_token;
    expect(await ask({ token }, as(key), '/oauth/revoke')).toContain('(ACCESS_DENIED). Key');
    expect(await ask({ token }, as(key), '/oauth/introspect')).toContain(
      `(INSUFFICIENT_SCOPE). Key ${key.id} lacks the scope introspect. Give it to the key by ApiKeyService.update(`,
    );
    expect(await lineOf(() => stand.app.call('/oauth/introspect'))).toBe(
      `GET /oauth/introspect: refused (INVALID_REQUEST). The method is GET. Use POST. The client gets invalid_request${see('INVALID_REQUEST')}`,
    );
    const asJson: Call = { headers: [['Content-Type', 'application/json']] };
    expect(await lineOf(() => post(stand, '/oauth/token', '{}', asJson))).toContain(
      'POST /oauth/token: refused (INVALID_REQUEST). The body is not application/x-www-form-urlencoded',
    );
    expect(await lineOf(() => post(stand, '/oauth/token', 'scope=a&scope=b'))).toContain('"scope" occurs 2 times');
  });

  it('has a bounded line, whatever is sent', async () => {
    const long = 'x'.repeat(50_000);
    for (const more of [{ scope: long }, { resource: long }, { grant_type: long }]) {
      expect((await ask({ ...grant, ...more }, as(key))).length).toBeLessThan(800);
    }
    const many = Array.from({ length: 60 }, () => ['resource', 'y'.repeat(900)] as const);
    const sent = (): Promise<Answer> => post(stand, '/oauth/token', [...Object.entries(grant), ...many], as(key));
    expect((await lineOf(sent)).length).toBeLessThan(800);
  });

  it('of too many keys states how many were refused', async () => {
    for (let at = 0; at < 30; at += 1) await post(stand, '/oauth/token', grant, basic('x', 'y'));
    expect(await ask(grant, basic('x', 'y'))).toContain(
      'POST /oauth/token: refused (TOO_MANY_ATTEMPTS). 30 keys of this network were refused in five minutes',
    );
  });
});
