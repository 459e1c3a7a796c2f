/** Handlers that other libraries call through Nest's `ExternalContextCreator`, as those for RabbitMQ, Telegram and Discord do. */
import { ForbiddenException, Inject, Injectable, type OnApplicationBootstrap, UseGuards } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleExtras,
  type AuthModuleOptions,
  AuthUnavailableError,
  ConfigurationError,
  CurrentUser,
  HandlerInventory,
  oidc,
  Public,
  RequireScopes,
} from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { type Platform, platforms, type RunningApp, startApp } from '../support/app.js';
import { bot } from '../support/bot.js';
import { LogLines } from '../support/log-lines.js';

type Handler = (...args: unknown[]) => unknown;

/** A library that calls handlers by their names, and creates their contexts when the app has started, as golevelup's does. */
@Injectable()
class Broker implements OnApplicationBootstrap {
  private readonly handlers = new Map<string, Handler>();

  constructor(
    @Inject(ExternalContextCreator) private readonly contexts: ExternalContextCreator,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  onApplicationBootstrap(): void {
    for (const { providers } of this.modules.values()) {
      for (const { instance } of providers.values()) {
        if (instance instanceof Orders || instance instanceof Audits) this.subscribe(instance);
      }
    }
  }

  deliver(name: string, message: object): Promise<unknown> {
    return Promise.resolve(this.handlers.get(name)?.(message));
  }

  private subscribe(consumer: object): void {
    const prototype = Object.getPrototypeOf(consumer) as Readonly<Record<string, Handler>>;
    for (const name of Object.getOwnPropertyNames(prototype).filter((method) => method !== 'constructor')) {
      const callback = prototype[name] as Handler;
      const options = { guards: true, filters: true, interceptors: true };
      const parameters = { exchangeKeyForValue: () => undefined };
      const call = this.contexts.create(
        ...([consumer, callback, name, ROUTE_ARGS_METADATA, parameters, undefined, undefined, options, 'rmq'] as const),
      );
      this.handlers.set(name, call as Handler);
    }
  }
}

@Injectable()
class Orders {
  created(): string {
    return 'created';
  }

  @Public()
  shipped(@CurrentUser() user: unknown): string {
    return `shipped, user ${String(user)}`;
  }

  @RequireScopes('orders:refund')
  refunded(): string {
    return 'refunded';
  }

  failing(): never {
    throw new AuthUnavailableError('for the log');
  }
}

@UseGuards(AuthGuard)
@Injectable()
class Audits {
  audited(): string {
    return 'audited';
  }
}

const call = Promise.resolve.bind(Promise);

describe.each(platforms)('handlers of another library on $name', (platform: Platform) => {
  const logger = new LogLines();

  const start = (options: Partial<AuthModuleOptions & AuthModuleExtras> = {}): Promise<RunningApp> => {
    logger.forget();
    const issuers = oidc({ issuer: 'http://127.0.0.1:9', audience: 'api' });
    const auth = AuthModule.forRoot({ issuers, guardEverything: true, ...options });
    return startApp(platform, { logger, imports: [auth], providers: [Broker, Orders, Audits] });
  };
  const deliver = (app: RunningApp, name: string): Promise<unknown> =>
    app.nest.get(Broker).deliver(name, { text: 'x' });
  const refusalOf = (app: RunningApp, name: string): Promise<unknown> =>
    deliver(app, name).then(call, (error: unknown) => error);
  const errors = (): string[] => logger.ours('error').map(({ text }) => text);

  it('are refused with guardEverything, and the log names the line that takes their context out', async () => {
    const app = await start();
    expect(await refusalOf(app, 'created')).toBeInstanceOf(ForbiddenException);
    await refusalOf(app, 'created');
    expect(errors()).toHaveLength(1);
    expect(errors()[0]).toContain("unguardedContexts: ['rmq']");
    expect(errors()[0]).toContain('@Public()');
  });

  it('run with @Public(), and nothing is read of a caller', async () => {
    const app = await start();
    expect(await deliver(app, 'shipped')).toBe('shipped, user null');
    expect(errors()).toEqual([]);
  });

  it('run in a context that is taken out, unless a decorator requires a user', async () => {
    const app = await start({ unguardedContexts: ['rmq'] });
    expect(await deliver(app, 'created')).toBe('created');
    expect(await deliver(app, 'shipped')).toBe('shipped, user null');
    for (const name of ['refunded', 'audited']) {
      expect(await refusalOf(app, name)).toBeInstanceOf(ForbiddenException);
    }
    expect(errors()).toHaveLength(1);
    expect(errors()[0]).toContain('handlers without decorators');
  });

  it('throw an AuthError of their own as it is', async () => {
    const app = await start({ unguardedContexts: ['rmq'] });
    expect(await refusalOf(app, 'failing')).toBeInstanceOf(AuthUnavailableError);
    expect(errors()).toEqual([]);
  });

  it('are listed, also those that are created after the audit', async () => {
    const app = await start({ routeAudit: true });
    const listed = app.nest
      .get(HandlerInventory)
      .list()
      .filter(({ kind }) => kind === 'other');
    expect(listed.map(({ handler, addresses, protection }) => [handler, ...addresses, protection])).toEqual([
      ['Orders.created', 'rmq created', 'protected'],
      ['Orders.shipped', 'rmq shipped', 'public'],
      ['Orders.refunded', 'rmq refunded', 'protected'],
      ['Orders.failing', 'rmq failing', 'protected'],
      ['Audits.audited', 'rmq audited', 'protected'],
    ]);
    const lines = logger.ours().map(({ text }) => text);
    expect(lines).toContain('public     rmq shipped  Orders.shipped');
    expect(lines).toContain('protected  rmq refunded  Orders.refunded  (scopes: orders:refund)');
    expect(new Set(lines).size).toBe(lines.length);
  });

  it('count as unguarded where no guard runs for them, and as public where their context is taken out', async () => {
    const protectionsOf = async (options: Partial<AuthModuleOptions & AuthModuleExtras>): Promise<string[]> => {
      const handlers = (await start(options)).nest.get(HandlerInventory).list();
      return handlers.filter(({ kind }) => kind === 'other').map(({ protection }) => protection);
    };
    const open = ['unguarded', 'public', 'protected', 'unguarded', 'protected'];
    expect(await protectionsOf({ guardEverything: false })).toEqual(open);
    const out = ['public', 'public', 'protected', 'public', 'protected'];
    expect(await protectionsOf({ unguardedContexts: ['rmq'] })).toEqual(out);
    await expect(start({ guardEverything: false, routeAudit: { strict: true } })).rejects.toThrow(
      /no guard protects Orders\.created \(rmq created\)\. .*unguardedContexts: \['rmq'\]/,
    );
    await start({ guardEverything: false, routeAudit: { strict: true }, unguardedContexts: ['rmq'] });
  });

  it.each([[['bot']], [['http']], [['graphql']], [['ws']], [['rpc']], ['rmq'], [[1]], [['']]])(
    'cannot be taken out by unguardedContexts: %j',
    async (unguardedContexts) => {
      const options = { unguardedContexts: unguardedContexts as string[], transports: [bot()] };
      await expect(async () => start(options)).rejects.toThrow(ConfigurationError);
    },
  );
});
