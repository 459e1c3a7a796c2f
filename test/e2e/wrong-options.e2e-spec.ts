/** A mistake in the wiring stops the app when it starts, and the message says which, where and what to write. */
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleAsyncOptions,
  ConfigurationError,
  OptionalAuth,
  oidc,
} from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { type AppParts, platforms, type Platform, startApp } from '../support/app.js';

const issuers = oidc({ issuer: 'https://issuer.example', audience: 'api' });

/** Options as JavaScript or a configuration file could give them. */
type Given = Record<string, unknown>;

const transport = (contextType: string): object => ({ contextType, open: () => undefined });

/** [what is wrong, the options, what stands behind the name of the method] */
const mistakes: readonly [string, Given, string][] = [
  [
    'no issuers',
    {},
    '({ issuers }): it is missing. Write what a preset gives, such as oidc({ … }), or a list of these.',
  ],
  ['an empty list', { issuers: [] }, '({ issuers }): something in it is not an issuer. Write what'],
  ['a look-alike', { issuers: { ...issuers } }, '({ issuers }): something in it is not an issuer. Write what'],
  [
    'one issuer twice',
    { issuers: [issuers, issuers] },
    '({ issuers }): the issuer https://issuer.example is described twice. Describe it once',
  ],
  [
    'a typing error',
    { issuers, tokenForm: [] },
    '({ tokenForm }): there is no option of this name. Did you mean tokenFrom.',
  ],
  [
    'an unknown name',
    { issuers, whatever: 1 },
    '({ whatever }): there is no option of this name. Known options: issuers,',
  ],
  [
    'a source that is none',
    { issuers, tokenFrom: ['header'] },
    '({ tokenFrom }): a list of token sources is expected. Write [fromBearer()',
  ],
  [
    'a transport that was not called',
    { issuers, transports: [() => undefined] },
    '({ transports }): a list of transports is expected. Write [webSockets(), microservices()]',
  ],
  ['a transport that is no list', { issuers, transports: 'ws' }, '({ transports }): a list of transports is expected.'],
  [
    'two transports of a kind',
    { issuers, transports: [transport('ws'), transport('rpc'), transport('ws')] },
    '({ transports }): there are two for "ws" contexts. Leave one out.',
  ],
  [
    'a transport that is there already',
    { issuers, transports: [transport('graphql')] },
    '({ transports }): there are two for "graphql" contexts.',
  ],
  [
    'an origin with something behind it',
    { issuers, socketOrigins: ['https://app.example.com/'] },
    '({ socketOrigins }): a list of origins is expected. Write scheme and host',
  ],
  ['an origin that is none', { issuers, socketOrigins: ['*'] }, '({ socketOrigins }): a list of origins is expected.'],
  ['the origin null', { issuers, socketOrigins: ['null'] }, '({ socketOrigins }): a list of origins is expected.'],
  [
    'trusted origins that are no list',
    { issuers, trustedOrigins: 'https://app.example.com' },
    '({ trustedOrigins }): a list of origins is expected.',
  ],
  [
    'trusted origins under both names',
    { issuers, trustedOrigins: [], socketOrigins: [] },
    '({ socketOrigins }): it is the former name of trustedOrigins, which is set too. Write all origins into trustedOrigins.',
  ],
  [
    'a public address by plain http',
    { issuers, publicUrl: 'http://api.example.com' },
    '({ publicUrl }): http is only allowed on this machine.',
  ],
  [
    'a public address with a query',
    { issuers, publicUrl: 'https://api.example.com/?a=1' },
    '({ publicUrl }): an address without a query is expected.',
  ],
  ['no source', { issuers, tokenFrom: [] }, '({ tokenFrom }): a list of token sources is expected.'],
  [
    'an unknown word',
    { issuers, optionalAuth: { onInvalid: 'pass' } },
    "({ optionalAuth })({ onInvalid }): one of 'anonymous', 'reject' is expected. Left out",
  ],
  [
    'a cache of no size',
    { issuers, verifiedTokenCache: { maxEntries: -1 } },
    '({ verifiedTokenCache })({ maxEntries }): a whole number from 0',
  ],
  [
    'a cache that is true',
    { issuers, verifiedTokenCache: true },
    '({ verifiedTokenCache }): an object of options is expected.',
  ],
  [
    'claims that are no class',
    { issuers, claims: {} },
    '({ claims }): a class is expected. Write a class with class-validator decorators.',
  ],
  [
    'claims without rules',
    { issuers, claims: class Empty {} },
    '({ claims }): Empty has no class-validator decorator.',
  ],
  [
    'a user that is no function',
    { issuers, toUser: 'User' },
    '({ toUser }): a function is expected. Write one, or leave it out.',
  ],
  [
    'an unknown warm-up',
    { issuers, warmUp: 'always' },
    "({ warmUp }): true, false or 'required' is expected. Left out, it is false.",
  ],
  [
    'a clock that stands',
    { issuers, clock: new Date() },
    '({ clock }): a clock is expected. Write { now: () => new Date() }.',
  ],
  [
    'too much patience',
    { issuers, http: { timeoutMs: 1e9 } },
    '({ http })({ timeoutMs }): a number from 1 to 60000 is expected.',
  ],
];

