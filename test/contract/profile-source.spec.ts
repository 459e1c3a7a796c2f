/** What every source of profiles has to do, whatever provider it asks: what the caller sees, and what reaches the server. */
import { describe, expect, it } from 'vitest';
import type { AuthEvent } from '../../src/telemetry/auth-event.js';
import { type AnsweringServer, startServer } from '../support/answering-server.js';
import { openProfiles, userOf } from '../support/asked-profiles.js';
import { configurationErrorOf, errorOf, outcomeOf } from '../support/outcome.js';
import type { Known, ProfileStand, StandAnswer } from '../support/profile-stand.js';
import { profileStands } from '../support/profile-stands.js';

type Spoil = (answer: StandAnswer) => StandAnswer;

const plain = { 'content-type': 'text/plain; charset=utf-8' };
const upstreamText = 'a text of the provider, with mira@lumenworks.example in it';

function callsOf(server: AnsweringServer): readonly string[] {
  return server.requests.map(({ method, path }) => `${method} ${path}`);
}

function shown({ id, profile, raw }: Known): object {
  return { id, ...profile, raw };
}

/** What was thrown and what was logged, all the way down. */
function said(error: Error | undefined, events: readonly AuthEvent[]): string {
  const chain = (one: unknown): string =>
    one instanceof Error ? `${String(one)} ${String(one.stack)} ${JSON.stringify(one)} ${chain(one.cause)}` : '';
  return `${chain(error)} ${JSON.stringify(events)}`;
}

