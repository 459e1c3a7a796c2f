/** Logins of one moment on two instances of an app that share a PostgreSQL, over HTTP, on both platforms. */
import { beforeAll, describe, expect } from 'vitest';
import { password } from '../support/account-app.js';
import { dumpTables } from '../support/account-instances.js';
import { type Platform, platforms } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { corp, goToProvider, locationOf, type LoginApp, page, pathOf, startLoginApp } from '../support/login-app.js';
import { LoginProviderStand } from '../support/login-provider.js';
import { postgresMissing, runSql } from '../support/postgres.js';
import { claimsOf, type SessionClient } from '../support/session-app.js';
import { SharedDatabase } from '../support/session-instances.js';
import { onPostgres } from '../support/store-runner.js';

const it = onPostgres.it;
const signedIn = `${page}/`;
const signedUp = `${page}/?new=1`;

interface Login {
  readonly browser: SessionClient;
  /** Where the provider sends the browser. */
  readonly back: URL;
}

class Instances {
  private constructor(
    readonly one: LoginApp,
    readonly other: LoginApp,
    readonly provider: LoginProviderStand,
    readonly second: LoginProviderStand,
    private readonly schema: string,
  ) {}

  static async start(platform: Platform): Promise<Instances> {
    const provider = await LoginProviderStand.start();
    const second = await LoginProviderStand.start(provider.clock);
    const database = new SharedDatabase();
    const providers = [corp(provider), corp(second, { id: 'second' })];
    const start = (): Promise<LoginApp> =>
      startLoginApp(platform, {
        provider,
        login: { providers, keepTokens: true },
        auth: { revocation: { refreshSeconds: 1, serveStaleForSeconds: 86_400 } },
        stores: database.stores(),
      });
    return new Instances(await start(), await start(), provider, second, database.schema);
  }

  /** Begins a login, of whoever sits in front of the provider, on one instance or the other. */
  async begin(at: number, provider = this.provider, id = 'corp'): Promise<Login> {
    const browser = this.instance(at).client();
    return { browser, back: await goToProvider(browser, provider, `/auth/login/${id}`) };
  }

  /** Ends logins at once, each on the instance in which it did not begin. */
  end(logins: readonly Login[]): Promise<readonly Answer[]> {
    return Promise.all(
      logins.map(({ browser, back }, at) => {
        const elsewhere = browser.fork(this.instance(at + 1).app);
        return elsewhere.call(pathOf(back)).then((answer) => {
          for (const [name, value] of elsewhere.jar) browser.jar.set(name, value);
          return answer;
        });
      }),
    );
  }

  rowsOf(table: string, where = 'true', values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return runSql(`select * from "${this.schema}"."${table}" where ${where}`, values);
  }

  /** How many rows each table has. */
  async countRows(): Promise<Readonly<Record<string, number>>> {
    const tables = await dumpTables(this.schema);
    return Object.fromEntries([...tables].map(([name, rows]) => [name, rows.length]));
  }

  private instance(at: number): LoginApp {
    return at % 2 === 0 ? this.one : this.other;
  }
}

/** How often each place came. */
function countPlaces(answers: readonly Answer[]): Readonly<Record<string, number>> {
  const places = answers.map((answer) => locationOf(answer) ?? `${answer.status} ${answer.text}`);
  return Object.fromEntries([...new Set(places)].sort().map((one) => [one, places.filter((p) => p === one).length]));
}

