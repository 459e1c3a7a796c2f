import { ForbiddenException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import type { SignUpAttempt } from '../../../src/accounts/account-options.js';
import { MemoryAccountStore } from '../../../src/accounts/memory-account-store.js';
import { AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import { loginOf, openLoginStand, owner, pendingSignUp, revokedUser } from '../../support/login-stand.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

const email = owner.email;
const google = `${owner.provider} ${owner.subject}`;
/** The totp of an account, which a login by a provider does not ask for. */
const totp = { sealed: 'sealed', lastStep: 0, recoveryCodes: [] };

describe('a login whose identity is linked', () => {
  it('begins a session of the account that has it, whatever the provider says of the address', async () => {
    const stand = openLoginStand({ signUp: false });
    const { id } = await stand.create({ identity: owner, email: 'ada@old.example', emailVerified: true });
    await stand.create({ email, emailVerified: true });
    for (const emailVerified of [true, false]) {
      expect((await stand.signIn(loginOf({ emailVerified, name: 'Another' }))).userId).toBe(id);
    }
    expect(stand.begun).toEqual([1, 2].map(() => ({ userId: id, isNewUser: false })));
    expect(await stand.store.find(id)).toMatchObject({ name: null, email: 'ada@old.example' });
    expect(await stand.accounts()).toHaveLength(2);
  });

  it('is that of the provider and the subject together', async () => {
    const stand = openLoginStand();
    const { id } = await stand.create({ identity: owner });
    for (const other of [{ provider: 'github' }, { subject: 'G-1' }, { subject: 'g-1 ' }])
      expect((await stand.signIn(loginOf({ ...other, email: null }))).userId).not.toBe(id);
  });

  it('notes the sign-in and the network', async () => {
    const stand = openLoginStand();
    const { id } = await stand.create({ identity: owner });
    stand.clock.advanceSeconds(60);
    await stand.signIn();
    expect((await stand.store.find(id))?.lastSignInAt).toEqual(stand.clock.now());
    expect(stand.events.filter(({ type }) => type === 'signed-in')).toMatchObject([{ accountId: id }]);
    // What others do in the network does not lock out whoever has signed in from it.
    const judge = (login: string, accountId: string | null, isRight: boolean) =>
      outcomeOf(
        stand.limits.judge({ login, network: '192.0.2.1', accountId }, () =>
          isRight ? Promise.resolve(true) : Promise.reject(RefusalError.of('INVALID_CREDENTIALS', 'wrong')),
        ),
      );
    for (let at = 0; at < 100; at += 1) await judge(`eve${at}`, null, false);
    expect([await judge('bob', null, true), await judge('ada', id, true)]).toEqual(['TOO_MANY_ATTEMPTS', 'accepted']);
  });

  it('is refused where the account is disabled, and begins nothing', async () => {
    const stand = openLoginStand();
    await stand.create({ identity: owner, status: 'disabled' });
    expect(await outcomeOf(stand.signIn())).toBe('LOGIN_REFUSED');
    expect(stand.begun).toEqual([]);
  });

  it('asks for no second factor', async () => {
    const stand = openLoginStand();
    await stand.create({ identity: owner, credentials: { passwordHash: 'a hash', totp } });
    expect(await outcomeOf(stand.signIn())).toBe('accepted');
  });

  it.each([
    ['disabled', { status: 'disabled' }],
    ['changed in its password', { credentials: { passwordHash: 'another' } }],
    ['changed in its address', { email: 'ada@new.example', emailKey: 'ada@new.example' }],
  ] as const)('ends the session where the account is %s meanwhile', async (_, change) => {
    const stand = openLoginStand();
    const { id } = await stand.create({ identity: owner, email, emailVerified: true });
    const begin = async () => {
      await stand.store.change(id, (found) => ({ ...found, ...change }));
      return await stand.sessions.begin(id);
    };
    expect(await outcomeOf(stand.signIn(loginOf(), begin))).toBe('LOGIN_REFUSED');
    expect([stand.sessions.started, stand.sessions.countOf(id)]).toEqual([1, 0]);
    // What was linked before stays so.
    expect(await stand.identitiesOf(id)).toEqual([google]);
  });

  it('ends the session where the identity is unlinked, or the account deleted, meanwhile', async () => {
    for (const end of ['removeIdentity', 'delete'] as const) {
      const stand = openLoginStand();
      const { id } = await stand.create({ identity: owner });
      const begin = async () => {
        if (end === 'delete') await stand.store.delete(id);
        else await stand.store.removeIdentity(id, owner.provider, owner.subject);
        return await stand.sessions.begin(id);
      };
      expect(await outcomeOf(stand.signIn(loginOf(), begin))).toBe('LOGIN_REFUSED');
      expect(stand.sessions.users.size).toBe(0);
      expect(stand.events.map(({ type }) => type)).not.toContain('signed-in');
    }
  });

  it('is refused where the app does not let the user in; other errors of the session stay what they are', async () => {
    const stand = openLoginStand();
    await stand.create({ identity: owner });
    const failing = (error: Error) => errorOf(stand.signIn(loginOf(), () => Promise.reject(error)));
    expect((await failing(revokedUser()))?.code).toBe('LOGIN_REFUSED');
    const down = new AuthUnavailableError('down');
    expect(await failing(down)).toBe(down);
    const otherSite = RefusalError.otherSite('of another site');
    expect(await failing(otherSite)).toBe(otherSite);
  });
});

describe('a login of somebody without an account', () => {
  it('makes one with its identity, and what the provider and the app tell', async () => {
    const attempts: SignUpAttempt[] = [];
    const beforeSignUp = (attempt: SignUpAttempt) => {
      attempts.push(attempt);
      return { customData: { plan: 'free' } };
    };
    const stand = openLoginStand({ beforeSignUp });
    const profile = {
      ...{ name: 'Ada Lovelace', givenName: 'Ada', familyName: 'Lovelace' },
      pictureUrl: 'https://pictures.example/ada.png',
    };
    const request = { of: 'the framework' };
    const { userId } = await stand.signIn(loginOf({ ...profile, email: 'Ada@example.com' }, { request }));
    expect(stand.begun).toEqual([{ userId, isNewUser: true }]);
    expect(await stand.accounts()).toMatchObject([
      {
        ...{ id: userId, email: 'Ada@example.com', emailKey: email, emailVerified: true, username: null, ...profile },
        ...{ isAnonymous: false, customData: { plan: 'free' }, credentials: {}, nameKey: 'ada lovelace' },
      },
    ]);
    expect(await stand.identitiesOf(userId)).toEqual([google]);
    expect(attempts).toEqual([{ email: 'Ada@example.com', name: 'Ada Lovelace', input: null, request }]);
    expect(stand.events.map(({ type }) => type)).toEqual(['account-created', 'signed-in']);
  });

  it.each([
    ['does not vouch', {}, { vouchesForEmail: false }],
    ['says that it is not verified', { emailVerified: false }, {}],
    ['tells none', { email: null }, {}],
    ['tells none that is one', { email: 'ada' }, {}],
  ] as const)('has no address where the provider %s', async (_, identity, login) => {
    const seen: unknown[] = [];
    const stand = openLoginStand({ beforeSignUp: ({ email: given }) => void seen.push(given) });
    const { userId } = await stand.signIn(loginOf(identity, login));
    expect(await stand.store.find(userId)).toMatchObject({ email: null, emailKey: null, emailVerified: false });
    expect(seen).toEqual([null]);
    const again = await stand.signIn(loginOf({ ...identity, subject: 'g-2' }, login));
    expect(again.userId).not.toBe(userId);
  });

  it('drops what no account can have', async () => {
    const stand = openLoginStand();
    const strange = { name: 'x'.repeat(201), givenName: '', familyName: '\uD800', pictureUrl: 'javascript:alert(1)' };
    const { userId } = await stand.signIn(loginOf(strange));
    const none = { name: null, nameKey: null, givenName: null, familyName: null, pictureUrl: null };
    expect(await stand.store.find(userId)).toMatchObject({ ...none, email });
  });

  it('is refused where the id at the provider is none', async () => {
    const stand = openLoginStand();
    for (const subject of ['', 'x'.repeat(256), '\uD800'])
      expect(await outcomeOf(stand.signIn(loginOf({ subject })))).toBe('LOGIN_REFUSED');
    expect(await stand.accounts()).toEqual([]);
  });

  it('is refused where nobody may sign up, guests and half-made sign-ups included, and the app is not asked', async () => {
    const stand = openLoginStand({
      signUp: false,
      beforeSignUp: () => {
        throw new ForbiddenException();
      },
    });
    const guest = await stand.create({ isAnonymous: true });
    const signUp = await stand.create({ email: 'eve@example.com', credentials: { signUp: pendingSignUp } });
    for (const login of [loginOf(), loginOf({}, { guestId: guest.id }), loginOf({ email: 'eve@example.com' })])
      expect(await outcomeOf(stand.signIn(login))).toBe('LOGIN_REFUSED');
    expect(await stand.accounts()).toEqual([signUp, guest]);
    expect([await stand.identitiesOf(guest.id), await stand.identitiesOf(signUp.id)]).toEqual([[], []]);
  });

  it('is answered with what the app throws, and makes nothing', async () => {
    const declined = new ForbiddenException('Not here');
    const stand = openLoginStand({
      beforeSignUp: () => {
        throw declined;
      },
    });
    const guest = await stand.create({ isAnonymous: true });
    for (const guestId of [null, guest.id]) await expect(stand.signIn(loginOf({}, { guestId }))).rejects.toBe(declined);
    expect(await stand.accounts()).toEqual([guest]);
    expect(await stand.identitiesOf(guest.id)).toEqual([]);
  });

  it('by two providers that vouch for one address has one account with two identities', async () => {
    const stand = openLoginStand();
    const { userId } = await stand.signIn();
    expect((await stand.signIn(loginOf({ provider: 'github', subject: 'h-9' }))).userId).toBe(userId);
    expect(await stand.identitiesOf(userId)).toEqual([google, 'github h-9']);
  });

  it('makes one account for 50 at once, and asks the app once for each', async () => {
    for (const login of [loginOf(), loginOf({}, { vouchesForEmail: false })]) {
      let asked = 0;
      const stand = openLoginStand({ beforeSignUp: () => void (asked += 1) });
      const sessions = await Promise.all(Array.from({ length: 50 }, () => stand.signIn(login)));
      expect(new Set(sessions.map(({ userId }) => userId)).size).toBe(1);
      expect(await stand.accounts()).toHaveLength(1);
      expect(stand.begun.filter(({ isNewUser }) => isNewUser)).toHaveLength(1);
      expect(stand.sessions.users.size).toBe(50);
      expect(asked).toBeLessThanOrEqual(50);
    }
  });

  it('is answered with 503 where the account is changed again and again', async () => {
    class RestlessStore extends MemoryAccountStore {
      override create(): Promise<'identity'> {
        return Promise.resolve('identity');
      }
    }
    let asked = 0;
    const stand = openLoginStand({ stores: [new RestlessStore()], beforeSignUp: () => void (asked += 1) });
    const error = await errorOf(stand.signIn());
    expect(error).toMatchObject({ code: 'SERVER_ERROR', retryAfterSeconds: 1 });
    expect(asked).toBe(1);
  });
});
