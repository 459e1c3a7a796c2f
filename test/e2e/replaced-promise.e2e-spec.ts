/** An app, or a library that it loads, has put another class in the place of the global `Promise`. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, OptionalAuth, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { accessDenied, invalidToken, verdictOf } from '../support/verdicts.js';

@Controller()
class CatsController {
  @UseGuards(AuthGuard)
  @Get('required')
  required(@CurrentUser() user: AuthUser): object {
    return { id: user.id };
  }

  @OptionalAuth()
  @Get('optional')
  optional(@CurrentUser() user: AuthUser | null): object {
    return { user: user === null ? null : user.id };
  }
}

const native = globalThis.Promise;

describe.each(platforms)('with another global Promise on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          toUser: async (user) => (user.id === 'stranger' ? null : user),
        }),
      ],
      controllers: [CatsController],
    });
  });

  beforeEach(() => {
    // Async functions go on giving the engine's own promises, and these are none of this class.
    globalThis.Promise = class Replaced<Value> extends native<Value> {};
  });

  afterEach(() => {
    globalThis.Promise = native;
  });

  it('a pending verification accepts no caller', async () => {
    const token = await issuer.token({ aud: 'other' });

    expect(verdictOf(await app.call('/required', { token }))).toEqual(invalidToken('audience'));
    expect((await app.call('/optional', { token })).json).toEqual({ user: null });
  });

  it('a user that the app does not know is refused', async () => {
    const token = await issuer.token({ aud: 'api', sub: 'stranger' });

    expect(verdictOf(await app.call('/required', { token }))).toEqual(accessDenied);
  });

  it('a user is accepted as usual', async () => {
    const token = await issuer.token({ aud: 'api', sub: 'alice' });

    expect((await app.call('/required', { token })).json).toEqual({ id: 'alice' });
  });
});
