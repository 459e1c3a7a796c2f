/** What the app's log says: why a caller was refused, once and precisely; and never a secret. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard as PassportGuard } from '@nestjs/passport';
import {
  AuthGuard,
  AuthModule,
  CurrentUser,
  fromBearer,
  fromCookie,
  jwtIssuer,
  oidc,
  OptionalAuth,
} from 'nest-gatehouse';
import { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { endAfterwards, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { LogLines, see } from '../support/log-lines.js';

@Controller('cats')
class CatsController {
  @UseGuards(AuthGuard)
  @Get('mine')
  mine(@CurrentUser('id') id: string): object {
    return { id };
  }

  @OptionalAuth()
  @Get('all')
  all(@CurrentUser('id') id: string | null): object {
    return { id };
  }

  @UseGuards(PassportGuard('jwt'))
  @Get('passport')
  passport(@CurrentUser('id') id: string): object {
    return { id };
  }
}

describe.each(platforms)('the log on $name', (platform) => {
  const clock = new ManualClock();
  const logger = new LogLines();
  const secret = 'a-shared-secret-of-more-than-32-bytes!';
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer({ clock });
    app = await startApp(platform, {
      logger,
      imports: [
        AuthModule.forRoot({
          issuers: [
            oidc({ issuer: issuer.url, audience: 'api' }),
            jwtIssuer({ issuer: 'urn:robots', audience: 'api', secret }),
          ],
          tokenFrom: [fromBearer(), fromCookie('access_token')],
          toUser: (user) => (user.id === 'ghost' ? null : user),
          guardEverything: true,
          clock,
        }),
      ],
      controllers: [CatsController],
    });
  });

  beforeEach(() => {
    logger.forget();
  });

  /** The one line that a refused call leaves, which is a debug line. */
  const lineOf = async (call: Parameters<RunningApp['call']>[1], path = '/cats/mine'): Promise<string> => {
    logger.forget();
    await app.call(path, call);
    expect(logger.lines.map(({ level, context }) => [level, context])).toEqual([['debug', 'Gatehouse']]);
    return logger.lines[0]?.text ?? '';
  };

  it('states the handler, the reason, what was expected, what was received and the fix', async () => {
    expect(await lineOf({})).toBe(
      'CatsController.mine: refused (MISSING_TOKEN). ' +
        `The request carries no access token. Looked in: Authorization: Bearer, cookie access_token${see('MISSING_TOKEN')}`,
    );
    expect(await lineOf({ token: await issuer.token({ aud: 'other-api' }) })).toBe(
      'CatsController.mine: refused (INVALID_TOKEN, audience). Expected audience "api", the token says "other-api". ' +
        'Let the client name this API when it asks the issuer for a token. If the token already names this API, the ' +
        `option audience is wrong; it never contains the id of a client${see('INVALID_TOKEN', 'audience')}`,
    );
    expect(await lineOf({ token: await issuer.token({ aud: 'api', iss: `${issuer.url}/` }) })).toBe(
      `CatsController.mine: refused (INVALID_TOKEN, issuer). Expected issuer "${issuer.url}" or "urn:robots", ` +
        `the token says "${issuer.url}/". They differ by a slash at the end only: write the issuer as the token has it${see('INVALID_TOKEN', 'issuer')}`,
    );
    expect(await lineOf({ headers: [['Authorization', 'Bearer']] })).toBe(
      `CatsController.mine: refused (INVALID_REQUEST). "Authorization: Bearer" is not followed by a token${see('INVALID_REQUEST')}`,
    );
    expect(await lineOf({ token: await issuer.token({ aud: 'api', sub: 'ghost' }) })).toBe(
      `CatsController.mine: refused (ACCESS_DENIED). The token is valid, and toUser gave no user for it${see('ACCESS_DENIED')}`,
    );
  });

  it('suggests a skewed clock for a token that is off by seconds, and not by more', async () => {
    expect(await lineOf({ token: await issuer.token({ aud: 'api' }, { expiresIn: '-10s' }) })).toBe(
      'CatsController.mine: refused (INVALID_TOKEN, expired). It expired 10 s ago (tolerance 5 s). ' +
        `Clock skew of 10 s? Set both clocks by NTP; where one cannot be set, clockToleranceSeconds covers it${see('INVALID_TOKEN', 'expired')}`,
    );
    expect(await lineOf({ token: await issuer.token({ aud: 'api' }, { notBefore: '20s' }) })).toContain(
      'It becomes valid ("nbf" or "iat") in 20 s (tolerance 5 s). Clock skew of 20 s?',
    );
    expect(await lineOf({ token: await issuer.token({ aud: 'api' }, { expiresIn: '-2h' }) })).toContain(
      'It expired 7200 s ago (tolerance 5 s). The client has to get a new one',
    );
  });

  it('states once that an optional route continued without a user, although two guards protect it', async () => {
    const token = await issuer.token({ aud: 'api' }, { expiresIn: '-2h' });
    expect(await lineOf({ token }, '/cats/all')).toMatch(
      /^CatsController\.all: went on without a user \(INVALID_TOKEN, expired\)\. It expired 7200 s ago/,
    );
  });

  it('has no line for an anonymous caller on an optional route, or for an accepted user', async () => {
    await app.call('/cats/all');
    await app.call('/cats/mine', { token: await issuer.token({ aud: 'api' }) });
    await app.call('/cats/all', { token: await issuer.token({ aud: 'api' }) });
    expect(logger.lines).toEqual([]);
  });

  it('has texts of the request on one line, cut and escaped', async () => {
    const hostile = 'x\nERROR [Nest] Server hacked\r\n\u001b[31mred\u001b[0m\u2028\u202egnol\u0000"\u009b2J'.padEnd(
      900,
      'A',
    );
    for (const token of [
      await issuer.token({ aud: 'api' }, { header: { kid: hostile } }),
      await issuer.token({ aud: 'api', iss: hostile }),
      await issuer.token({ aud: hostile }),
      await issuer.token({ aud: [hostile, { deep: hostile }] }),
      await issuer.token({ aud: 'api' }, { header: { alg: hostile } }),
    ]) {
      const line = await lineOf({ token });
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(line).toMatch(/^CatsController\.mine: refused \(INVALID_TOKEN, (key|issuer|audience|algorithm)\)\. /);
      expect(line.length).toBeLessThan(700);
    }
  });

  it('states why passport has refused', async () => {
    const passportApp = await startApp(platform, {
      logger,
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), clock })],
      controllers: [CatsController],
    });
    const token = await issuer.token({ aud: 'other-api' });
    logger.forget();
    expect((await passportApp.call('/cats/passport', { token })).status).toBe(401);
    expect(logger.lines.map(({ level }) => level)).toEqual(['debug']);
    expect(logger.lines[0]?.text).toBe(
      'AuthGuard(\'jwt\'): refused (INVALID_TOKEN, audience). Expected audience "api", the token says "other-api". ' +
        'Let the client name this API when it asks the issuer for a token. If the token already names this API, the ' +
        `option audience is wrong; it never contains the id of a client${see('INVALID_TOKEN', 'audience')}`,
    );
  });

  it('states the start and the end of an outage once each, regardless of the number of requests', async () => {
    const token = await issuer.token({ aud: 'api' });
    expect((await app.call('/cats/mine', { token })).status).toBe(200);
    await issuer.rotateKeys({ keepOld: true });
    const unknown = await issuer.token({ aud: 'api' });
    issuer.fail('503');
    clock.advanceSeconds(11);
    logger.forget();
    for (let at = 0; at < 5; at += 1) {
      expect((await app.call('/cats/mine', { token: unknown })).status).toBe(503);
      clock.advanceSeconds(5);
    }
    const host = new URL(issuer.url).host;
    const loud = (): readonly { level: string; text: string }[] =>
      logger.lines.filter(({ level }) => level !== 'debug');
    expect(loud().map(({ level }) => level)).toEqual(['error']);
    expect(loud()[0]?.text).toMatch(
      new RegExp(
        `^Cannot get the keys of ${issuer.url}: ${host} answered with status 503\\. The known keys stay in use until`,
      ),
    );
    issuer.recover();
    clock.advanceSeconds(60);
    expect((await app.call('/cats/mine', { token: unknown })).status).toBe(200);
    expect(loud().map(({ level }) => level)).toEqual(['error', 'log']);
    expect(loud()[1]?.text).toMatch(new RegExp(`^Got the keys of ${issuer.url} again, after \\d+ s$`));
  });

  it('never contains a token, a key, a cookie or a secret', async () => {
    const robots = await TestIssuer.start({ algorithm: 'HS256', clock });
    endAfterwards(() => robots.stop());
    const tokens = [
      await issuer.token({ aud: 'api' }),
      await issuer.token({ aud: 'anonymousCaller' }),
      await issuer.token({ aud: 'api' }, { expiresIn: '-1h' }),
      await issuer.token({ aud: 'api' }, { signWith: 'stranger' }),
      await issuer.token({ aud: 'api', sub: 'ghost' }),
      await robots.token({ aud: 'api', iss: 'urn:robots' }),
      'q3JhbmRvbUtleQ.c29tZXRoaW5nU2VjcmV0.bm90QVNpZ25hdHVyZQ',
    ];
    const headersOf = (token: string): (readonly [string, string])[][] => [
      [['Authorization', `Bearer ${token}`]],
      [['Cookie', `access_token=${token}; session=cookie-of-the-session`]],
      [['Authorization', `Bearer ${token} ${token}`]],
      [
        ['Authorization', `Bearer ${token}`],
        ['Cookie', `access_token=${token}x`],
      ],
    ];
    for (const headers of tokens.flatMap(headersOf)) {
      for (const path of ['/cats/mine', '/cats/all', '/cats/passport']) await app.call(path, { headers });
    }
    const written = JSON.stringify(logger.lines);
    expect(logger.lines.length).toBeGreaterThan(50);
    const ofTokens = tokens.flatMap((token) => token.split('.'));
    const ofKeys = [secret, robots.secret, String(issuer.publicKey['x']), String(issuer.publicKey['y'])];
    for (const hidden of [...ofTokens, ...ofKeys, 'cookie-of-the-session']) expect(written).not.toContain(hidden);
    // Refused callers must not appear at warn or error, which may alert an operator.
    expect(logger.lines.filter(({ level }) => level !== 'debug')).toEqual([]);
  });
});