describe.each(profileStands)('profiles of $name', (stand: ProfileStand) => {
  const others = 'known' in stand.others ? stand.others : null;

  /** @param spoil changes what is told of users; where users are is told as ever. */
  async function open(spoil: Spoil = (answer) => answer) {
    const server = await startServer((request, response) => {
      const reply = async (): Promise<void> => {
        const sound = await stand.answer(request);
        const { status, headers, body } = request.url?.includes('/.well-known/') === true ? sound : spoil(sound);
        response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
      };
      reply().catch((error: unknown) => response.destroy(error as Error));
    });
    const provider = stand.provide(server.url);
    const caller = userOf(provider, stand.token, ...(stand.claims === undefined ? [] : [stand.claims]));
    return { server, caller, ...openProfiles(provider) };
  }

  const changed = (change: (raw: Record<string, unknown>) => Record<string, unknown>): Spoil => {
    return (answer) => ({ ...answer, body: change({ ...(answer.body as object) }) });
  };

  it('are those of the caller, with the expected number of calls', async () => {
    const { profiles, caller, server, events } = await open();
    const profile = await profiles.get(caller);

    expect(profile).toEqual(shown(stand.caller));
    expect(callsOf(server)).toEqual(stand.callsToGet);
    expect(events).toEqual([]);
  });

  it('are frozen', async () => {
    const { profiles, caller } = await open();
    const profile = await profiles.get(caller);

    expect([Object.isFrozen(profile), Object.isFrozen(profile.raw)]).toEqual([true, true]);
    expect(Object.values(profile.raw).filter((member) => !Object.isFrozen(member))).toEqual([]);
  });

  it('contain everything else that the provider returns', async () => {
    const { profiles, caller } = await open(changed((raw) => ({ ...raw, raw: undefined, brand_new: { deep: [1] } })));

    expect(await profiles.get(caller)).toMatchObject(stand.caller.profile);
  });

  it('are refused for a caller whom the provider has deleted', async () => {
    const { profiles, caller, events } = await open(() => stand.gone);
    const error = await errorOf(profiles.get(caller));

    expect([error?.code, error?.reason, error?.message]).toEqual([
      'INVALID_TOKEN',
      'revoked',
      'The access token has been revoked',
    ]);
    expect(events).toEqual([]);
  });

  it('contain nothing of a response about another user', async () => {
    const somebody = '11111111-1111-4111-8111-111111111111';
    const { profiles, caller } = await open(changed((raw) => ({ ...raw, [stand.idMember]: somebody })));
    const error = await errorOf(profiles.get(caller));

    expect(error?.code).toBe('SERVER_ERROR');
    expect(error?.explanation).toMatch(/another user|another "sub"|an invalid id/);
    expect(error?.explanation).not.toContain(somebody);
  });

  const impossible = stand.impossible.map(([member, value, named = member]) => ({ member, value, named }));

  it.each(impossible)(
    'name in the log the member that is invalid: $member is $value',
    async ({ member, value, named }) => {
      const { profiles, caller, events } = await open(changed((raw) => ({ ...raw, [member]: value })));
      const error = await errorOf(profiles.get(caller));

      expect([error?.code, error?.message]).toEqual(['SERVER_ERROR', 'Authentication is not available at the moment']);
      expect(events).toEqual([
        expect.objectContaining({ type: 'outage-began', problem: expect.stringContaining(named) as string }),
      ]);
    },
  );

  const jsonHead = { 'content-type': 'application/json' };
  const troubles: readonly [string, StandAnswer][] = [
    ['plain text', { status: 200, headers: plain, body: upstreamText }],
    ['plain text that looks like JSON', { status: 200, headers: plain, body: JSON.stringify(stand.caller.raw) }],
    ['a list', { status: 200, headers: jsonHead, body: [stand.caller.raw] }],
    ['null', { status: 200, headers: jsonHead, body: null }],
    ['half a document', { status: 200, headers: jsonHead, body: '{"id":' }],
    ['no content', { status: 204, headers: {}, body: '' }],
    ['a text about what we did wrong', { status: 400, headers: plain, body: upstreamText }],
    ['a text about what we may not', { status: 403, headers: plain, body: upstreamText }],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '' }],
    ['an outage', { status: 503, headers: { ...plain, 'retry-after': '1000' }, body: upstreamText }],
  ];
  // For a source of the app, null means that the user does not exist.
  const meant = stand.name === 'a source of the app' ? ['null'] : [];

  it.each(troubles.filter(([what]) => !meant.includes(what)))(
    'treat %s as a failure and not as a refusal',
    async (...row) => {
      const { profiles, caller, events } = await open(() => row[1]);
      const error = await errorOf(profiles.get(caller));

      expect(error?.code).toBe('SERVER_ERROR');
      expect(events).toMatchObject([{ type: 'outage-began' }]);
      expect(said(error, events)).not.toContain(upstreamText);
      for (const secret of stand.secrets) expect(said(error, events)).not.toContain(secret);
    },
  );

  it('are available again when the provider is', async () => {
    let well = false;
    const { profiles, caller, events } = await open((answer) =>
      well ? answer : { ...answer, status: 404, headers: plain },
    );
    if (stand.gone.status !== 404) expect(await outcomeOf(profiles.get(caller))).toBe('SERVER_ERROR');
    well = true;

    expect(await outcomeOf(profiles.get(caller))).toBe('accepted');
    expect(events.map(({ type }) => type)).toEqual(stand.gone.status === 404 ? [] : ['outage-began', 'outage-ended']);
  });

  it('contain no key and no token', async () => {
    const { profiles, caller, events } = await open(() => stand.gone);
    const error = await errorOf(profiles.get(caller));

    for (const secret of stand.secrets) expect(said(error, events)).not.toContain(secret);
  });

  // What does not apply to a source is no test of it, rather than one that is skipped.
  if (others === null)
    it('of other users cannot be looked up, and the error names the fix', async () => {
      const { profiles, server } = await open();
      const option = 'option' in stand.others ? stand.others.option : '';
      for (const call of [profiles.find('somebody'), profiles.getMany(['somebody'])]) {
        const error = await call.catch((thrown: unknown) => thrown);
        const { path, message } = configurationErrorOf(() => {
          throw error;
        });
        expect([path, message]).toEqual([option, expect.stringMatching(/\. .+\.$/)]);
      }
      expect(server.requests).toEqual([]);
    });

  if (others !== null)
    it('are found by id for every user, and are null for an unknown id', async () => {
      const { known, unknownId, callsToFind } = others;
      const { profiles, server } = await open();

      expect(await profiles.find(known.id)).toEqual(shown(known));
      expect(await profiles.find(unknownId)).toBeNull();
      expect(callsOf(server)).toEqual([...callsToFind(known.id), ...callsToFind(unknownId)]);
      expect(server.requests.filter(({ headers }) => JSON.stringify(headers).includes(stand.token))).toEqual([]);
    });

  if (others !== null)
    it('of several users take as few calls as the provider allows', async () => {
      const { known, unknownId, callsToGetMany } = others;
      const { profiles, server } = await open();
      const ids = [stand.caller.id, known.id, unknownId];
      const found = await profiles.getMany([...ids, known.id]);

      expect([...found.keys()].sort()).toEqual([stand.caller.id, known.id].sort());
      expect(found.get(known.id)).toEqual(shown(known));
      expect([...callsOf(server)].sort()).toEqual([...callsToGetMany(ids)].sort());
    });
});
