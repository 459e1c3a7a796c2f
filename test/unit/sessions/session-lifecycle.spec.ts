import { describe, expect, it } from 'vitest';
import { AuthSettings } from '../../../src/auth-settings.js';
import { EncryptionKeys } from '../../../src/issuing/encryption-keys.js';
import { JwtSigner } from '../../../src/issuing/jwt-signer.js';
import { MemoryRevocationStore } from '../../../src/revocation/memory-revocation-store.js';
import { AccessTokens } from '../../../src/sessions/access-tokens.js';
import { MemorySessionStore } from '../../../src/sessions/memory-session-store.js';
import { IssuedSession, type Session } from '../../../src/sessions/session.js';
import { SessionLifecycle } from '../../../src/sessions/session-lifecycle.js';
import { readSessionTerms } from '../../../src/sessions/session-options.js';
import type { SessionLogin, SessionStore } from '../../../src/sessions/session-store.js';
import type { SessionSubject } from '../../../src/sessions/session-subject.js';
import { openApp } from '../../support/shared-signing-keys.js';
import { issuer, openRevocation, tokenOf } from '../revocation/opened-revocation.js';

function open({ store = new MemorySessionStore() }: { store?: SessionStore } = {}) {
  const { clock, start: startKeys } = openApp();
  const keys = startKeys();
  const terms = readSessionTerms('S', { issuer }, new AuthSettings('https://api.example.com', [], clock));
  const revocation = openRevocation(new MemoryRevocationStore(clock), { clock });
  const users = new Map<string, SessionSubject>([['alice', { id: 'alice', roles: ['admin'] }]]);
  const encryptionKeys = EncryptionKeys.random();
  const lifecycle = new SessionLifecycle({
    terms,
    accessTokens: new AccessTokens(terms, new JwtSigner(() => keys)),
    revocation: revocation.service,
    clock,
    report: () => undefined,
    findStore: () => store,
    findEncryptionKeys: () => encryptionKeys,
    findSubjects: () => ({ findSubject: (id) => users.get(id) ?? null }),
  });
  const start = (login: SessionLogin | null = null, parts: { remember?: boolean; userId?: string } = {}) =>
    lifecycle.start(
      { id: parts.userId ?? 'alice' },
      {
        ...{ amr: ['fed'], login, delivery: 'cookies', deliversBy: 'cookies', remember: parts.remember ?? true },
        ...{ userAgent: null, ipAddress: null, isNewUser: false, replacedId: null },
      },
    );
  const reasonOf = async ({ id }: Session) => (await store.find(id))?.endReason;
  const judge = ({ id }: Session) => revocation.judge(tokenOf(clock, { sid: id }));
  return { clock, store, users, lifecycle, start, reasonOf, judge };
}

const corp = (subject: string, sessionId: string | null = null) => ({ provider: 'corp', subject, sessionId });

describe('the end of a login at a provider', () => {
  it('ends the sessions of its session there, and revokes their tokens', async () => {
    const { start, lifecycle, reasonOf, judge } = open();
    const [first, second] = [await start(corp('anna', 's1')), await start(corp('anna', 's1'))];
    const others = [
      await start(corp('anna', 's2')),
      await start({ ...corp('anna', 's1'), provider: 'x' }),
      await start(),
    ];
    await lifecycle.endOfLogin('corp', { sessionId: 's1' });
    for (const ended of [first, second]) {
      expect(await reasonOf(ended)).toBe('provider-signed-out');
      expect(judge(ended)).toBe('INVALID_TOKEN revoked');
    }
    for (const other of others) expect([await reasonOf(other), judge(other)]).toEqual([null, 'passed']);
  });

  it('ends all sessions of a person, however many there are', async () => {
    const { start, lifecycle, reasonOf, judge } = open();
    const sessions = await Promise.all(Array.from({ length: 253 }, (_, at) => start(corp('anna', `s${at}`))));
    const other = await start(corp('ben'));
    await lifecycle.endOfLogin('corp', { subject: 'anna' });
    const reasons = await Promise.all(sessions.map(reasonOf));
    expect(new Set(reasons)).toEqual(new Set(['provider-signed-out']));
    expect(new Set(sessions.map(judge))).toEqual(new Set(['INVALID_TOKEN revoked']));
    expect([await reasonOf(other), judge(other)]).toEqual([null, 'passed']);
  });

  it('changes nothing where no session began by it', async () => {
    const { start, lifecycle, reasonOf } = open();
    const session = await start(corp('anna'));
    await lifecycle.endOfLogin('corp', { subject: 'nobody' });
    await lifecycle.endOfLogin('corp', { sessionId: 's1' });
    expect(await reasonOf(session)).toBeNull();
  });

  it('is given up where a store lists sessions that it does not end', async () => {
    class EndlessStore extends MemorySessionStore {
      override listByLogin(): Promise<readonly string[]> {
        return Promise.resolve(new Array<string>(100).fill('unknown'));
      }

      override end(): Promise<boolean> {
        return Promise.resolve(false);
      }
    }
    const { lifecycle } = open({ store: new EndlessStore() });
    await expect(lifecycle.endOfLogin('corp', { subject: 'anna' })).rejects.toMatchObject({ code: 'SERVER_ERROR' });
  });
});

describe('tokens that are issued again', () => {
  it('are a new access token and the current refresh token, which stays the current one', async () => {
    const { start, lifecycle, store } = open();
    const begun = await start(corp('anna'), { remember: false });
    const refreshed = await lifecycle.refresh(begun.refreshToken, { place: null, choice: null });
    const before = await store.find(begun.id);
    const again = await lifecycle.reissue(begun.id);
    expect(again).toMatchObject({ id: begun.id, userId: 'alice', refreshToken: refreshed.refreshToken });
    expect(again?.accessToken).not.toBe(refreshed.accessToken);
    expect(await store.find(begun.id)).toEqual(before);
    const details = again === null ? null : IssuedSession.detailsOf(again);
    expect(details).toMatchObject({ remember: false, delivery: 'cookies', isNewUser: false });
    expect(details?.idleExpiresAt).toEqual(before?.idleExpiresAt);
    await expect(lifecycle.refresh(again?.refreshToken ?? '', { place: null, choice: null })).resolves.toMatchObject({
      id: begun.id,
    });
  });

  it('are none for a session that is not there, has ended or has expired', async () => {
    const { start, lifecycle, clock } = open();
    const [ended, expired] = [await start(), await start()];
    await lifecycle.end(ended.id, 'signed-out');
    expect(await lifecycle.reissue(ended.id)).toBeNull();
    expect(await lifecycle.reissue('01950000-0000-7000-8000-000000000000')).toBeNull();
    expect(await lifecycle.reissue('no id')).toBeNull();
    expect(await lifecycle.reissue(expired.id)).not.toBeNull();
    clock.advanceSeconds(400 * 86_400);
    expect(await lifecycle.reissue(expired.id)).toBeNull();
  });

  it('are none for a user whom the app does not know any more, and the session ends', async () => {
    const { start, lifecycle, users, reasonOf, judge } = open();
    const session = await start();
    users.clear();
    expect(await lifecycle.reissue(session.id)).toBeNull();
    expect([await reasonOf(session), judge(session)]).toEqual(['user-gone', 'INVALID_TOKEN revoked']);
  });
});
