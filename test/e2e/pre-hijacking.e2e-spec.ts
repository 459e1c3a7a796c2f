/**
 * Accounts that a stranger makes with somebody else's address, before its owner comes (Sudhodanan and Paverd, "Pre-hijacked accounts",
 * USENIX Security 2022). Each story is told with the ways in which the owner may come.
 */
import { ApiKeyService, ApiKeysModule, apiKeys } from 'nest-gatehouse/api-keys';
import { ownTokens } from 'nest-gatehouse/sessions';
import { ProviderTokenStore } from 'nest-gatehouse/sql';
import { beforeEach, describe, expect, it } from 'vitest';

import { email, password } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { type MailApp, outcome, post, startMailApp } from '../support/mail-app.js';
import { comeByProvider } from '../support/provider-login.js';
import type { SessionClient } from '../support/session-app.js';

const strangers = 'strangers horse battery';
const strangersAddress = 'mallory@example.com';

/** How the owner of the address comes. Each gives the browser in which the owner is signed in. */
const ways: readonly { readonly way: string; readonly come: (stand: MailApp) => Promise<SessionClient> }[] = [
  {
    way: 'a magic link',
    come: async (stand) => {
      const owner = stand.client();
      await post(owner, 'magic-link', { email });
      expect((await post(owner, 'magic-link/confirm', { code: stand.linkCode(email) })).status).toBe(200);
      return owner;
    },
  },
  {
    way: 'a new password',
    come: async (stand) => {
      const owner = stand.client();
      await post(owner, 'password/forgot', { email });
      const reset = await post(owner, 'password/reset', { code: stand.linkCode(email), password });
      expect(reset.status).toBe(204);
      expect((await post(owner, 'sign-in', { email, password })).status).toBe(200);
      return owner;
    },
  },
  { way: 'a provider that vouches for it', come: (stand) => comeByProvider(stand) },
];

