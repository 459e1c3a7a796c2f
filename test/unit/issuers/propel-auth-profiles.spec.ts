import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { propelAuth } from '../../../src/issuers/propel-auth/propel-auth.js';
import { startServer } from '../../support/answering-server.js';
import { openProfiles, userOf } from '../../support/asked-profiles.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';
import { jonas } from '../../vectors/propel-auth/users.js';

const json = { 'content-type': 'application/json' };
const id = jonas.user_id;

/** Answers as told, and keeps what was posted. */
async function open(answer: { status?: number; body?: unknown }, apiUrlEnd = '') {
  const posted: unknown[] = [];
  const server = await startServer((request, response) => {
    const reply = async (): Promise<void> => {
      const sent = await text(request);
      if (sent !== '') posted.push(JSON.parse(sent));
      response.writeHead(answer.status ?? 200, json).end(JSON.stringify(answer.body ?? {}));
    };
    reply().catch((error: unknown) => response.destroy(error as Error));
  });
  const provider = propelAuth({
    authUrl: 'https://auth.lumenworks.example:8443/login',
    apiKey: 'backend-key',
    apiUrl: `${server.url}${apiUrlEnd}`,
  });
  const callerBy = (userId: string) => userOf(provider, 'a.b.c', { user_id: userId });
  return { server, posted, caller: callerBy(id), callerBy, ...openProfiles(provider) };
}

describe('what is sent to PropelAuth', () => {
  it('is the key and the host of the project, and never the token of the caller', async () => {
    const { server, profiles, caller } = await open({ body: jonas });
    await profiles.get(caller);
    const [request] = server.requests;

    expect([request?.method, request?.path]).toEqual(['GET', `/api/backend/v1/user/${id}`]);
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer backend-key',
      'x-propelauth-url': 'auth.lumenworks.example',
    });
    expect(JSON.stringify(request)).not.toContain('a.b.c');
  });

  it('is under the API address, with or without a slash at its end', async () => {
    const { server, profiles, caller } = await open({ body: jonas }, '/propel/');
    await profiles.get(caller);

    expect(server.requests.map(({ path }) => path)).toEqual([`/propel/api/backend/v1/user/${id}`]);
  });

  it('names many users at once, a hundred at the most, and none that cannot be one', async () => {
    const { server, posted, profiles } = await open({ body: [] });
    const ids = Array.from({ length: 150 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);
    await profiles.getMany([...ids, 'nobody', '../org/1', '']);
    const asked = posted.flatMap((sent) => (sent as { user_ids: string[] }).user_ids);

    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/backend/v1/user/user_ids',
      'POST /api/backend/v1/user/user_ids',
    ]);
    expect([...asked].sort()).toEqual(ids);
  });

  it.each(['', 'me', 'nobody', `${id}/disable`, `${id}?include_orgs=true`])(
    'is nothing where the id is none: %j',
    async (userId) => {
      const { server, profiles, callerBy } = await open({ body: jonas });

      expect(await profiles.find(userId)).toBeNull();
      expect(await profiles.getMany([userId])).toEqual(new Map());
      if (userId !== '') expect(await outcomeOf(profiles.get(callerBy(userId)))).toBe('INVALID_TOKEN revoked');
      expect(server.requests).toEqual([]);
    },
  );
});

describe('a user of PropelAuth', () => {
  it.each([
    ['locked', { locked: true }],
    ['blocked', { enabled: false }],
  ])('who is %s does not come in, and can be looked at all the same', async (what, state) => {
    const { profiles, caller } = await open({ body: { ...jonas, ...state } });
    const error = await errorOf(profiles.get(caller));

    expect([error?.code, error?.reason]).toEqual(['INVALID_TOKEN', 'revoked']);
    expect(error?.explanation).toContain(what);
    expect(await profiles.find(id)).toMatchObject({ id, displayName: 'Jonas Okafor', raw: state });
  });

  it.each([
    [{ first_name: 'Jonas', last_name: null }, 'Jonas'],
    [{ first_name: '', last_name: 'Okafor' }, 'Okafor'],
    [{ first_name: null, last_name: undefined }, 'jonas.o'],
    [{ first_name: null, last_name: null, username: '' }, null],
  ])('is called by the names that there are: %j', async (names, displayName) => {
    const { profiles } = await open({ body: { ...jonas, ...names } });
    expect((await profiles.find(id))?.displayName).toBe(displayName);
  });

  it('without a picture has none', async () => {
    const { profiles } = await open({ body: { ...jonas, picture_url: '' } });
    expect((await profiles.find(id))?.profileImageUrl).toBeNull();
  });

  it('is found by an id in either case, and goes by the one that was asked for', async () => {
    const upper = id.toUpperCase();
    expect((await (await open({ body: jonas })).profiles.find(upper))?.id).toBe(upper);
    const many = await (await open({ body: [jonas] })).profiles.getMany([upper]);
    expect([...many.keys()]).toEqual([upper]);
  });

  it('who was not asked for is left out of many', async () => {
    const { profiles } = await open({ body: [jonas] });
    expect(await profiles.getMany(['00000000-0000-4000-8000-000000000000'])).toEqual(new Map());
  });
});

describe('an answer of PropelAuth', () => {
  it('that refuses our key is our fault, and names the option', async () => {
    const { profiles, caller, events } = await open({ status: 401, body: { error: 'a text of theirs' } });
    for (const call of [profiles.get(caller), profiles.find(id), profiles.getMany([id])]) {
      const error = await errorOf(call);
      expect([error?.code, error?.explanation]).toEqual([
        'SERVER_ERROR',
        expect.stringContaining('propelAuth({ apiKey })'),
      ]);
      expect(`${String(error?.stack)}${JSON.stringify(events)}`).not.toMatch(/backend-key|a text of theirs/);
    }
    expect(events).toMatchObject([
      { type: 'outage-began', problem: expect.stringContaining('propelAuth({ apiKey })') as string },
    ]);
  });

  it.each([400, 403, 409, 426])('with the status %d says nothing of the user', async (status) => {
    const { profiles, caller } = await open({ status, body: { user_id: ['wrong'] } });

    expect(await outcomeOf(profiles.get(caller))).toBe('SERVER_ERROR');
    expect(await outcomeOf(profiles.getMany([id]))).toBe('SERVER_ERROR');
  });

  it.each([
    [{ items: [] }, 'not a list'],
    [null, 'not a list'],
    [[jonas, { ...jonas, email: 7 }], 'email is not a text or null'],
    [[null], 'not a JSON object'],
  ])('about many that is of another shape is named: %j', async (body, named) => {
    const { profiles, events } = await open({ body });
    const error = await errorOf(profiles.getMany([id]));

    expect([error?.code, error?.explanation]).toEqual(['SERVER_ERROR', expect.stringContaining(named)]);
    expect(events).toHaveLength(1);
  });
});