describe.each(platforms)('at once, on two instances with $name,', (platform) => {
  let instances: Instances;

  beforeAll(async () => {
    if (postgresMissing === undefined) instances = await Instances.start(platform);
  }, 120_000);

  const beginSo = async (times: number): Promise<readonly Login[]> => {
    const logins: Login[] = [];
    for (let at = 0; at < times; at += 1) logins.push(await instances.begin(at));
    return logins;
  };

  it('50 callbacks of a new person are one account, one identity and no more than 50 sessions', async () => {
    const { provider, one } = instances;
    provider.person = { sub: 'new', email: 'new@example.com', email_verified: true, name: 'Ada' };
    const logins = await beginSo(50);
    expect(countPlaces(await instances.end(logins))).toEqual({ [signedIn]: 49, [signedUp]: 1 });
    expect(await instances.rowsOf('accounts', 'email = $1', ['new@example.com'])).toHaveLength(1);
    expect(await instances.rowsOf('identities', 'subject = $1', ['new'])).toHaveLength(1);
    const account = await one.accounts.findByIdentity('corp', 'new');
    const sessions = await instances.rowsOf('sessions', 'ended_at is null and user_id = $1', [account?.id]);
    expect(sessions.length).toBeGreaterThan(0);
    expect(sessions.length).toBeLessThanOrEqual(50);
    const subjects = logins.map(({ browser }) => claimsOf(browser.accessToken)['sub']);
    expect(new Set(subjects)).toEqual(new Set([account?.id]));
  });

  it('50 uses of one callback are one sign-in', async () => {
    const { provider } = instances;
    provider.person = { sub: 'once', email: 'once@example.com', email_verified: true };
    const login = await instances.begin(0);
    const before = provider.exchanges.length;
    const uses = Array.from({ length: 50 }, () => ({ browser: login.browser.fork(), back: login.back }));
    const error = `${page}/?error=login_state`;
    expect(countPlaces(await instances.end(uses))).toEqual({ [signedUp]: 1, [error]: 49 });
    expect(provider.exchanges).toHaveLength(before + 1);
  });

  it('50 callbacks of the owner take over an account that a stranger has signed up for', async () => {
    const { provider, one } = instances;
    const email = 'owner@example.com';
    const stranger = one.client();
    await stranger.post('/auth/sign-up', { email, password });
    expect((await stranger.call('/auth/me')).status).toBe(200);
    provider.person = { sub: 'owner', email, email_verified: true };
    const answers = await instances.end(await beginSo(50));
    // A takeover ends the sessions that others of them have just begun; such a person may try again.
    const again = `${page}/?error=temporarily_unavailable`;
    const { [signedIn]: known = 0, [signedUp]: made = 0, [again]: ended = 0, ...others } = countPlaces(answers);
    expect(others).toEqual({});
    expect(known + made).toBeGreaterThan(0);
    expect(known + made + ended).toBe(50);
    const accounts = await instances.rowsOf('accounts', 'email = $1', [email]);
    expect(accounts).toHaveLength(1);
    expect(await instances.rowsOf('identities', 'subject = $1', ['owner'])).toHaveLength(1);
    const id = String(accounts[0]?.['id']);
    expect(await one.accounts.find(id)).toMatchObject({ emailVerified: true, hasPassword: false });
    const { length } = await instances.rowsOf('sessions', 'ended_at is null and user_id = $1', [id]);
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThanOrEqual(50);
    expect((await stranger.refresh()).status).toBe(401);
  });

  it('25 people who come by two providers with one address each have one account with two identities', async () => {
    const { provider, second } = instances;
    const logins: Login[] = [];
    for (let person = 0; person < 25; person += 1) {
      const email = `both-${person}@example.com`;
      provider.person = { sub: `corp-${person}`, email, email_verified: true };
      second.person = { sub: `second-${person}`, email, email_verified: true };
      logins.push(await instances.begin(0), await instances.begin(1, second, 'second'));
    }
    expect(countPlaces(await instances.end(logins))).toEqual({ [signedIn]: 25, [signedUp]: 25 });
    const accounts = await instances.rowsOf('accounts', `email like 'both-%'`);
    expect(accounts).toHaveLength(25);
    const identities = await instances.rowsOf('identities', `email like 'both-%'`);
    expect(identities).toHaveLength(50);
    for (const { id } of accounts) {
      expect(identities.filter((identity) => identity['account_id'] === id)).toHaveLength(2);
    }
  });

  it('100 callers with an expired token of the provider have it refreshed once', async () => {
    const { provider, one, other } = instances;
    provider.person = { sub: 'kept', email: 'kept@example.com', email_verified: true };
    const login = await instances.begin(0);
    await instances.end([login]);
    const userId = String(claimsOf(login.browser.accessToken)['sub']);
    const first = await one.logins.accessTokenOf(userId, 'corp');
    provider.clock.advanceSeconds(60);
    const before = provider.exchanges.length;
    const calls = Array.from({ length: 100 }, (_, at) =>
      (at % 2 === 0 ? one : other).logins.accessTokenOf(userId, 'corp'),
    );
    const tokens = new Set(await Promise.all(calls));
    expect(tokens.size).toBe(1);
    expect(tokens.has(first)).toBe(false);
    expect(provider.exchanges.slice(before).map((form) => form.get('grant_type'))).toEqual(['refresh_token']);
  });

  for (const endpoint of ['/token', '/userinfo']) {
    it(`a provider that is down at ${endpoint} leaves nothing behind`, async () => {
      const { provider } = instances;
      provider.person = { sub: endpoint, email: `down${endpoint.slice(1)}@example.com`, email_verified: true };
      const logins = await beginSo(4);
      const before = await instances.countRows();
      provider.faults = { down: [endpoint] };
      const error = `${page}/?error=temporarily_unavailable`;
      expect(countPlaces(await instances.end(logins))).toEqual({ [error]: 4 });
      provider.faults = {};
      // That each of the four logins was used up, and nothing else, was stored.
      const { attempts = 0, ...others } = before;
      expect(await instances.countRows()).toEqual({ ...others, attempts: attempts + 4 });
      provider.clock.advanceSeconds(60);
      expect(countPlaces(await instances.end([await instances.begin(0)]))).toEqual({ [signedUp]: 1 });
    });
  }
});
