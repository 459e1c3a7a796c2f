import { describe, expect, it } from 'vitest';
import type { AuthError } from '../../../src/errors/auth-error.js';
import type { MemorySessionStore } from '../../../src/sessions/memory-session-store.js';
import { checkAlive, removalTime } from '../../../src/sessions/session-rotation.js';
import type { SessionRotation, SessionStore } from '../../../src/sessions/session-store.js';
import { openSessionStand, type SessionStand } from '../../support/session-stand.js';

const verdict = (refreshing: Promise<string>): Promise<string> =>
  refreshing.then(
    (token) => token,
    (error: unknown) => (error as AuthError).reason ?? (error as AuthError).code,
  );

/** Replaces the current token as often, at one moment each. @returns all tokens, the first one included */
async function refreshInTurn({ clock, first, refresh }: SessionStand, times: number, seconds = 0): Promise<string[]> {
  const all = [first];
  for (let time = 0; time < times; time += 1) {
    all.push(await refresh(all.at(-1) ?? ''));
    clock.advanceSeconds(seconds);
  }
  return all;
}

/** A promise that the test resolves, and waits for until the code under test has come so far. */
function gate(): { readonly reached: Promise<void>; readonly open: () => void; readonly pass: () => Promise<string> } {
  let open = (): void => undefined;
  let reach = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const pass = async (): Promise<string> => {
    reach();
    await opened;
    return 'prepared';
  };
  return { reached, open: () => open(), pass };
}