describe.each(platforms)('on $name', (platform) => {
  describe.each(ways)('when its owner comes by $way, an account that a stranger made', ({ come }) => {
    let stand: MailApp;
    let stranger: SessionClient;
    let id: string;

    beforeEach(async () => {
      stand = await startMailApp(
        platform,
        { signUp: 'at-once' },
        { auth: { issuers: [ownTokens(), apiKeys()] }, imports: [ApiKeysModule.forRoot({ prefix: 'acme' })] },
      );
      stranger = stand.client();
      const answer = await post(stranger, 'sign-up', { email, password: strangers });
      id = (answer.json as { user: { id: string } }).user.id;
    });

    const expectOwned = async (owner: SessionClient) => {
      expect((await owner.call('/auth/me')).json).toMatchObject({ user: { id, email, emailVerified: true } });
      expect(stand.events.map(({ type }) => type)).toContain('account-verified');
    };

    it('has no password of the stranger any more (classic-federated merge)', async () => {
      await expectOwned(await come(stand));
      const answer = await post(stand.client(), 'sign-in', { email, password: strangers });
      expect(outcome(answer)).toEqual([401, 'INVALID_CREDENTIALS']);
    });

    it('has no session of the stranger any more (unexpired session)', async () => {
      expect((await stranger.call('/me')).status).toBe(200);
      await expectOwned(await come(stand));
      expect((await stranger.call('/me')).status).toBe(401);
      expect((await stranger.refresh()).status).toBe(401);
    });

    it('has no identity and no API key of the stranger any more (trojan identifier)', async () => {
      await stand.accounts.linkIdentity(id, { provider: 'github', subject: 'mallory' });
      const tokens = stand.app.nest.get<ProviderTokenStore>(ProviderTokenStore);
      await tokens.save(id, 'github', Buffer.alloc(9), stand.clock.now());
      const { text } = await stand.app.nest.get(ApiKeyService).create({ userId: id });
      const callWithKey = () => stand.app.call('/me', { token: text });
      expect((await callWithKey()).json).toMatchObject({ id });
      await expectOwned(await come(stand));
      expect(await stand.accounts.findByIdentity('github', 'mallory')).toBeNull();
      expect(await tokens.find(id, 'github')).toBeNull();
      expect((await callWithKey()).status).toBe(401);
    });

    it('has no change to an address of the stranger under way any more (unexpired e-mail change)', async () => {
      await post(stranger, 'email/change', { email: strangersAddress });
      const code = stand.linkCode(strangersAddress);
      await expectOwned(await come(stand));
      const late = await post(stranger, 'email/verify', { code, password: strangers });
      expect(outcome(late)).toEqual([400, 'INVALID_CODE']);
      expect((await stand.accounts.find(id))?.email).toBe(email);
    });

    it('has no identity of a provider that did not verify the address any more (non-verifying provider)', async () => {
      const other = await stand.accounts.create({ email: 'bob@example.com' });
      await stand.accounts.linkIdentity(other.id, { provider: 'lax', subject: 'mallory' });
      await post(stand.client(), 'magic-link', { email: 'bob@example.com' });
      const owner = stand.client();
      await post(owner, 'magic-link/confirm', { code: stand.linkCode('bob@example.com') });
      expect((await owner.call('/auth/me')).json).toMatchObject({ user: { id: other.id, emailVerified: true } });
      expect(await stand.accounts.findByIdentity('lax', 'mallory')).toBeNull();
    });
  });

  describe.each(['verify-first', 'at-once'] as const)('with signUp: %j, the owner of an address', (signUp) => {
    let stand: MailApp;

    beforeEach(async () => {
      stand = await startMailApp(platform, { signUp });
      await post(stand.client(), 'sign-up', { email, password: strangers });
      stand.clock.advanceSeconds(61);
      if (signUp === 'at-once') await post(stand.client(), 'email/send-verification', { email });
    });

    it("verifies nothing for a stranger by clicking the link of the stranger's mail", async () => {
      const owner = stand.client();
      const code = stand.linkCode(email);
      expect(outcome(await post(owner, 'email/verify', { code }))).toEqual([401, 'PASSWORD_REQUIRED']);
      expect(outcome(await post(owner, 'email/verify', { code, password }))).toEqual([401, 'PASSWORD_REQUIRED']);
      expect((await stand.accounts.findByEmail(email))?.emailVerified).toBe(false);
      const strangersSignIn = await post(stand.client(), 'sign-in', { email, password: strangers });
      expect(strangersSignIn.status).toBe(signUp === 'at-once' ? 200 : 401);
    });

    it('verifies nothing for a stranger from a browser in which the owner has signed up for something else', async () => {
      const owner = stand.client();
      await post(owner, 'sign-up', { email: 'owner@example.com', password });
      expect(outcome(await post(owner, 'email/verify', { code: stand.linkCode(email) }))[1]).toBe('PASSWORD_REQUIRED');
    });
  });

  it('an account of a provider that a stranger signs up for again belongs to whoever verifies the address', async () => {
    const stand = await startMailApp(platform);
    const { id } = await stand.accounts.create({ email });
    await stand.accounts.linkIdentity(id, { provider: 'lax', subject: 'mallory' });
    const session = await stand.service.start(id);
    const owner = stand.client();
    await post(owner, 'sign-up', { email, password });
    expect((await post(owner, 'email/verify', { code: stand.linkCode(email) })).status).toBe(200);
    expect(await stand.accounts.findByIdentity('lax', 'mallory')).toBeNull();
    expect((await stand.app.call('/me', { token: session.accessToken })).status).toBe(401);
    await stand.signIn();
  });

  it('a guest of another browser who signed up for the address gains nothing', async () => {
    const stand = await startMailApp(platform);
    const stranger = stand.client();
    const guest = (await post(stranger, 'anonymous')).json as { user: { id: string } };
    await post(stranger, 'sign-up', { email, password: strangers });
    stand.clock.advanceSeconds(61);
    const owner = stand.client();
    await post(owner, 'magic-link', { email });
    const confirmed = await post(owner, 'magic-link/confirm', { code: stand.linkCode(email) });
    expect(confirmed.status).toBe(200);
    expect((confirmed.json as { user: { id: string } }).user.id).not.toBe(guest.user.id);
    expect(await stand.accounts.find(guest.user.id)).toMatchObject({
      email: null,
      isAnonymous: true,
      hasPassword: false,
    });
  });
});
