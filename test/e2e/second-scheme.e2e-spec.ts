/** Two kinds of credentials over HTTP: API keys of an app's own scheme work as access tokens do, with one line of options. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard as PassportGuard } from '@nestjs/passport';
import { AcceptCredentials, AuthGuard, type AuthUser, CurrentUser, OptionalAuth } from 'nest-gatehouse';
import { RequireRoles, RequireScopes, VerifyOnline } from 'nest-gatehouse';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp } from '../support/app.js';
import type { Call } from '../support/http.js';
import { basic } from '../support/key-scheme.js';
import { openSecondScheme, type SecondScheme } from '../support/second-scheme.js';
import {
  accessDenied,
  invalidRequest,
  invalidToken,
  missingToken,
  unavailable,
  verdictOf,
} from '../support/verdicts.js';

const key = (secret: string): Call => ({ headers: [['x-api-key', secret]] });
const authorization = (value: string): Call => ({ headers: [['Authorization', value]] });
const say = (user: AuthUser | null): object => ({ who: user?.id ?? null, kind: user?.credential.kind ?? null });

@UseGuards(AuthGuard)
@Controller()
class CatsController {
  @UseGuards(AuthGuard)
  @Get('me')
  me(@CurrentUser('id') who: string, @CurrentUser('credential.kind') kind: string): object {
    return { who, kind };
  }

  @OptionalAuth()
  @Get('maybe')
  maybe(@CurrentUser() user: AuthUser | null): object {
    return say(user);
  }

  @RequireScopes('cats:write')
  @Get('adopt')
  adopt(@CurrentUser() user: AuthUser): object {
    return say(user);
  }

  @RequireRoles('keeper')
  @Get('groom')
  groom(@CurrentUser() user: AuthUser): object {
    return say(user);
  }

  @AcceptCredentials('api-key')
  @Get('machines')
  machines(@CurrentUser() user: AuthUser): object {
    return say(user);
  }

  @VerifyOnline()
  @Get('online')
  online(@CurrentUser() user: AuthUser): object {
    return say(user);
  }
}

@AcceptCredentials('access-token')
@Controller('people')
class PeopleController {
  @Get()
  people(@CurrentUser() user: AuthUser): object {
    return say(user);
  }

  @AcceptCredentials('api-key', 'access-token')
  @Get('both')
  both(@CurrentUser() user: AuthUser): object {
    return say(user);
  }

  @AcceptCredentials('api-key')
  @Get('machines')
  machines(@CurrentUser() user: AuthUser): object {
    return say(user);
  }
}

@Controller()
class PassportController {
  @UseGuards(PassportGuard('jwt'))
  @Get('passport')
  passport(@CurrentUser() user: AuthUser): object {
    return say(user);
  }
}

const machine = { who: 'machine', kind: 'api-key' };
const alice = { who: 'alice', kind: 'access-token' };

describe.each(platforms)('two kinds of credentials on $name', (platform) => {
  let stand: SecondScheme;
  let app: RunningApp;
  let token: string;
  const seen: string[] = [];

  beforeAll(async () => {
    stand = await openSecondScheme();
    token = await stand.tokenFor('alice', 'cats:read');
    app = await startApp(platform, {
      imports: [
        stand.importModule({
          toUser: (user) => {
            seen.push(user.id);
            return user.id === 'ghost' ? null : user;
          },
        }),
      ],
      controllers: [CatsController, PeopleController, PassportController],
    });
  });

  beforeEach(() => {
    seen.length = 0;
    stand.keys.authenticated = 0;
  });

  it.each([
    { what: 'x-api-key', call: key('key_m') },
    { what: 'Authorization: Bearer key_…', call: authorization('Bearer key_m') },
    { what: 'Authorization: Basic', call: authorization(basic('machine', 'key_m')) },
    {
      what: 'the same key in two places',
      call: {
        headers: [
          ['x-api-key', 'key_m'],
          ['Authorization', 'Bearer key_m'],
        ],
      } as const,
    },
  ])('accept a key from $what: once for two guards, and without a request to the issuer', async ({ call }) => {
    const before = stand.issuerRequests();
    expect((await app.call('/me', call)).json).toEqual(machine);
    expect(stand.keys.authenticated).toBe(1);
    expect(seen).toEqual(['machine']);
    expect(stand.issuerRequests()).toBe(before);
  });

  it('accept a token as before, which the scheme of keys is not asked about', async () => {
    expect((await app.call('/me', { token })).json).toEqual(alice);
    expect(seen).toEqual(['alice']);
    expect(stand.keys.authenticated).toBe(0);
  });

  it('refuse an unknown key in the challenge of the scheme that it was presented with, and ask no issuer', async () => {
    const before = stand.issuerRequests();
    for (const call of [key('key_x'), authorization('Bearer key_x')]) {
      expect(verdictOf(await app.call('/me', call))).toEqual(invalidToken('malformed'));
    }
    const answer = await app.call('/me', authorization(basic('machine', 'key_w')));
    expect(verdictOf(answer)).toEqual({ ...invalidToken('malformed'), challenge: 'Bearer, Basic realm="cats"' });
    expect(stand.keys.authenticated).toBe(3);
    expect(stand.issuerRequests()).toBe(before);
  });

  it('refuse a request without a credential, and with a bad token, with the challenge of tokens alone', async () => {
    expect(verdictOf(await app.call('/me'))).toEqual(missingToken);
    expect(verdictOf(await app.call('/me', { token: 'no.good.token' }))).toEqual(invalidToken('malformed'));
  });

  it('refuse a request with two different credentials, on optional routes too', async () => {
    const twice: Call[] = [
      { token, headers: [['x-api-key', 'key_m']] },
      {
        headers: [
          ['x-api-key', 'key_m'],
          ['Authorization', 'Bearer key_w'],
        ],
      },
      {
        headers: [
          ['x-api-key', 'key_m'],
          ['Authorization', basic('machine', 'key_m')],
        ],
      },
      { token, headers: [['Authorization', basic('machine', 'key_m')]] },
    ];
    for (const call of twice) {
      for (const path of ['/me', '/maybe']) {
        expect(verdictOf(await app.call(path, call))).toEqual(invalidRequest);
      }
    }
    expect([stand.keys.authenticated, seen]).toEqual([0, []]);
  });

  it('know both on optional routes; a refused key makes the caller anonymous, and the answer has its challenges', async () => {
    expect((await app.call('/maybe', key('key_m'))).json).toEqual(machine);
    expect((await app.call('/maybe', { token })).json).toEqual(alice);
    expect((await app.call('/maybe')).json).toEqual({ who: null, kind: null });
    const { status, json, headers } = await app.call('/maybe', authorization(basic('machine', 'wrong')));
    expect([status, json]).toEqual([200, { who: null, kind: null }]);
    expect(headers['www-authenticate']).toBe('Bearer, Basic realm="cats"');
  });

  it('check scopes and roles of a key', async () => {
    for (const path of ['/adopt', '/groom']) {
      expect((await app.call(path, key('key_w'))).json).toEqual({ who: 'writer', kind: 'api-key' });
    }
    const challenge = 'Bearer error="insufficient_scope", scope="cats:write"';
    const lacking = { status: 403, challenge, code: 'INSUFFICIENT_SCOPE' };
    expect(verdictOf(await app.call('/adopt', key('key_m')))).toEqual(lacking);
    // The error belongs to the challenge of the scheme that was used, and Basic has no parameter for it.
    const byBasic = authorization(basic('machine', 'key_m'));
    expect(verdictOf(await app.call('/adopt', byBasic))).toEqual({ ...lacking, challenge: undefined });
    expect(verdictOf(await app.call('/groom', key('key_m')))).toEqual(accessDenied);
  });

  it('are limited by @AcceptCredentials, where that of a handler replaces that of its class', async () => {
    const wrongKind = invalidToken('type');
    for (const path of ['/machines', '/people/machines', '/people/both']) {
      expect((await app.call(path, key('key_m'))).json).toEqual(machine);
    }
    for (const path of ['/people', '/people/both']) expect((await app.call(path, { token })).json).toEqual(alice);
    for (const path of ['/machines', '/people/machines']) {
      expect(verdictOf(await app.call(path, { token }))).toEqual(wrongKind);
    }
    expect(verdictOf(await app.call('/people', key('key_m')))).toEqual(wrongKind);
    const byBasic = await app.call('/people', authorization(basic('machine', 'key_m')));
    expect(verdictOf(byBasic)).toEqual({ ...wrongKind, challenge: 'Bearer, Basic realm="cats"' });
    for (const path of ['/people', '/machines']) expect(verdictOf(await app.call(path))).toEqual(missingToken);
  });

  it('refuse keys under @VerifyOnline: the scheme cannot confirm them online', async () => {
    expect((await app.call('/online', { token })).json).toEqual(alice);
    const before = stand.issuerRequests();
    expect(verdictOf(await app.call('/online', key('key_m')))).toEqual(invalidToken('type'));
    const byBasic = await app.call('/online', authorization(basic('machine', 'key_m')));
    expect(verdictOf(byBasic)).toEqual({ ...invalidToken('type'), challenge: 'Bearer, Basic realm="cats"' });
    expect(stand.issuerRequests()).toBe(before);
  });

  it('answer 503 with Retry-After where a scheme cannot decide, on optional routes too', async () => {
    for (const path of ['/me', '/maybe', '/machines']) {
      const answer = await app.call(path, key('key_down'));
      expect(verdictOf(answer)).toEqual(unavailable);
      expect(answer.headers['retry-after']).toBe('7');
    }
  });

  it('answer 500 where a scheme throws anything else, on optional routes too', async () => {
    for (const path of ['/me', '/maybe', '/passport']) {
      const { status, json } = await app.call(path, key('key_broken'));
      expect([status, json]).toEqual([500, { statusCode: 500, message: 'Internal server error' }]);
    }
  });

  it('refuse a key whose user the app does not know', async () => {
    stand.keys.add('key_g', { id: 'ghost' });
    expect(verdictOf(await app.call('/me', key('key_g')))).toEqual(accessDenied);
    expect((await app.call('/maybe', key('key_g'))).json).toEqual({ who: null, kind: null });
  });

  it('refuse a refresh token in the place of an access token, and ask no issuer about it', async () => {
    const before = stand.issuerRequests();
    expect(verdictOf(await app.call('/me', { token: 'grt_abc' }))).toEqual(invalidToken('type'));
    expect(stand.issuerRequests()).toBe(before);
    // The issuer of this app accepts opaque tokens, so that any other text of this form is one.
    expect(verdictOf(await app.call('/me', { token: 'art_abc' }))).toEqual(invalidToken('revoked'));
    expect(stand.issuerRequests()).toBe(before + 1);
  });

  it("are accepted by passport's guard", async () => {
    expect((await app.call('/passport', { token })).json).toEqual(alice);
    for (const call of [key('key_m'), authorization(basic('machine', 'key_m'))]) {
      expect((await app.call('/passport', call)).json).toEqual(machine);
    }
    for (const call of [key('key_x'), {}, { token, ...key('key_m') }]) {
      const { status, json } = await app.call('/passport', call);
      expect([status, json]).toEqual([401, { message: 'Unauthorized', statusCode: 401 }]);
    }
    const answer = await app.call('/passport', key('key_down'));
    expect([answer.status, (answer.json as { code: string }).code]).toEqual([503, 'SERVER_ERROR']);
  });

  it('do not know Basic in an app without a scheme for it', async () => {
    const plain = await startApp(platform, {
      imports: [stand.importModule({ schemes: [] })],
      controllers: [CatsController, PeopleController],
    });
    for (const call of [authorization(basic('machine', 'key_m')), key('key_m')]) {
      expect(verdictOf(await plain.call('/me', call))).toEqual(missingToken);
      expect((await plain.call('/maybe', call)).json).toEqual({ who: null, kind: null });
    }
    expect((await plain.call('/me', { token, ...authorization(basic('machine', 'key_m')) })).json).toEqual(alice);
    expect(verdictOf(await plain.call('/machines', { token }))).toEqual(invalidToken('type'));
  });
});
