import { describe, expect, it } from 'vitest';
import type { SignUpAttempt } from '../../../src/accounts/account-options.js';
import { MemoryAccountStore } from '../../../src/accounts/memory-account-store.js';
import { AuthUnavailableError } from '../../../src/errors/auth-error.js';
import { loginOf, openLoginStand, owner, pendingSignUp, revokedUser } from '../../support/login-stand.js';
import { outcomeOf } from '../../support/outcome.js';
import { watchAccountStore } from '../../support/watched-account-store.js';

const email = owner.email;
const google = `${owner.provider} ${owner.subject}`;
/** The totp of an account, which a login by a provider does not ask for. */
const totp = { sealed: 'sealed', lastStep: 0, recoveryCodes: [] };

function openWatched() {
  const watched = watchAccountStore(new MemoryAccountStore());
  return { ...openLoginStand({ stores: [watched.store] }), watched };
}

describe('linking an identity', () => {
  it('adds it to the account, and begins a session of it', async () => {
    const stand = openLoginStand();
    const { id } = await stand.create({ email: 'ada@work.example', emailVerified: true });
    await stand.create({ email, emailVerified: true });
    expect((await stand.signIn(loginOf({}, { linkTo: id }))).userId).toBe(id);
    expect(stand.begun).toEqual([{ userId: id, isNewUser: false }]);
    expect(await stand.store.listIdentities(id)).toEqual([
      { provider: owner.provider, subject: owner.subject, email, linkedAt: stand.clock.now() },
    ]);
    expect(await stand.store.find(id)).toMatchObject({ email: 'ada@work.example' });
    // Again, which changes nothing.
    expect((await stand.signIn(loginOf({}, { linkTo: id }))).userId).toBe(id);
    expect(await stand.identitiesOf(id)).toEqual([google]);
  });

  it('is refused for one of another account, disabled or not', async () => {
    for (const status of ['enabled', 'disabled'] as const) {
      const stand = openLoginStand();
      const other = await stand.create({ identity: owner, status });
      const { id } = await stand.create();
      expect(await outcomeOf(stand.signIn(loginOf({}, { linkTo: id })))).toBe('IDENTITY_TAKEN');
      expect([await stand.identitiesOf(other.id), await stand.identitiesOf(id)]).toEqual([[google], []]);
      expect(stand.begun).toEqual([]);
    }
  });

  it('is refused where the account is disabled or gone', async () => {
    const stand = openLoginStand();
    const { id } = await stand.create({ status: 'disabled' });
    for (const linkTo of [id, '018e9a3e-0000-7000-8000-000000000000'])
      expect(await outcomeOf(stand.signIn(loginOf({}, { linkTo })))).toBe('LOGIN_REFUSED');
    expect(await stand.identitiesOf(id)).toEqual([]);
  });

  it('of a guest makes the guest a user, unless it belongs to another account', async () => {
    const stand = openLoginStand();
    const guest = await stand.create({ isAnonymous: true });
    expect((await stand.signIn(loginOf({}, { linkTo: guest.id }))).userId).toBe(guest.id);
    expect(await stand.store.find(guest.id)).toMatchObject({ isAnonymous: false, email });
    const another = await stand.create({ isAnonymous: true });
    expect(await outcomeOf(stand.signIn(loginOf({}, { linkTo: another.id })))).toBe('IDENTITY_TAKEN');
    expect(await stand.store.find(another.id)).toMatchObject({ isAnonymous: true });
    const disabled = await stand.create({ isAnonymous: true, status: 'disabled' });
    expect(await outcomeOf(stand.signIn(loginOf({ subject: 'g-2' }, { linkTo: disabled.id })))).toBe('LOGIN_REFUSED');
  });

  it.each([
    ['the account is taken over', { emailVerified: true }],
    ['the password is changed', { credentials: { passwordHash: 'another' } }],
    ['the account is disabled', { status: 'disabled' }],
  ] as const)('leaves no identity where %s at the same moment', async (_, change) => {
    const { watched, ...stand } = openWatched();
    const { id } = await stand.create({ email: 'ada@work.example' });
    watched.once('before', 'addIdentity', () => watched.store.change(id, (found) => ({ ...found, ...change })));
    expect(await outcomeOf(stand.signIn(loginOf({}, { linkTo: id })))).toBe('LOGIN_REFUSED');
    expect(await stand.identitiesOf(id)).toEqual([]);
    // Whatever changed the account decides about the session, which was there before.
    expect(stand.sessions.users.size).toBe(1);
  });

  it('leaves no identity where the session of the person has ended, and keeps it where that is unknown', async () => {
    const stand = openLoginStand();
    const { id } = await stand.create();
    const link = (error: Error) => outcomeOf(stand.signIn(loginOf({}, { linkTo: id }), () => Promise.reject(error)));
    expect(await link(revokedUser())).toBe('LOGIN_REFUSED');
    expect(await stand.identitiesOf(id)).toEqual([]);
    // What the login has kept before its session began.
    expect(stand.dropped).toEqual([`${id} google`]);
    expect(await link(new AuthUnavailableError('down'))).toBe('SERVER_ERROR');
    expect(await stand.identitiesOf(id)).toEqual([google]);
    expect(stand.dropped).toHaveLength(1);
  });

  it('finds out when another account gets the identity, or this one, at the same moment', async () => {
    for (const isOwn of [false, true]) {
      const { watched, ...stand } = openWatched();
      const [{ id }, other] = [await stand.create(), await stand.create()];
      const identity = { ...owner, linkedAt: stand.clock.now() };
      watched.once('before', 'addIdentity', () => watched.store.addIdentity(isOwn ? id : other.id, identity));
      const outcome = await outcomeOf(stand.signIn(loginOf({}, { linkTo: id })));
      expect(outcome).toBe(isOwn ? 'accepted' : 'IDENTITY_TAKEN');
      expect(await stand.identitiesOf(isOwn ? id : other.id)).toEqual([google]);
    }
  });
});

