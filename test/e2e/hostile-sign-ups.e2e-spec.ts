/** What strangers try with sign-ups, links and changes of addresses, on both platforms. */
import { request as httpRequest } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';

import { email, password } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { type MailApp, outcome, post, startMailApp } from '../support/mail-app.js';
import type { SessionClient } from '../support/session-app.js';

const evil = 'mallory@evil.example';
const free = 'nobody@example.com';

describe.each(platforms)('a stranger on $name', (platform) => {
  let stand: MailApp;

  beforeEach(async () => {
    stand = await startMailApp(platform);
  });

  const signedIn = async (): Promise<SessionClient> => {
    const browser = stand.client();
    expect((await post(browser, 'sign-in', { email, password })).status).toBe(200);
    return browser;
  };

  it.each([
    ['a username that the sign-up would have taken', async (client: SessionClient) => post(client, 'anonymous')],
  ])('learns nothing about an address from %s, or from the account of a guest', async (_, begin) => {
    await stand.accounts.create({ email, emailVerified: true });
    const seen = [];
    for (const address of [email, free]) {
      const guest = stand.client();
      await begin(guest);
      await post(guest, 'sign-up', { email: address, password, username: `probe-${address[0]}` });
      const { user } = (await guest.call('/auth/me')).json as { user: Record<string, unknown> };
      const probe = { email: `probe-${address}`, password, username: `probe-${address[0]}` };
      const taken = await post(stand.client(), 'sign-up', probe);
      seen.push([taken.status, { ...user, id: '' }]);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]?.[0]).toBe(409);
  });

  it('changes nothing of an account by signing up for its address that was never verified', async () => {
    const groups = stand.groups;
    const made = await stand.accounts.create({
      email,
      username: 'ada',
      name: 'Ada',
      password,
      customData: { plan: 'team' },
    });
    await groups.create({ name: 'staff' });
    await groups.addMember('staff', made.id);
    const before = await stand.accounts.find(made.id);
    await post(stand.client(), 'sign-up', {
      email,
      password: 'strangers horse battery',
      username: 'x1',
      name: 'Visit us',
    });
    expect({ ...(await stand.accounts.find(made.id)), updatedAt: null }).toEqual({ ...before, updatedAt: null });
    expect(outcome(await post(stand.client(), 'sign-up', { email: evil, password, username: 'ada' }))[1]).toBe(
      'USERNAME_TAKEN',
    );
    expect(await stand.accounts.verifyPassword(email, password)).not.toBeNull();
  });

  it('gets no account of somebody else by an address that is compared as the same', async () => {
    const { id } = await stand.accounts.create({ email: 'kim@example.com' });
    const stranger = stand.client();
    await post(stranger, 'sign-up', { email: '\u212Aim@example.com', password });
    expect(stand.mailbox.all.map(({ kind, to }) => [kind, to])).toEqual([['account-exists', 'kim@example.com']]);
    expect((await stand.accounts.find(id))?.email).toBe('kim@example.com');
  });

  it.each([
    ['a new password from the support', (id: string) => stand.accounts.setPassword(id, 'another horse battery')],
    [
      'disabling the account for a while',
      async (id: string) => {
        await stand.accounts.disable(id);
        await stand.accounts.enable(id);
      },
    ],
    ['signing out everywhere', (id: string) => stand.service.endAll(id)],
    ['another address from the app', (id: string) => stand.accounts.update(id, { email: 'ada@new.example' })],
  ])('with a stolen session loses the change of the address by %s', async (_, recover) => {
    const { id } = await stand.accounts.create({ email, emailVerified: true, password });
    const thief = await signedIn();
    expect((await post(thief, 'email/change', { email: evil })).status).toBe(202);
    await recover(id);
    if (outcome(await post(thief, 'email/verify', { code: stand.linkCode(evil) }))[0] === 200) expect.unreachable();
    expect((await stand.accounts.find(id))?.email).not.toBe(evil);
  });

  it('gets the account of no guest by sending a magic link to the guest', async () => {
    const guest = stand.client();
    const { id } = ((await post(guest, 'anonymous')).json as { user: { id: string } }).user;
    await post(stand.client(), 'magic-link', { email: evil });
    await post(guest, 'magic-link/confirm', { code: stand.linkCode(evil) });
    expect(await stand.accounts.find(id)).toMatchObject({ isAnonymous: true, email: null });
  });

  it('as a guest gets neither an address nor a password without signing up', async () => {
    const guest = stand.client();
    await post(guest, 'anonymous');
    expect(outcome(await post(guest, 'email/change', { email: evil }))).toEqual([403, 'ACCESS_DENIED']);
    expect(outcome(await post(guest, 'password/change', { password }))).toEqual([403, 'ACCESS_DENIED']);
  });

  it('finishes no request that waited for its body until the session had ended', async () => {
    const own = await startMailApp(platform, {}, { bodyParser: false });
    const { id } = await own.accounts.create({ email, emailVerified: true, password });
    const thief = await own.signIn();
    const url = new URL('/auth/email/change', own.app.url);
    const answer = new Promise<number | undefined>((resolve, reject) => {
      const call = httpRequest(
        url,
        {
          method: 'POST',
          headers: { Authorization: `Bearer ${thief.accessToken}`, 'Content-Type': 'application/json' },
        },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      call.once('error', reject);
      call.write('{ "email": ');
      void own.service.endAll(id).then(() => call.end(`"${evil}" }`));
    });
    expect(await answer).toBe(401);
    expect(own.mailbox.last(evil)).toBeNull();
  });

  it('cannot delete an account that its owner verifies at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const address = `owner${round}@example.com`;
      const owner = stand.client();
      await post(owner, 'sign-up', { email: address, password });
      const code = stand.linkCode(address);
      stand.clock.advanceSeconds(601);
      const stranger = stand.client();
      await post(stranger, 'anonymous');
      const [verified] = await Promise.all([
        post(owner, 'email/verify', { code }),
        post(stranger, 'sign-up', { email: address, password: 'strangers horse battery' }),
      ]);
      if (verified.status === 200) {
        expect(await stand.accounts.findByEmail(address)).toMatchObject({ emailVerified: true, hasPassword: true });
        expect(await stand.accounts.verifyPassword(address, password)).not.toBeNull();
      } else {
        expect(outcome(verified)[1]).toMatch(/INVALID_CODE|PASSWORD_REQUIRED/);
      }
    }
  });
});