describe('the rotation of refresh tokens', () => {
  it('replaces the current token, and moves on when the session expires', async () => {
    const { first, rotate, session, clock, stored } = await openSessionStand();
    clock.advanceSeconds(100);
    const { refreshToken, idleExpiresAt, prepared } = await rotate(first);
    expect(refreshToken).not.toBe(first);
    expect(prepared).toBe('prepared');
    expect(idleExpiresAt).toEqual(new Date(session.idleExpiresAt.getTime() + 100_000));
    expect(await stored()).toMatchObject({
      generation: 1,
      replacements: [{ generation: 0, at: clock.now() }],
      lastUsedAt: clock.now(),
      idleExpiresAt,
      removeAfter: removalTime(idleExpiresAt),
    });
  });

  it('never moves the expiry beyond that of the session', async () => {
    const { first, rotate, session, clock } = await openSessionStand({
      session: { absoluteExpiresAt: new Date(Date.parse('2026-01-12T14:00:00Z')) },
    });
    clock.advanceSeconds(900_000);
    expect((await rotate(first)).idleExpiresAt).toEqual(session.absoluteExpiresAt);
  });

  it('gives all uses at once the same next token', async () => {
    const { first, refresh, stored, ends } = await openSessionStand();
    const answers = await Promise.all(Array.from({ length: 100 }, () => refresh(first)));
    expect(new Set(answers).size).toBe(1);
    expect([(await stored()).generation, ends]).toEqual([1, []]);
  });

  it('answers a replaced token with the current one for less than the grace period, however many came since', async () => {
    const stand = await openSessionStand();
    const [first = '', , , current = ''] = await refreshInTurn(stand, 3);
    stand.clock.advanceSeconds(9.999);
    expect(await stand.refresh(first)).toBe(current);
    stand.clock.advanceSeconds(0.001);
    expect(await verdict(stand.refresh(first))).toBe('revoked');
    expect([stand.reused, stand.ends]).toEqual([[stand.session.id], ['reuse']]);
    expect(await verdict(stand.refresh(current))).toBe('revoked');
    expect(stand.reused).toHaveLength(1);
  });

  it('counts the grace period from the first use, not from the last', async () => {
    const { first, refresh, clock } = await openSessionStand();
    await refresh(first);
    clock.advanceSeconds(9);
    expect(await verdict(refresh(first))).toMatch(/^grt_/);
    clock.advanceSeconds(1);
    expect(await verdict(refresh(first))).toBe('revoked');
  });

  it('ends the session of a token whose replacement is no longer listed', async () => {
    const stand = await openSessionStand();
    const [first = ''] = await refreshInTurn(stand, 5, 11);
    expect((await stand.stored()).replacements).toHaveLength(2);
    expect(await verdict(stand.refresh(first))).toBe('revoked');
  });

  it('measures the grace period to the moment when the request came, however long the look-up of the user takes', async () => {
    const { first, refresh, clock, ends } = await openSessionStand();
    const slow = gate();
    const current = refresh(first, { prepare: slow.pass });
    await slow.reached;
    const next = await refresh(first);
    clock.advanceSeconds(9);
    const late = gate();
    const replaced = refresh(first, { prepare: late.pass });
    await late.reached;
    clock.advanceSeconds(60);
    slow.open();
    late.open();
    expect(await Promise.all([verdict(current), verdict(replaced)])).toEqual([next, next]);
    expect(ends).toEqual([]);
  });

  it('with no grace period takes each token once', async () => {
    const { first, refresh, ends } = await openSessionStand({ graceMs: 0 });
    await refresh(first);
    expect(await verdict(refresh(first))).toBe('revoked');
    expect(ends).toEqual(['reuse']);
  });

  it('takes a token whose replacement seems to be in the future', async () => {
    const { first, refresh, clock } = await openSessionStand();
    const next = await refresh(first);
    clock.advanceSeconds(-3_600);
    expect(await refresh(first)).toBe(next);
    expect(await verdict(refresh(next))).toMatch(/^grt_/);
  });

  it('leaves the token as it was when something fails before', async () => {
    const { first, refresh, stored } = await openSessionStand();
    const fails = async (): Promise<string> => Promise.reject(new Error('The user cannot be looked up'));
    await expect(refresh(first, { prepare: fails })).rejects.toThrow('The user cannot be looked up');
    const refuses = (): never => {
      throw new Error('refused');
    };
    await expect(refresh(first, { check: refuses })).rejects.toThrow('refused');
    expect(await stored()).toMatchObject({ generation: 0, replacements: [] });
    expect(await verdict(refresh(first))).toMatch(/^grt_/);
  });

  it('refuses what ended while it waited, and does not call it reuse', async () => {
    const { first, refresh, store, session, clock, ends } = await openSessionStand();
    const slow = gate();
    const refreshing = refresh(first, { prepare: slow.pass });
    await slow.reached;
    const revocation = { issuer: 'joe', expiresAtSeconds: 0 };
    await store.end(session.id, { endedAt: clock.now(), reason: 'signed-out', revocation });
    slow.open();
    expect(await verdict(refreshing)).toBe('revoked');
    expect(ends).toEqual([]);
  });

  it('refuses a session that was not used for too long, or is too old', async () => {
    const { first, refresh, clock, ends } = await openSessionStand();
    clock.advanceSeconds(1_000_000);
    expect(await verdict(refresh(first))).toBe('expired');
    expect(ends).toEqual([]);
  });

  it('refuses forged tokens, deleted sessions, other seeds, and generations that are not there yet', async () => {
    const { first, refresh, tokens, session, store, ends } = await openSessionStand();
    const later = tokens.create(session, 7);
    const otherSeed = tokens.create({ ...session, seed: Buffer.alloc(16, 'other') }, 0);
    const forged = `${first.slice(0, -1)}${first.endsWith('A') ? 'B' : 'A'}`;
    for (const token of [later, otherSeed, forged, '', 'grt_']) expect(await verdict(refresh(token))).toBe('malformed');
    expect(ends).toEqual([]);
    await store.purge(new Date('2100-01-01'), 1);
    expect(await verdict(refresh(first))).toBe('malformed');
  });
});

/** Says as often as asked that another one came first, although nobody did. */
class LosingStore implements Pick<SessionStore, 'find' | 'rotate'> {
  constructor(
    private readonly store: MemorySessionStore,
    public losses: number,
  ) {}