describe('a login with the address of an account', () => {
  const unproven = [
    ['not verified by a provider that vouches', { emailVerified: false }, {}],
    ['verified by a provider that does not vouch (nOAuth)', {}, { vouchesForEmail: false }],
    ['of a mailbox that only looks the same', { email: 'ａda@example.com' }, {}],
  ] as const;

  it('links the identity where the address is verified on both sides, in whatever case it is written', async () => {
    const stand = openLoginStand();
    const { id } = await stand.create({
      ...{ email: 'Ada@Example.com', emailVerified: true, name: 'Ada', identity: { provider: 'github' } },
      credentials: { passwordHash: 'a hash', totp },
    });
    const { id: sessionId } = await stand.sessions.begin(id);
    expect((await stand.signIn(loginOf({ name: 'Another' }))).userId).toBe(id);
    expect(stand.begun).toEqual([{ userId: id, isNewUser: false }]);
    expect(await stand.identitiesOf(id)).toEqual(['github h-1', google]);
    // What its owner has goes on.
    expect(await stand.store.find(id)).toMatchObject({ name: 'Ada', credentials: { passwordHash: 'a hash', totp } });
    expect(stand.sessions.users.has(sessionId)).toBe(true);
  });

  it.each(unproven)('%s links nothing, takes nothing over, and makes nothing', async (_, identity, login) => {
    for (const more of [
      { emailVerified: true },
      {},
      { credentials: { signUp: pendingSignUp } },
      { status: 'disabled' },
    ] as const) {
      const stand = openLoginStand();
      const { id } = await stand.create({ email, ...more });
      const before = await stand.store.find(id);
      const guest = await stand.create({ isAnonymous: true });
      for (const guestId of [null, guest.id])
        expect(await outcomeOf(stand.signIn(loginOf(identity, { ...login, guestId })))).toBe('EMAIL_TAKEN');
      expect(await stand.store.find(id)).toEqual(before);
      expect(await stand.accounts()).toHaveLength(2);
      expect([await stand.identitiesOf(id), await stand.identitiesOf(guest.id)]).toEqual([[], []]);
      expect(stand.begun).toEqual([]);
    }
  });

  it('is refused where that is disabled', async () => {
    for (const emailVerified of [true, false]) {
      const stand = openLoginStand();
      const { id } = await stand.create({ email, emailVerified, status: 'disabled', identity: {} });
      expect(await outcomeOf(stand.signIn())).toBe('LOGIN_REFUSED');
      expect(await stand.identitiesOf(id)).toEqual(['github h-1']);
    }
  });

  it('that was never verified takes it over, and what a stranger may have added ends', async () => {
    const stand = openLoginStand({ signUp: 'at-once', beforeSignUp: () => ({ customData: { by: 'the hook' } }) });
    const { id } = await stand.create({
      ...{ email, identity: { subject: 'mallory' }, name: 'Ada', customData: { plan: 'team' } },
      credentials: { passwordHash: "a stranger's", totp },
    });
    await stand.sessions.begin(id);
    expect((await stand.signIn(loginOf({ name: 'Another' }))).userId).toBe(id);
    expect(stand.begun).toEqual([{ userId: id, isNewUser: false }]);
    expect(await stand.identitiesOf(id)).toEqual([google]);
    expect(stand.sessions.countOf(id)).toBe(1);
    expect([new Set(stand.revoked), new Set(stand.dropped)]).toEqual([new Set([id]), new Set([id])]);
    expect(await stand.store.find(id)).toMatchObject({
      ...{ email, emailVerified: true, name: 'Ada', customData: { plan: 'team' }, credentials: {} },
    });
    expect(stand.events.map(({ type }) => type)).toEqual(['account-created', 'account-verified', 'signed-in']);
  });

  it('that was never verified takes it over, with what a stranger adds while that happens', async () => {
    const { watched, ...stand } = openWatched();
    const { id } = await stand.create({ email });
    watched.once('before', 'change', async () => {
      const linked = { provider: 'github', subject: 'mallory', email: null, linkedAt: stand.clock.now() };
      await watched.store.addIdentity(id, linked);
      await stand.sessions.begin(id);
    });
    expect((await stand.signIn()).userId).toBe(id);
    expect([await stand.identitiesOf(id), stand.sessions.countOf(id)]).toEqual([[google], 1]);
  });

  it('that somebody has only signed up with is a new user: nothing of the sign-up stays', async () => {
    const attempts: SignUpAttempt[] = [];
    const beforeSignUp = (attempt: SignUpAttempt) => {
      attempts.push(attempt);
      return { customData: { plan: 'free' } };
    };
    const stand = openLoginStand({ beforeSignUp });
    const { id } = await stand.create({ email, credentials: { signUp: pendingSignUp } });
    expect((await stand.signIn(loginOf({ name: 'Ada' }))).userId).toBe(id);
    expect(stand.begun).toEqual([{ userId: id, isNewUser: true }]);
    expect(await stand.store.find(id)).toMatchObject({
      ...{ name: 'Ada', username: null, emailVerified: true, customData: { plan: 'free' }, credentials: {} },
    });
    expect(attempts).toMatchObject([{ email, name: 'Ada', input: null }]);
  });

  it('finds out when the account is verified, or deleted, at the same moment', async () => {
    for (const isDeleted of [false, true]) {
      const { watched, ...stand } = openWatched();
      const { id } = await stand.create({ email, credentials: { passwordHash: 'a hash' } });
      watched.once('before', 'change', () =>
        isDeleted ? watched.store.delete(id) : watched.store.change(id, (found) => ({ ...found, emailVerified: true })),
      );
      const { userId } = await stand.signIn();
      expect(userId === id).toBe(!isDeleted);
      expect(await stand.identitiesOf(userId)).toEqual([google]);
      const { credentials } = (await stand.store.find(userId)) ?? {};
      expect(credentials).toEqual(isDeleted ? {} : { passwordHash: 'a hash' });
    }
  });

  it('leaves no identity where that gets another address at the same moment', async () => {
    const { watched, ...stand } = openWatched();
    const { id } = await stand.create({ email, emailVerified: true });
    const address = { email: 'eve@example.com', emailKey: 'eve@example.com' };
    watched.once('before', 'addIdentity', () => watched.store.change(id, (found) => ({ ...found, ...address })));
    expect(await outcomeOf(stand.signIn())).toBe('LOGIN_REFUSED');
    expect(await stand.identitiesOf(id)).toEqual([]);
  });
});
