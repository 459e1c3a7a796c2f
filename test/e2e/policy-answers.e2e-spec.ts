/** What policies give and throw: nothing but `true` lets anybody pass, and the log tells a developer what to fix. */
import {
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import {
  AuthModule,
  type AuthUser,
  AuthUnavailableError,
  oidc,
  type Policy,
  RequirePolicy,
  tokenOf,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { LogLines, see } from '../support/log-lines.js';
import { accessDenied, unavailable, verdictOf } from '../support/verdicts.js';

@Injectable()
class Throws implements Policy {
  check(user: AuthUser): boolean {
    throw new Error(`no answer for ${tokenOf(user)}\nERROR forged`);
  }
}

const throwing: Readonly<Record<string, () => never>> = {
  refusal: () => {
    throw new ForbiddenException('Go away');
  },
  'not-found': () => {
    throw new NotFoundException();
  },
  text: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- apps do
    throw 'no';
  },
};

const answers: Readonly<Record<string, () => unknown>> = {
  nothing: () => undefined,
  one: () => 1,
  yes: () => 'yes',
  granted: () => ({ granted: true }),
  row: () => ({ id: 1, secret: 'sesame' }),
  promise: async () => ({ then: undefined }),
};

/** As the look-ups of this package throw while a provider does not answer. */
const outage = (): never => {
  throw new AuthUnavailableError('The provider does not answer', 30);
};

/** Answers what the path names, whatever its type says. */
const byPath = (context: ExecutionContext): unknown => {
  const name = context.switchToHttp().getRequest<{ params: { name: string } }>().params.name;
  return (throwing[name] ?? answers[name])?.();
};

@Controller('odd')
class OddController {
  @RequirePolicy(Throws)
  @Get('throws')
  throws(): string {
    return 'thrown';
  }

  @RequirePolicy((_user, context) => byPath(context) as boolean)
  @Get('answers/:name')
  answers(): string {
    return 'answered';
  }

  @RequirePolicy(async (_user, context) => byPath(context) as boolean)
  @Get('promises/:name')
  promises(): string {
    return 'promised';
  }

  @RequirePolicy(outage)
  @Get('outage')
  outage(): string {
    return 'outage';
  }

  @RequirePolicy(async () => outage())
  @Get('later-outage')
  laterOutage(): string {
    return 'outage';
  }

  @RequirePolicy(function tells() {
    return { granted: false, reason: 'the shop is\nclosed' };
  })
  @Get('reason')
  reason(): string {
    return 'reason';
  }
}

describe.each(platforms)('policies on $name', (platform) => {
  const logger = new LogLines();
  let issuer: TestIssuer;
  let app: RunningApp;
  let token: string;

  const parts = () => ({
    imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) })],
    controllers: [OddController],
    providers: [Throws],
  });

  beforeAll(async () => {
    issuer = await startIssuer();
    token = await issuer.token({ sub: 'alice', aud: 'api' });
    app = await startApp(platform, { logger, ...parts() });
  });

  beforeEach(() => {
    logger.forget();
  });

  it('refuse when they throw, and the log states at error what and where, without the token', async () => {
    expect(verdictOf(await app.call('/odd/throws', { token }))).toEqual(accessDenied);
    const [error, debug] = [logger.ours('error'), logger.ours('debug')];
    const problem = 'Error "no answer for [token]\\u000aERROR forged"';
    expect(error).toHaveLength(1);
    expect(error[0]?.text.split('\n')[0]).toBe(
      `OddController.throws: @RequirePolicy(Throws) threw, so it refuses: ${problem}`,
    );
    expect(error[0]?.text).toMatch(/\n {4}at Throws\.check .*policy-answers\.e2e-spec\.ts/);
    expect(debug.map(({ text }) => text)).toEqual([
      `OddController.throws: refused (ACCESS_DENIED). It requires @RequirePolicy(Throws), which threw: ${problem}${see('ACCESS_DENIED')}`,
    ]);
    expect(logger.lines.map(({ text }) => text).join()).not.toContain(token);
  });

  it.each(['/odd/outage', '/odd/later-outage'])('cause a 503 in an outage: %s', async (path) => {
    const answer = await app.call(path, { token });

    expect(verdictOf(answer)).toEqual(unavailable);
    expect(answer.headers['retry-after']).toBe('30');
    expect(logger.ours('error')).toHaveLength(1);
  });

  it.each(Object.keys(throwing).flatMap((name) => [`/odd/answers/${name}`, `/odd/promises/${name}`]))(
    'refuse when they throw an exception of Nest, and do not send it: %s',
    async (path) => {
      const answer = await app.call(path, { token });
      expect(verdictOf(answer)).toEqual(accessDenied);
      expect(answer.text).not.toContain('Go away');
      expect(logger.ours('error')).toHaveLength(1);
    },
  );

  it.each(Object.keys(answers).flatMap((name) => [`/odd/answers/${name}`, `/odd/promises/${name}`]))(
    'refuse for every result other than true: %s',
    async (path) => {
      expect(verdictOf(await app.call(path, { token }))).toEqual(accessDenied);
    },
  );

  it('have their reasons in the log only', async () => {
    const answer = await app.call('/odd/reason', { token });
    expect(verdictOf(answer)).toEqual(accessDenied);
    expect(answer.text).not.toContain('closed');
    expect(logger.ours('debug')[0]?.text).toBe(
      `OddController.reason: refused (ACCESS_DENIED). It requires policy tells, which refuses: "the shop is\\u000aclosed"${see('ACCESS_DENIED')}`,
    );
  });

  it('are reported once as errors of the app when the result is invalid', async () => {
    const fresh = new LogLines();
    const other = await startApp(platform, { logger: fresh, ...parts() });
    for (const name of ['row', 'nothing', 'yes']) await other.call(`/odd/answers/${name}`, { token });
    // Nest hands over one part more than it was given.
    expect(fresh.ours('error').map(({ text }) => text.replace(/ undefined$/, ''))).toEqual([
      'OddController.answers: @RequirePolicy(unnamed) returned an object, which is no valid answer, so it refuses. A policy returns true, ' +
        'false, a reason as a string, { granted: false, reason }, or a promise of one of these',
    ]);
    expect(fresh.ours('debug').map(({ text }) => text)).toEqual([
      `OddController.answers: refused (ACCESS_DENIED). It requires @RequirePolicy(unnamed), which returned an object, which is no valid answer${see('ACCESS_DENIED')}`,
      `OddController.answers: refused (ACCESS_DENIED). It requires @RequirePolicy(unnamed), which returned undefined, which is no valid answer${see('ACCESS_DENIED')}`,
      `OddController.answers: refused (ACCESS_DENIED). It requires policy unnamed, which refuses: "yes"${see('ACCESS_DENIED')}`,
    ]);
  });
});