describe.each(platforms)('a person on $name', (platform) => {
  let stand: MailApp;

  beforeEach(async () => {
    stand = await startMailApp(platform, {
      beforeSignUp: () => ({ customData: { plan: 'free' } }),
    });
  });

  const beginAsGuest = async (): Promise<{ guest: SessionClient; id: string }> => {
    const guest = stand.client();
    const { id } = ((await post(guest, 'anonymous')).json as { user: { id: string } }).user;
    await stand.accounts.patchCustomData(id, { cart: 1 });
    return { guest, id };
  };

  it.each(['email/verify', 'magic-link/confirm'])(
    'who is a guest keeps id and data by %s, beside what the app adds, though a stranger has signed up for the address',
    async (path) => {
      await post(stand.client(), 'sign-up', { email, password: 'strangers horse battery', name: 'Mallory' });
      stand.clock.advanceSeconds(61);
      const { guest, id } = await beginAsGuest();
      await post(guest, path === 'email/verify' ? 'sign-up' : 'magic-link', {
        email,
        ...(path === 'email/verify' && { password }),
      });
      const answer = await post(guest, path, { code: stand.linkCode(email) });
      expect(answer.json).toMatchObject({ is_new_user: true, user: { id, email, emailVerified: true, name: null } });
      expect((await stand.accounts.find(id))?.customData).toEqual({ cart: 1, plan: 'free' });
      expect((await stand.accounts.list()).items).toHaveLength(1);
    },
  );

  it('who is a guest gets the account that the app has prepared since, and not that of the guest', async () => {
    const { guest, id } = await beginAsGuest();
    await post(guest, 'sign-up', { email, password });
    const made = (await stand.accounts.findByEmail(email))?.id ?? '';
    await stand.groups.create({ name: 'staff' });
    await stand.groups.addMember('staff', made);
    const answer = await post(guest, 'email/verify', { code: stand.linkCode(email) });
    expect(answer.json).toMatchObject({ user: { id: made, roles: ['staff'], hasPassword: true } });
    expect((await stand.accounts.find(id))?.customData).toEqual({ cart: 1 });
  });

  it('who signs up and comes by a magic link is asked about by the app again', async () => {
    await post(stand.client(), 'sign-up', { email, password });
    stand.clock.advanceSeconds(61);
    await post(stand.client(), 'magic-link', { email });
    const answer = await post(stand.client(), 'magic-link/confirm', { code: stand.linkCode(email) });
    expect(answer.json).toMatchObject({ is_new_user: true });
    expect((await stand.accounts.findByEmail(email))?.customData).toEqual({ plan: 'free' });
  });

  it('who corrects a sign-up in the same browser within a minute gets what was corrected', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password: 'mistyped horse battery', name: 'Adda' });
    await post(browser, 'sign-up', { email, password, name: 'Ada' });
    expect(stand.mailbox.all).toHaveLength(1);
    const answer = await post(browser, 'email/verify', { code: stand.linkCode(email) });
    expect(answer.json).toMatchObject({ user: { name: 'Ada' } });
    await stand.signIn();
  });

  it('who signed up has nothing that was attached to the account before', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password });
    const account = await stand.accounts.findByEmail(email);
    await stand.accounts.linkIdentity(account?.id ?? '', { provider: 'lax', subject: 'mallory' });
    await post(browser, 'email/verify', { code: stand.linkCode(email) });
    expect(await stand.accounts.findByIdentity('lax', 'mallory')).toBeNull();
    await stand.signIn();
  });

  it('whose address the app has verified has no password of an old sign-up', async () => {
    await post(stand.client(), 'sign-up', { email, password: 'strangers horse battery' });
    const account = await stand.accounts.findByEmail(email);
    const id = account?.id ?? '';
    await stand.accounts.update(id, { emailVerified: true });
    await stand.accounts.setPassword(id, password);
    await stand.accounts.update(id, { email: 'ada@new.example' });
    await post(stand.client(), 'email/send-verification', { email: 'ada@new.example' });
    const code = stand.linkCode('ada@new.example');
    const old = await post(stand.client(), 'email/verify', { code, password: 'strangers horse battery' });
    expect(outcome(old)).toEqual([401, 'PASSWORD_REQUIRED']);
    expect((await post(stand.client(), 'email/verify', { code, password })).status).toBe(200);
  });

  it('who has a username before the address is verified keeps it', async () => {
    const { id } = await stand.accounts.create({ email });
    await post(stand.client(), 'sign-up', { email, password, username: 'ada' });
    const browser = stand.client();
    stand.clock.advanceSeconds(61);
    await post(browser, 'sign-up', { email, password, username: 'ada' });
    await stand.accounts.update(id, { username: 'ada' });
    expect((await post(browser, 'email/verify', { code: stand.linkCode(email) })).json).toMatchObject({
      user: { id, username: 'ada' },
    });
  });

  it('who has a name that somebody else took meanwhile is told, and the code stays valid', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password, username: 'ada' });
    const other = await stand.accounts.create({ email: 'other@example.com', username: 'ada' });
    const code = stand.linkCode(email);
    expect(outcome(await post(browser, 'email/verify', { code }))).toEqual([409, 'USERNAME_TAKEN']);
    await stand.accounts.update(other.id, { username: null });
    expect((await post(browser, 'email/verify', { code })).json).toMatchObject({ user: { username: 'ada' } });
  });
});
