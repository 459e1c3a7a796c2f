/** What stands before each handler of an app, listed when it starts; in strict mode nothing may stand open unsaid. */
import { Controller, Get, Injectable, Post, Sse, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Mutation, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { AuthGuard as PassportGuard } from '@nestjs/passport';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleExtras,
  type AuthModuleOptions,
  HandlerInventory,
  OptionalAuth,
  oidc,
  Public,
  RequireScopes,
} from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { type AppParts, platforms, startApp } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';

@RequireScopes('cats:read')
@Controller('cats')
class CatsController {
  @Get('of/:id')
  one(): string {
    return 'cat';
  }

  @RequireScopes('cats:write')
  @Post()
  add(): string {
    return 'added';
  }

  @OptionalAuth()
  @Sse('news')
  news(): never[] {
    return [];
  }

  @Public()
  @Get('health')
  health(): string {
    return 'well';
  }

  @MessagePattern({ cmd: 'count' })
  count(): number {
    return 0;
  }
}

@Controller('open')
class OpenController {
  @Get()
  open(): string {
    return 'open';
  }

  @OptionalAuth()
  @Get('feed')
  feed(): string {
    return 'feed';
  }

  @UseGuards(PassportGuard('jwt'))
  @Get('passport')
  passport(): string {
    return 'passport';
  }

  @MessagePattern('open')
  openMessage(): string {
    return 'open';
  }

  // This is not a handler, because clients cannot call it.
  helper(): string {
    return 'help';
  }
}

@Resolver()
class CatsResolver {
  @UseGuards(AuthGuard)
  @Query(() => String, { name: 'cats' })
  list(): string {
    return 'cats';
  }

  @Mutation(() => String)
  addCat(): string {
    return 'added';
  }

  @ResolveField()
  owner(): string {
    return 'owner';
  }
}

@Resolver('Cat')
class CatFieldsResolver {
  @RequireScopes('cats:read')
  @ResolveReference()
  make(): object {
    return {};
  }

  @RequireScopes('vets:read')
  @ResolveField('illness')
  ill(): string {
    return 'none';
  }

  @ResolveField()
  owner(): string {
    return 'owner';
  }
}

@WebSocketGateway()
class CatsGateway {
  @UseGuards(AuthGuard)
  @SubscribeMessage('move')
  move(): string {
    return 'moved';
  }

  @SubscribeMessage('stay')
  stay(): string {
    return 'stayed';
  }
}

@Injectable()
class Unrelated {
  work(): void {}
}

const issuers = oidc({ issuer: 'https://issuer.example', audience: 'api' });