async function errorOf(platform: Platform, parts: () => AppParts): Promise<ConfigurationError> {
  // A mistake that forRoot can see is thrown where it is called, before there is an app.
  const error: unknown = await Promise.resolve()
    .then(() => startApp(platform, parts()))
    .then(
      () => 'it started',
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(ConfigurationError);
  return error as ConfigurationError;
}

const forRootAsync = (options: unknown): AppParts => ({
  imports: [AuthModule.forRootAsync(options as AuthModuleAsyncOptions)],
});

describe.each(platforms)('a wrong option on $name', (platform) => {
  it.each(mistakes)('stops the app: %s', async (_what, options, message) => {
    const now = await errorOf(platform, () => ({ imports: [AuthModule.forRoot(options as never)] }));
    expect(now.message).toContain(`AuthModule.forRoot${message}`);
    const later = await errorOf(platform, () => forRootAsync({ useFactory: async () => options }));
    expect(later.message).toContain(`AuthModule.forRootAsync${message}`);
  });

  it.each(['guardEverything', 'isGlobal'])(
    'stops the app when the factory returns %s, which is too late',
    async (name) => {
      const error = await errorOf(platform, () => forRootAsync({ useFactory: () => ({ issuers, [name]: true }) }));
      expect(error.path).toBe(`AuthModule.forRootAsync({ ${name} })`);
      expect(error.message).toContain(
        `Write it next to the factory: AuthModule.forRootAsync({ ${name}: …, useFactory: … })`,
      );
    },
  );

  it('names the options that the module knows before it reads the others', async () => {
    const sync = await errorOf(platform, () => ({ imports: [AuthModule.forRoot({ issuers, whatever: 1 } as never)] }));
    expect(sync.message).toMatch(/, guardEverything, isGlobal\.$/);
    const mistyped = await errorOf(platform, () => ({
      imports: [AuthModule.forRoot({ issuers, isGlobl: 1 } as never)],
    }));
    expect(mistyped.message).toContain('Did you mean isGlobal');
    const made = await errorOf(platform, () => forRootAsync({ useFactory: () => ({ issuers, whatever: 1 }) }));
    expect(made.message).toMatch(/; next to the factory: guardEverything, isGlobal\.$/);
  });

  it.each([
    ['guardEverything', 'yes', 'true or false is expected. Left out, it is false.'],
    ['isGlobal', 1, 'true or false is expected. Left out, it is true.'],
  ])('stops the app when a boolean is not one: %s', async (name, value, message) => {
    const sync = await errorOf(platform, () => ({
      imports: [AuthModule.forRoot({ issuers, [name]: value })],
    }));
    expect(sync.message).toBe(`AuthModule.forRoot({ ${name} }): ${message}`);
    const async = await errorOf(platform, () => forRootAsync({ useFactory: () => ({ issuers }), [name]: value }));
    expect(async.message).toBe(`AuthModule.forRootAsync({ ${name} }): ${message}`);
  });

  it.each([
    ['no way', {}],
    ['two ways', { useFactory: () => ({ issuers }), useExisting: 'OPTIONS' }],
  ])('stops the app when it has %s to create the options', async (_what, options) => {
    const { message } = await errorOf(platform, () => forRootAsync(options));
    expect(message).toBe(
      'AuthModule.forRootAsync: the way to make the options is not clear. ' +
        'Write exactly one of useFactory, useClass, useExisting.',
    );
  });

  it('does not hide an error of the factory', async () => {
    const starting = startApp(platform, {
      imports: [AuthModule.forRootAsync({ useFactory: () => Promise.reject(new Error('no vault')) })],
    });
    await expect(starting).rejects.toThrow('no vault');
  });
});

@Controller('cats')
class CatsController {
  @UseGuards(AuthGuard)
  @Get()
  list(): string[] {
    return [];
  }
}

@Controller('dogs')
class DogsController {
  @OptionalAuth()
  @Get()
  list(): string[] {
    return [];
  }
}

const missingLine = (users: string, importers: string): string =>
  `AuthGuard: it is used in a module that does not see AuthModule: ${users}. Add AuthModule.forRoot({ issuers: … }) to the ` +
  `imports of the root module; with isGlobal: false, to those of ${importers}.`;

describe.each(platforms)('a guard without its module on $name', (platform) => {
  it.each([
    ['@UseGuards(AuthGuard)', CatsController],
    ['@OptionalAuth()', DogsController],
  ])('stops the app and names the missing import: %s', async (_mark, controller) => {
    const error = await errorOf(platform, () => ({ controllers: [controller] }));
    expect(error.message).toBe(missingLine(`RootModule (${controller.name})`, 'RootModule'));
  });

  it('stops the app also when the module is not global and another module imports it', async () => {
    const auth = AuthModule.forRoot({ issuers, isGlobal: false });
    @Module({ imports: [auth], controllers: [DogsController] })
    class DogsModule {}
    @Module({ controllers: [CatsController] })
    class CatsModule {}
    const error = await errorOf(platform, () => ({ imports: [DogsModule, CatsModule] }));
    expect(error.message).toBe(missingLine('CatsModule (CatsController)', 'CatsModule'));
  });
});

describe.each(platforms)('a module that is registered in a wrong way on $name', (platform) => {
  const auth = AuthModule.forRoot({ issuers });
  const other = oidc({ issuer: 'https://other.example', audience: 'api' });

  it('stops the app when a feature module imports the class', async () => {
    @Module({ imports: [AuthModule], controllers: [CatsController] })
    class CatsModule {}
    const error = await errorOf(platform, () => ({ imports: [auth, CatsModule] }));
    expect(error.message).toMatch(/^AuthModule: it is imported as a class, without options\. Remove it/);
  });

  it('stops the app when it is registered twice for all modules', async () => {
    @Module({ imports: [AuthModule.forRoot({ issuers: other })], controllers: [CatsController] })
    class CatsModule {}
    const error = await errorOf(platform, () => ({ imports: [auth, CatsModule] }));
    expect(error.message).toMatch(/^AuthModule\.forRoot: it is called more than once for one app/);
  });

  it('does not stop the app when one registration is imported twice, or a second one is not global', async () => {
    @Module({ imports: [auth], controllers: [CatsController] })
    class CatsModule {}
    @Module({ imports: [AuthModule.forRoot({ issuers: other, isGlobal: false })], controllers: [DogsController] })
    class DogsModule {}
    const app = await startApp(platform, { imports: [auth, CatsModule, DogsModule] });
    expect((await app.call('/cats')).status).toBe(401);
    expect((await app.call('/dogs')).status).toBe(200);
  });
});