  find(id: string): ReturnType<SessionStore['find']> {
    return this.store.find(id);
  }

  rotate(id: string, rotation: SessionRotation): Promise<boolean> {
    this.losses -= 1;
    return this.losses >= 0 ? Promise.resolve(false) : this.store.rotate(id, rotation);
  }
}

describe('the rotation with a store that loses races', () => {
  const open = (losses: number): Promise<SessionStand> =>
    openSessionStand({ around: (store) => new LosingStore(store, losses) as unknown as SessionStore });

  it('looks again, and replaces the token in the end', async () => {
    const { first, refresh, stored } = await open(4);
    let prepared = 0;
    const prepare = async (): Promise<string> => {
      prepared += 1;
      return 'prepared';
    };
    expect(await verdict(refresh(first, { prepare }))).toMatch(/^grt_/);
    expect([(await stored()).generation, prepared]).toEqual([1, 1]);
  });

  it('answers 503 when this does not end, and the token still works', async () => {
    const { first, refresh } = await open(5);
    expect(await verdict(refresh(first))).toBe('SERVER_ERROR');
    expect(await verdict(refresh(first))).toMatch(/^grt_/);
  });
});

describe('the list of replacements', () => {
  it('stays short however often a session is refreshed, and covers every token of the grace period', async () => {
    const stand = await openSessionStand();
    const all = await refreshInTurn(stand, 300, 0.05);
    const { replacements } = await stand.stored();
    expect(replacements).toHaveLength(50);
    expect(replacements.map(({ generation }) => generation)).toEqual(
      replacements.map(({ generation }) => generation).sort((a, b) => b - a),
    );
    // These tokens were replaced within the last 10 s.
    for (const token of all.slice(-200, -1)) expect(await stand.refresh(token)).toBe(all.at(-1));
    expect(await verdict(stand.refresh(all[90] ?? ''))).toBe('revoked');
  });

  it('accepts a token whose replacement was merged for at most a twentieth of the grace period too long', async () => {
    for (const back of [60, 120, 180]) {
      const stand = await openSessionStand();
      const all = await refreshInTurn(stand, 250, 0.05);
      stand.clock.advanceSeconds(10 - back * 0.05 + 0.5);
      expect(await verdict(stand.refresh(all.at(-1 - back) ?? ''))).toBe('revoked');
    }
  });

  it('keeps the limit for older tokens when all replacements are in one millisecond', async () => {
    const stand = await openSessionStand();
    const [first = ''] = await refreshInTurn(stand, 1);
    stand.clock.advanceSeconds(11);
    let current = stand.tokens.create(stand.session, 1);
    for (let time = 0; time < 80; time += 1) current = await stand.refresh(current);
    const { replacements } = await stand.stored();
    expect(replacements).toHaveLength(50);
    expect(replacements.at(-1)).toMatchObject({ generation: 0 });
    expect(await stand.refresh(stand.tokens.create(stand.session, 1))).toBe(current);
    expect(await verdict(stand.refresh(first))).toBe('revoked');
  });
});

describe('checkAlive', () => {
  it('refuses every session when the clock gives no time', async () => {
    const { stored } = await openSessionStand();
    const session = await stored();
    expect(() => {
      checkAlive(session, Number.NaN);
    }).toThrow(expect.objectContaining({ reason: 'expired' }));
    expect(() => {
      checkAlive(session, session.idleExpiresAt.getTime() - 1);
    }).not.toThrow();
  });
});

it('removalTime is at the beginning of a day, more than a day later', () => {
  expect(removalTime(new Date('2026-01-01T00:00:00Z'))).toEqual(new Date('2026-01-03T00:00:00Z'));
  expect(removalTime(new Date('2026-01-01T23:59:59Z'))).toEqual(new Date('2026-01-03T00:00:00Z'));
});
