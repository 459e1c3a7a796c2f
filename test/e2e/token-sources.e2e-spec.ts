/** Where a request may send its token, and what comes of several, of none and of half a one. */
import type { IncomingMessage } from 'node:http';
import { Controller, Get, Post, type MiddlewareConsumer, Module, type NestModule, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  CurrentUser,
  firstOf,
  fromBearer,
  fromCookie,
  fromHeader,
  oidc,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { invalidRequest, invalidToken, missingToken, verdictOf } from '../support/verdicts.js';

@Controller('me')
class MeController {
  @UseGuards(AuthGuard)
  @Get()
  me(@CurrentUser('id') id: string): object {
    return { id };
  }

  @UseGuards(AuthGuard)
  @Post()
  change(): void {}
}

describe.each(platforms)('token sources on $name', (platform) => {
  let issuer: TestIssuer;
  /** Reads the header Authorization, as it comes. */
  let usual: RunningApp;
  /** Reads three places. */
  let open: RunningApp;
  let alice: string;
  let bob: string;

  const startWith = (tokenFrom?: AuthModuleOptions['tokenFrom']): Promise<RunningApp> =>
    startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          ...(tokenFrom && { tokenFrom }),
        }),
      ],
      controllers: [MeController],
    });

  beforeAll(async () => {
    issuer = await startIssuer();
    alice = await issuer.token({ aud: 'api', sub: 'alice' });
    bob = await issuer.token({ aud: 'api', sub: 'bob' });
    usual = await startWith();
    open = await startWith([fromBearer(), fromHeader('X-Access-Token'), fromCookie('access_token')]);
  });

  it('read the first place with a token where the app says which counts', async () => {
    const first = await startWith(firstOf(fromBearer(), fromCookie('access_token')));
    const cookie = ['Cookie', `access_token=${bob}`] as const;
    const both = await first.call('/me', { token: alice, headers: [cookie] });
    expect(both.json).toEqual({ id: 'alice' });
    expect((await first.call('/me', { headers: [cookie] })).json).toEqual({ id: 'bob' });
    // The cookie alone is still refused from a page of another site.
    const foreign = { method: 'POST', headers: [cookie, ['Origin', 'https://evil.example']] } as const;
    expect((await first.call('/me', foreign)).status).toBe(403);
  });

  type Headers = readonly (readonly [string, string])[];
  /** Written late, because the tokens are made when the suite starts. */
  type Case = [what: string, headers: () => Headers];

  const expectAlice = async (app: RunningApp, headers: Headers): Promise<void> => {
    const answer = await app.call('/me', { headers });
    expect([answer.status, answer.json]).toEqual([200, { id: 'alice' }]);
  };

  it.each<Case>([
    ['as it should be', () => [['Authorization', `Bearer ${alice}`]]],
    ['names in lower case', () => [['authorization', `bearer ${alice}`]]],
    ['in upper case, with more blanks', () => [['AUTHORIZATION', `BEARER   ${alice} `]]],
  ])('read the bearer token: %s', async (_what, headers) => {
    await expectAlice(usual, headers());
  });

  it.each<Case>([
    ['nothing at all', () => []],
    ['an empty header', () => [['Authorization', '']]],
    ['another scheme', () => [['Authorization', 'Basic YWxpY2U6c2VjcmV0']]],
    ['a scheme that only starts like it', () => [['Authorization', `Bearerish ${alice}`]]],
    ['a bare token', () => [['Authorization', alice]]],
    ['a header of its own, which is not asked for', () => [['X-Access-Token', alice]]],
    ['a cookie, which is not asked for', () => [['Cookie', `access_token=${alice}`]]],
  ])('read no token from %s', async (_what, headers) => {
    expect(verdictOf(await usual.call('/me', { headers: headers() }))).toEqual(missingToken);
  });

  it.each(['access_token', 'token', 'jwt', 'authorization'])('never read the query string: %s', async (name) => {
    for (const app of [usual, open]) {
      expect(verdictOf(await app.call(`/me?${name}=${alice}`))).toEqual(missingToken);
    }
  });

  it.each<Case>([
    ['the scheme alone', () => [['Authorization', 'Bearer']]],
    ['the scheme and a blank', () => [['Authorization', 'Bearer ']]],
    ['two tokens behind one scheme', () => [['Authorization', `Bearer ${alice} ${bob}`]]],
    ['a list of two', () => [['Authorization', `Bearer ${alice}, Bearer ${bob}`]]],
    ['a quoted token', () => [['Authorization', `Bearer "${alice}"`]]],
    // Node hands out the first of the two and drops the other in silence.
    [
      'two headers with different tokens',
      () => [
        ['Authorization', `Bearer ${alice}`],
        ['Authorization', `Bearer ${bob}`],
      ],
    ],
    [
      'the same the other way round',
      () => [
        ['Authorization', `Bearer ${bob}`],
        ['authorization', `Bearer ${alice}`],
      ],
    ],
    [
      'one token and one half header',
      () => [
        ['Authorization', `Bearer ${alice}`],
        ['Authorization', 'Bearer'],
      ],
    ],
    [
      'two headers with rubbish',
      () => [
        ['Authorization', 'Bearer a.b.c'],
        ['Authorization', 'Bearer d.e.f'],
      ],
    ],
  ])('refuse a bad request: %s', async (_what, headers) => {
    for (const app of [usual, open]) {
      expect(verdictOf(await app.call('/me', { headers: headers() }))).toEqual(invalidRequest);
    }
  });

  it('are read at every place that the app names', async () => {
    await expectAlice(open, [['Authorization', `Bearer ${alice}`]]);
    await expectAlice(open, [['x-access-token', alice]]);
    await expectAlice(open, [['Cookie', `theme=dark; access_token=${alice}; lang=de`]]);
    await expectAlice(open, [['Cookie', `access_token="${alice}"`]]);
  });

  it('accept the same token at several places as one', async () => {
    const [bearer, own, cookie] = [
      ['Authorization', `Bearer ${alice}`],
      ['X-Access-Token', alice],
      ['Cookie', `access_token=${alice}`],
    ] as const;
    await expectAlice(open, [bearer, cookie]);
    await expectAlice(open, [cookie, own, bearer]);
    await expectAlice(open, [bearer, bearer]);
    await expectAlice(open, [['Cookie', `access_token=${alice}; access_token=${alice}`]]);
  });

  it.each<Case>([
    [
      'header and cookie',
      () => [
        ['Authorization', `Bearer ${alice}`],
        ['Cookie', `access_token=${bob}`],
      ],
    ],
    [
      'two headers',
      () => [
        ['Authorization', `Bearer ${alice}`],
        ['X-Access-Token', bob],
      ],
    ],
    [
      'own header and cookie',
      () => [
        ['X-Access-Token', alice],
        ['Cookie', `access_token=${bob}`],
      ],
    ],
    [
      'one own header, twice',
      () => [
        ['X-Access-Token', alice],
        ['X-Access-Token', bob],
      ],
    ],
    ['two cookies of one name', () => [['Cookie', `access_token=${alice}; access_token=${bob}`]]],
    [
      'two cookie headers',
      () => [
        ['Cookie', `access_token=${alice}`],
        ['Cookie', `access_token=${bob}`],
      ],
    ],
    [
      'a good token and rubbish',
      () => [
        ['Authorization', `Bearer ${alice}`],
        ['Cookie', 'access_token=rubbish'],
      ],
    ],
  ])('refuse two different tokens as a bad request: %s', async (_what, headers) => {
    expect(verdictOf(await open.call('/me', { headers: headers() }))).toEqual(invalidRequest);
  });

  it('treat an empty value as no token, and an invalid one as a refused token', async () => {
    const empty = [
      ['X-Access-Token', ''],
      ['Cookie', 'access_token=; other=1'],
    ] as const;
    expect(verdictOf(await open.call('/me', { headers: empty }))).toEqual(missingToken);
    await expectAlice(open, [...empty, ['Authorization', `Bearer ${alice}`]]);
    const rubbish = await open.call('/me', { headers: [['Cookie', 'access_token=rubbish']] });
    expect(verdictOf(rubbish)).toEqual(invalidToken('malformed'));
  });

  it('respect middleware that removes or replaces a token', async () => {
    @Module({ controllers: [MeController] })
    class FilteredModule implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer
          .apply(({ headers }: IncomingMessage, _response: unknown, next: () => void) => {
            if (headers['x-from'] === 'outside') delete headers.authorization;
            if (headers['x-from'] === 'bob') headers.authorization = `Bearer ${bob}`;
            next();
          })
          .forRoutes(MeController);
      }
    }
    const app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) }), FilteredModule],
    });
    await expectAlice(app, [['Authorization', `Bearer ${alice}`]]);
    const from = (who: string): Promise<Answer> =>
      app.call('/me', {
        headers: [
          ['Authorization', `Bearer ${alice}`],
          ['X-From', who],
        ],
      });
    expect(verdictOf(await from('outside'))).toEqual(missingToken);
    expect((await from('bob')).json).toEqual({ id: 'bob' });
  });
});
