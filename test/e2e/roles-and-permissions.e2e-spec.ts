/** What a user may do by their roles and permissions: marks on class and handler add up, and no order of guards matters. */
import { type CanActivate, Controller, Get, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  CurrentUser,
  OptionalAuth,
  oidc,
  Public,
  RequireAnyPermission,
  RequireAnyRole,
  RequirePermissions,
  RequireRoles,
  RequireScopes,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { LogLines, see } from '../support/log-lines.js';
import { accessDenied, invalidToken, missingToken, verdictOf } from '../support/verdicts.js';

@RequireRoles('staff')
@Controller('cats')
class CatsController {
  @Get('list')
  list(): string {
    return 'cats';
  }

  @RequireAnyRole('vet', 'owner')
  @Get('treat')
  treat(): string {
    return 'treated';
  }

  @RequirePermissions('cats:name', 'cats:write')
  @Get('name')
  name(): string {
    return 'named';
  }

  @RequireAnyPermission('cats:feed', 'cats:write')
  @RequireScopes('feeding')
  @Get('feed')
  feed(): string {
    return 'fed';
  }

  @OptionalAuth()
  @Get('optional')
  optional(): string {
    return 'optional';
  }

  @Public()
  @Get('open')
  open(@CurrentUser() user: unknown): object {
    return { user };
  }

  // Each of the two contradicts the other, and the stricter one holds.
  @Public()
  @RequireRoles('vet')
  @Get('contradiction')
  contradiction(): string {
    return 'contradiction';
  }
}

// What a class demands goes with its heirs, and adds up with what they demand.
@RequireRoles('abroad')
@Controller('foreign-cats')
class ForeignCatsController extends CatsController {}

@Public()
@Controller('open-cats')
class OpenCatsController {
  @RequireRoles('staff')
  @Get('list')
  list(): string {
    return 'cats';
  }
}

/** One that would let anybody through. */
class OpenGate implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

describe.each(platforms)('roles and permissions on $name', (platform) => {
  const logger = new LogLines();
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    const issuers = oidc({ issuer: issuer.url, audience: 'api' });
    const toUser = ({ id }: { readonly id: string }): object => ({ account: id, roles: ['staff', 'vet', 'abroad'] });
    app = await startApp(platform, {
      logger,
      imports: [AuthModule.forRoot({ issuers, toUser })],
      controllers: [CatsController, ForeignCatsController, OpenCatsController],
    });
  });

  beforeEach(() => {
    logger.forget();
  });

  const callWith = async (path: string, claims: object) =>
    app.call(path, { token: await issuer.token({ sub: 'alice', aud: 'api', ...claims }) });

  it.each([
    ['/cats/list', { roles: ['staff'] }],
    ['/cats/treat', { roles: ['owner', 'staff'] }],
    ['/cats/name', { roles: ['staff'], permissions: ['cats:write', 'cats:name'] }],
    ['/cats/feed', { roles: ['staff'], permissions: ['cats:write'], scope: 'feeding' }],
    ['/cats/optional', { roles: ['staff'] }],
    ['/cats/contradiction', { roles: ['staff', 'vet'] }],
    ['/foreign-cats/treat', { roles: ['vet', 'staff', 'abroad'] }],
    ['/open-cats/list', { roles: ['staff'] }],
  ])('allow %s with %j', async (path, claims) => {
    expect((await callWith(path, claims)).status).toBe(200);
  });

  it.each([
    ['/cats/list', {}],
    ['/cats/list', { roles: ['Staff'] }],
    ['/cats/list', { roles: 'staff' }],
    ['/cats/list', { permissions: ['staff'], scope: 'staff' }],
    ['/cats/list', { roles: ['__proto__', 'constructor'] }],
    // The class is not forgotten over the handler, nor the handler over the class.
    ['/cats/treat', { roles: ['vet'] }],
    ['/cats/treat', { roles: ['staff'] }],
    ['/cats/name', { roles: ['staff'], permissions: ['cats:write'] }],
    ['/cats/feed', { roles: ['staff'], permissions: ['cats:name'], scope: 'feeding' }],
    ['/cats/feed', { permissions: ['cats:write'], scope: 'feeding' }],
    ['/cats/optional', {}],
    ['/cats/contradiction', { roles: ['staff'] }],
    ['/foreign-cats/list', { roles: ['staff'] }],
    ['/foreign-cats/treat', { roles: ['staff', 'abroad'] }],
    ['/foreign-cats/treat', { roles: ['vet', 'abroad'] }],
    ['/open-cats/list', { roles: ['vet'] }],
  ])('refuse %s to %j, whatever toUser returns', async (path, claims) => {
    expect(verdictOf(await callWith(path, claims))).toEqual(accessDenied);
  });

  it.each(['/cats/list', '/cats/optional', '/cats/contradiction', '/foreign-cats/treat', '/open-cats/list'])(
    'require a valid token first at %s',
    async (path) => {
      expect(verdictOf(await app.call(path))).toEqual(missingToken);
      expect(verdictOf(await app.call(path, { token: 'clubs.hearts.spades' }))).toEqual(invalidToken('malformed'));
    },
  );

  it('require nothing where the handler is public', async () => {
    expect((await app.call('/cats/open')).json).toEqual({ user: null });
  });

  it('are explained in the log with the requirement, what the user has, and the source', async () => {
    const token = await issuer.token({ sub: 'alice', aud: 'api', roles: ['guest\n"x'] });
    await app.call('/cats/list', { token });
    expect(logger.lines).toEqual([
      {
        level: 'debug',
        context: 'Gatehouse',
        text:
          'CatsController.list: refused (ACCESS_DENIED). It requires roles: staff; ' +
          `user.roles, read from the token of issuer "${issuer.url}", has ["guest\\n\\"x"]${see('ACCESS_DENIED')}`,
      },
    ]);
    expect(logger.lines[0]?.text).not.toContain(token.split('.')[2]);
  });

  describe('in any order', () => {
    const guard = UseGuards(AuthGuard);
    const other = UseGuards(OpenGate);
    const demand = RequireRoles('vet');
    const scope = RequireScopes('cats');
    const optional = OptionalAuth();
    const orders: readonly [name: string, decorators: readonly (ClassDecorator & MethodDecorator)[]][] = [
      ['the demand alone', [demand]],
      ['the guard above', [guard, demand]],
      ['the guard below', [demand, guard]],
      ['another guard above', [other, demand]],
      ['another guard below', [demand, other]],
      ['optional above', [optional, demand]],
      ['optional below', [demand, optional]],
      ['everything', [other, optional, guard, demand, scope, guard, other]],
      ['everything, turned round', [other, guard, scope, demand, guard, optional, other]],
    ];

    const controllerOf = (onClass: boolean, at: number, decorators: readonly (ClassDecorator & MethodDecorator)[]) => {
      class OrderController {
        read(): string {
          return 'read';
        }
      }
      const descriptor = Object.getOwnPropertyDescriptor(OrderController.prototype, 'read') as PropertyDescriptor;
      Get()(OrderController.prototype, 'read', descriptor);
      for (const decorator of decorators.toReversed()) {
        if (onClass) decorator(OrderController);
        else decorator(OrderController.prototype, 'read', descriptor);
      }
      Controller(`order-${at}-${onClass ? 'class' : 'handler'}`)(OrderController);
      return OrderController;
    };

    it.each([false, true])('a role is not required of any caller (guardEverything: %s)', async (guardEverything) => {
      const ordered = await startApp(platform, {
        imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), guardEverything })],
        controllers: orders.flatMap(([, decorators], at) => [
          controllerOf(true, at, decorators),
          controllerOf(false, at, decorators),
        ]),
      });
      const good = await issuer.token({ sub: 'alice', aud: 'api', roles: ['vet'], scope: 'cats' });
      const bad = await issuer.token({ sub: 'alice', aud: 'api', roles: ['owner'], scope: 'cats' });
      for (const [at, [name]] of orders.entries()) {
        for (const place of ['class', 'handler']) {
          const path = `/order-${at}-${place}`;
          const verdicts = [
            verdictOf(await ordered.call(path)),
            verdictOf(await ordered.call(path, { token: 'clubs.hearts.spades' })),
            verdictOf(await ordered.call(path, { token: bad })),
            (await ordered.call(path, { token: good })).status,
          ];
          expect(verdicts, `${name}, on the ${place}`).toEqual([
            missingToken,
            invalidToken('malformed'),
            accessDenied,
            200,
          ]);
        }
      }
    });
  });
});
