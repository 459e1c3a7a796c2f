/** People who sign in by a provider to an app that keeps its users itself, without `AccountsModule`. */
import { ForbiddenException, Injectable } from '@nestjs/common';
import { RefusalError } from 'nest-gatehouse';
import {
  type ExternalIdentity,
  type LoginDecider,
  type LoginDecisionContext,
  LoginModule,
  type LoginModuleOptions,
} from 'nest-gatehouse/login';
import type { SessionSubject, SubjectFinder } from 'nest-gatehouse/sessions';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../support/account-app.js';
import { type Platform, platforms } from '../support/app.js';
import { beginAsFrontend, corp, locationOf, page, signInByLink } from '../support/login-app.js';
import { LogLines } from '../support/log-lines.js';
import { LoginProviderStand } from '../support/login-provider.js';
import { claimsOf, startSessionApp } from '../support/session-app.js';

/** As in the guide. */
@Injectable()
class People implements LoginDecider, SubjectFinder {
  private readonly people = new Map<string, SessionSubject>();
  private readonly identities = new Map<string, string>();

  signIn({ provider, subject, name }: ExternalIdentity, { linkTo }: LoginDecisionContext): SessionSubject | null {
    const identity = JSON.stringify([provider, subject]);
    const known = this.identities.get(identity);
    if (linkTo !== null && known !== undefined && known !== linkTo) {
      throw RefusalError.of('IDENTITY_TAKEN', 'The identity belongs to another user');
    }
    const id = known ?? linkTo ?? `user-${this.people.size + 1}`;
    this.identities.set(identity, id);
    if (!this.people.has(id)) this.people.set(id, { id, ...(name !== null && { name }) });
    return this.findSubject(id);
  }

  findSubject(id: string): SessionSubject | null {
    return this.people.get(id) ?? null;
  }
}

async function start(
  platform: Platform,
  signIn: NonNullable<LoginModuleOptions['signIn']>,
  findSubject?: SubjectFinder,
) {
  const provider = await LoginProviderStand.start();
  const logger = new LogLines();
  const app = await startSessionApp(platform, {
    clock: provider.clock,
    logger,
    ...(findSubject !== undefined && { sessions: { findSubject } }),
    imports: [LoginModule.forRoot({ providers: [corp(provider)], returnTo: page, signIn })],
  });
  return { ...app, provider, logger };
}

describe.each(platforms)('an app with users of its own on $name', (platform) => {
  it('finds them by provider and id, and links to the user of the session', async () => {
    const people = new People();
    const { client, provider } = await start(platform, people, people);
    const browser = client();
    // The app says nothing of new users, so `new` is never added.
    expect(locationOf(await signInByLink(browser, provider))).toBe(`${page}/`);
    expect(claimsOf(browser.accessToken)).toMatchObject({ sub: 'user-1', amr: ['fed'] });
    provider.person = { sub: 'p-2', name: 'Bo' };
    const linked = await browser.post(
      '/auth/callback/corp',
      await beginAsFrontend(browser, provider, { link: true, redirectUri: `${page}/callback` }),
    );
    expect(linked.json).toMatchObject({ is_new_user: false, user: { id: 'user-1', name: 'Ada' } });
    const other = client();
    await signInByLink(other, provider);
    expect(claimsOf(other.accessToken)['sub']).toBe('user-1');

    provider.person = { sub: 'p-3' };
    await signInByLink(other, provider);
    expect(claimsOf(other.accessToken)['sub']).toBe('user-2');
    provider.person = { sub: 'p-2' };
    const link = await beginAsFrontend(other, provider, { link: true, redirectUri: `${page}/callback` });
    const taken = await other.post('/auth/callback/corp', link);
    expect([taken.status, codeOf(taken.json)]).toEqual([409, 'IDENTITY_TAKEN']);
  });

  it.each<readonly [string, () => SessionSubject | null, string, number, string | undefined]>([
    ['gives nobody', () => null, 'access_denied', 401, 'LOGIN_REFUSED'],
    [
      'throws an exception of Nest',
      () => {
        throw new ForbiddenException('Members only');
      },
      'access_denied',
      403,
      undefined,
    ],
    [
      'throws anything else',
      () => {
        throw new Error('The secret of ada@example.com');
      },
      'temporarily_unavailable',
      503,
      'SERVER_ERROR',
    ],
  ])('lets nobody in where its function %s', async (_what, signIn, error, status, code) => {
    const { client, provider, logger } = await start(platform, signIn);
    const browser = client();
    expect(locationOf(await signInByLink(browser, provider))).toBe(`${page}/?error=${error}`);
    const answer = await browser.post('/auth/callback/corp', await beginAsFrontend(browser, provider));
    expect([answer.status, codeOf(answer.json)]).toEqual([status, code]);
    expect([...browser.jar.keys()].filter((name) => !name.includes('login.'))).toEqual([]);
    expect(answer.text).not.toContain('ada@example.com');
    const errors = logger.ours('error').map(({ text }) => text.split(':')[0]);
    expect(errors).toEqual(status === 503 ? ['The callback of corp', 'POST callback of corp'] : []);
  });
});
