/** Logins at a certified OpenID provider (oidc-provider): from the link to the session, and from its logout to the end of the session. */
import {
  LoginModule,
  type LoginModuleOptions,
  LoginService,
  openIdProvider,
  type OpenIdProviderOptions,
} from 'nest-gatehouse/login';
import { describe, expect, it } from 'vitest';
import { type AccountApp, startAccountApp } from '../support/account-app.js';
import { type Platform, platforms } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { callbackUrl, locationOf, page, pathOf } from '../support/login-app.js';
import { ManualClock } from '../support/manual-clock.js';
import { type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.js';
import { claimsOf, type SessionClient, setCookiesOf } from '../support/session-app.js';
import { Browser } from '../support/sign-in.js';

const client = { clientId: 'nest app', clientSecret: 'a secret with + and : and %' };

interface CertifiedApp extends AccountApp {
  readonly op: OpenIdProvider;
}

/** The provider has the clock of the machine. */
class MachineClock extends ManualClock {
  override now(): Date {
    return new Date();
  }
}

/** Starts an app that the provider reaches. */
async function start(
  platform: Platform,
  options: Partial<OpenIdProviderOptions> = {},
  login: Partial<LoginModuleOptions> = {},
): Promise<CertifiedApp> {
  const port = await freePort();
  const op = await startOpenIdProvider(
    [],
    [
      {
        client_id: client.clientId,
        client_secret: client.clientSecret,
        redirect_uris: [callbackUrl],
        response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token'],
        id_token_signed_response_alg: 'ES256',
        token_endpoint_auth_method: 'client_secret_basic',
        backchannel_logout_uri: `http://127.0.0.1:${port}/auth/back-channel-logout/corp`,
        backchannel_logout_session_required: true,
      },
    ],
  );
  const providers = [openIdProvider({ id: 'corp', issuer: op.issuer, ...client, trustEmail: true, ...options })];
  const imports = [LoginModule.forRoot({ providers, returnTo: page, ...login })];
  const app = await startAccountApp(platform, {}, { clock: new MachineClock(), port, imports });
  return { ...app, op };
}

/** A person with a browser, who has cookies of the app and of the provider. */
class Person {
  private readonly atProvider: Browser;

  constructor(
    private readonly app: CertifiedApp,
    name: string,
    readonly atApp: SessionClient = app.client(),
  ) {
    this.atProvider = new Browser(name);
  }

  /** @returns the address at the provider that the app has sent the browser to */
  async begin(): Promise<URL> {
    return new URL(locationOf(await this.atApp.call('/auth/login/corp?returnTo=/orders')) ?? '');
  }

  /** Signs in at the provider, unless it knows the browser. @returns the address of the app with the answer */
  goTo(url: URL): Promise<URL> {
    return this.atProvider.guardContext(url, callbackUrl);
  }

  async signIn(): Promise<string | undefined> {
    const back = await this.goTo(await this.begin());
    return locationOf(await this.atApp.call(pathOf(back)));
  }

  /** Signs out at the provider, which tells its clients so. */
  signOutAtProvider(): Promise<void> {
    return this.atProvider.signOut(this.app.op.issuer);
  }

  async statusOfMe(): Promise<readonly unknown[]> {
    const { status, json } = await this.atApp.call('/auth/me');
    return status === 200 ? [status] : [status, (json as { reason?: string }).reason];
  }
}

describe.each(platforms)('with a certified provider on $name', (platform) => {
  it('a person signs in by a link, with a code that is bound to the browser', async () => {
    const app = await start(platform);
    const alice = new Person(app, 'alice');
    const there = await alice.begin();
    expect(there.href.startsWith(`${app.op.issuer}/`)).toBe(true);
    expect(Object.fromEntries(there.searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      nonce: expect.stringMatching(/^[\w-]{43}$/) as string,
    });
    const back = await alice.goTo(there);
    expect([...back.searchParams.keys()].sort()).toEqual(['code', 'iss', 'state']);
    const answer = await alice.atApp.call(pathOf(back));
    expect(locationOf(answer)).toBe(`${page}/orders?new=1`);
    expect(claimsOf(alice.atApp.accessToken)).toMatchObject({ amr: ['fed'], iss: 'https://api.example.com' });
    expect((await alice.atApp.call('/auth/me')).json).toMatchObject({
      user: { email: 'alice@example.com', name: 'Alice Example', pictureUrl: 'https://img.example/alice.png' },
    });
    const { json } = await alice.atApp.call('/auth/identities');
    expect(json).toMatchObject({ items: [{ provider: 'corp', subject: 'alice' }] });
    expect(await new Person(app, 'alice').signIn()).toBe(`${page}/orders`);
    expect((await app.accounts.list()).items).toHaveLength(1);
  });

  it('a code of another login is refused by the provider, for its verifier, and an answer without its name by the app', async () => {
    const app = await start(platform);
    const alice = new Person(app, 'alice');
    const mallory = new Person(app, 'mallory');
    const stolen = (await alice.goTo(await alice.begin())).searchParams.get('code') ?? '';
    const back = await mallory.goTo(await mallory.begin());
    back.searchParams.set('code', stolen);
    expect(locationOf(await mallory.atApp.call(pathOf(back)))).toBe(`${page}/orders?error=access_denied`);
    const unnamed = await mallory.goTo(await mallory.begin());
    unnamed.searchParams.delete('iss');
    expect(locationOf(await mallory.atApp.call(pathOf(unnamed)))).toBe(`${page}/orders?error=login_state`);
    expect((await app.accounts.list()).items).toEqual([]);
  });

  it('a person signs in by a form that its page sends', async () => {
    const app = await start(platform, { responseMode: 'form_post' });
    const alice = new Person(app, 'alice');
    const there = await alice.begin();
    expect(there.searchParams.get('response_mode')).toBe('form_post');
    const posted = await alice.goTo(there);
    const answer = await alice.atApp.call(posted.pathname, {
      method: 'POST',
      body: String(posted.searchParams),
      headers: [
        ['Content-Type', 'application/x-www-form-urlencoded'],
        ['Origin', app.op.issuer],
        ['Sec-Fetch-Site', 'cross-site'],
      ],
    });
    expect(locationOf(answer)).toBe(`${page}/orders?new=1`);
    expect(setCookiesOf(answer).length).toBeGreaterThan(0);
    expect((await alice.atApp.call('/auth/me')).json).toMatchObject({ user: { email: 'alice@example.com' } });
  });

  it('whoever signs out there is signed out here, in that browser and no other', async () => {
    const app = await start(platform);
    const alice = new Person(app, 'alice');
    const aliceElsewhere = new Person(app, 'alice');
    const bob = new Person(app, 'bob');
    for (const person of [alice, aliceElsewhere, bob]) await person.signIn();
    expect(await alice.statusOfMe()).toEqual([200]);
    await alice.signOutAtProvider();
    expect(await alice.statusOfMe()).toEqual([401, 'revoked']);
    expect((await alice.atApp.refresh()).status).toBe(401);
    expect(await aliceElsewhere.statusOfMe()).toEqual([200]);
    expect(await bob.statusOfMe()).toEqual([200]);
    // The provider asks again, and there is another session.
    expect(await alice.signIn()).toBe(`${page}/orders`);
    expect(await alice.statusOfMe()).toEqual([200]);
    await bob.signOutAtProvider();
    expect(await bob.statusOfMe()).toEqual([401, 'revoked']);
    expect(await alice.statusOfMe()).toEqual([200]);
  });

  it('a login goes on when the provider replaces its keys between the link and the callback', async () => {
    const app = await start(platform);
    // So that the app has the keys that are replaced.
    await new Person(app, 'alice').signIn();
    const bob = new Person(app, 'bob');
    const back = await bob.goTo(await bob.begin());
    app.op.rotateKeys();
    expect(locationOf(await bob.atApp.call(pathOf(back)))).toBe(`${page}/orders?new=1`);
    await bob.signOutAtProvider();
    expect(await bob.statusOfMe()).toEqual([401, 'revoked']);
  });

  it('the app has a token for the endpoints of the provider, where it keeps tokens', async () => {
    const asked = { scopes: ['email', 'profile', 'offline_access'], authorizationParameters: { prompt: 'consent' } };
    const app = await start(platform, asked, { keepTokens: true });
    const alice = new Person(app, 'alice');
    await alice.signIn();
    const logins = app.app.nest.get(LoginService);
    const token = await logins.accessTokenOf(String(claimsOf(alice.atApp.accessToken)['sub']), 'corp');
    const answer = await fetch(`${app.op.issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
    expect(await answer.json()).toMatchObject({ sub: 'alice' });
  });
});