describe.each(platforms)('the route audit on $name', (platform) => {
  async function start(options: Partial<AuthModuleOptions & AuthModuleExtras>, parts: Partial<AppParts> = {}) {
    const logger = new LogLines();
    const app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers, ...options })],
      controllers: [CatsController, OpenController],
      providers: [CatsResolver, CatsGateway, Unrelated],
      logger,
      ...parts,
    });
    return { app, lines: logger.ours().map(({ level, text }) => `${level}: ${text}`) };
  }

  it('lists every handler with its protection', async () => {
    const { lines } = await start({ routeAudit: true });
    expect(lines).toEqual([
      'log: Route audit: 6 protected, 1 optional, 1 public, 5 unguarded',
      'log: protected  GET /cats/of/:id  CatsController.one  (scopes: cats:read)',
      'log: protected  POST /cats  CatsController.add  (scopes: cats:read; scopes: cats:write)',
      'log: protected  GET /cats/news  CatsController.news  (scopes: cats:read)',
      'log: public     GET /cats/health  CatsController.health',
      'log: protected  pattern {"cmd":"count"}  CatsController.count  (scopes: cats:read)',
      'warn: unguarded  GET /open  OpenController.open',
      'log: optional   GET /open/feed  OpenController.feed',
      'warn: unguarded  GET /open/passport  OpenController.passport',
      'warn: unguarded  pattern open  OpenController.openMessage',
      'log: protected  query cats  CatsResolver.list',
      'warn: unguarded  mutation addCat  CatsResolver.addCat',
      'log: protected  message move  CatsGateway.move',
      'warn: unguarded  message stay  CatsGateway.stay',
    ]);
  });

  it('logs nothing by default', async () => {
    expect((await start({})).lines).toEqual([]);
    expect((await start({ routeAudit: false })).lines).toEqual([]);
  });

  const unguarded = (lines: readonly string[]): string[] =>
    lines.filter((line) => line.includes('unguarded  ')).map((line) => line.split('  ').at(-1) ?? '');

  it('counts global guards for the handlers for which Nest runs them', async () => {
    const everything = await start({ routeAudit: true, guardEverything: true });
    expect(unguarded(everything.lines)).toEqual(['OpenController.openMessage', 'CatsGateway.stay']);
    const reaching = await start({
      routeAudit: { globalGuardsReach: ['message', 'websocket'] },
      guardEverything: true,
    });
    expect(unguarded(reaching.lines)).toEqual([]);
  });

  it('counts a global guard of the app', async () => {
    const provided = await start(
      { routeAudit: true },
      { providers: [{ provide: APP_GUARD, useClass: class extends AuthGuard {} }] },
    );
    expect(unguarded(provided.lines)).toEqual(['OpenController.openMessage']);
    const used = await start(
      { routeAudit: true },
      { prepare: (nest) => nest.useGlobalGuards(nest.get(AuthGuard, { strict: false })), providers: [] },
    );
    expect(unguarded(used.lines)).toEqual(['OpenController.openMessage']);
  });

  it('counts the guards that the app names', async () => {
    const { lines } = await start({ routeAudit: { otherGuards: [PassportGuard('jwt')] } });
    expect(unguarded(lines)).not.toContain('OpenController.passport');
    expect(unguarded(lines)).toContain('OpenController.open');
  });

  const fieldsOf = async (enhancers: readonly string[] | undefined): Promise<string[]> => {
    const gql = { provide: 'GqlModuleOptions', useValue: { fieldResolverEnhancers: enhancers } };
    const { lines } = await start(
      { routeAudit: true, guardEverything: true },
      { controllers: [], providers: [CatFieldsResolver, ...(enhancers === undefined ? [] : [gql])] },
    );
    return lines.slice(1);
  };

  it('lists a resolver with a guard as unguarded where GraphQL runs no guards', async () => {
    for (const enhancers of [undefined, [], ['interceptors']]) {
      expect(await fieldsOf(enhancers)).toEqual([
        'warn: unguarded  entity Cat  CatFieldsResolver.make',
        'warn: unguarded  field illness  CatFieldsResolver.ill',
      ]);
    }
  });

  it('lists fields and entities as protected where GraphQL runs guards for them', async () => {
    expect(await fieldsOf(['interceptors', 'guards'])).toEqual([
      'log: protected  entity Cat  CatFieldsResolver.make  (scopes: cats:read)',
      'log: protected  field illness  CatFieldsResolver.ill  (scopes: vets:read)',
    ]);
  });

  it('stops an app with an unguarded handler, in strict mode', async () => {
    await expect(start({ routeAudit: { strict: true } })).rejects.toThrow(
      'AuthModule.forRoot({ routeAudit: { strict } }): no guard protects OpenController.open (GET /open), ' +
        'OpenController.passport (GET /open/passport), OpenController.openMessage (pattern open), ' +
        'CatsResolver.addCat (mutation addCat), CatsGateway.stay (message stay). ',
    );
  });

  const strictMessage = async (options: Partial<AuthModuleOptions & AuthModuleExtras>, parts?: Partial<AppParts>) => {
    const error: unknown = await start({ routeAudit: { strict: true }, ...options }, parts).catch(
      (reason: unknown) => reason,
    );
    return (error as Error).message;
  };

  it('advises only what can help, and names the guards that do not count', async () => {
    const without = await strictMessage({});
    expect(without).toContain('or set guardEverything');
    expect(without).toContain('Guards that are there and do not count: AuthGuard(…) of @nestjs/passport.');
    expect(without).toContain("routeAudit: { otherGuards: [ApiKeyGuard, AuthGuard('jwt')] }");
    expect(without).not.toContain('globalGuardsReach');

    const everything = await strictMessage({ guardEverything: true });
    expect(everything).not.toContain('guardEverything');
    expect(everything).not.toContain('otherGuards');
    expect(everything).toContain("set routeAudit: { globalGuardsReach: ['message', 'websocket'] }");
    expect(everything).not.toContain('fieldResolverEnhancers');

    const fields = await strictMessage({ guardEverything: true }, { controllers: [], providers: [CatFieldsResolver] });
    expect(fields).toContain("fieldResolverEnhancers: ['guards']");
    expect(fields).not.toContain('globalGuardsReach');
  });

  it('does not stop an app without unguarded handlers, in strict mode', async () => {
    const strict = { routeAudit: { strict: true } };
    const { app } = await start(strict, { controllers: [CatsController], providers: [] });
    expect((await app.call('/cats/health')).status).toBe(200);
  });

  it('is available to the app as a list, which also has the form of 0.1.0', async () => {
    const { app } = await start({}, { controllers: [CatsController], providers: [] });
    const infos = app.nest.get(HandlerInventory, { strict: false }).list();
    expect(infos[0]).toMatchObject({ kind: 'http', handler: 'CatsController.one', protection: 'protected' });
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- It is accepted until 1.0.
    for (const { requirements, demands } of infos) {
      expect(demands).toEqual(requirements && { online: requirements.online, requirements: requirements.all });
    }
    expect(infos.some(({ requirements }) => requirements?.all.length === 1)).toBe(true);
  });

  it('refuses invalid options', async () => {
    await expect(start({ routeAudit: { strict: 'yes' as never } })).rejects.toThrow(/strict.*true or false/);
    await expect(start({ routeAudit: { otherGuards: ['jwt'] as never } })).rejects.toThrow(/otherGuards/);
    await expect(start({ routeAudit: { globalGuardsReach: ['http'] as never } })).rejects.toThrow(/globalGuardsReach/);
  });
});
