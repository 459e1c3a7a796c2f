import type { ModuleMetadata, Provider } from '@nestjs/common';

import type { AuthModuleAsyncOptions, AuthModuleOptions, AuthOptionsFactory } from './auth-module-options.js';
import { readOptions } from './configuration/read-options.js';
import { ConfigurationError } from './errors/auth-error.js';
import { READ_AUTH_OPTIONS, readAuthOptions } from './read-auth-options.js';

const ways = ['useFactory', 'useClass', 'useExisting'] as const;

/** What a dynamic module needs for its options to be made when the app starts. */
export interface AsyncOptionsProvision {
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly providers: readonly Provider[];
}

/** @throws {ConfigurationError} unless exactly one way to make the options is given. */
export function provideAsyncOptions(where: string, options: AuthModuleAsyncOptions): AsyncOptionsProvision {
  readOptions(where, options, ['imports', 'inject', ...ways]);
  if (ways.filter((way) => options[way] !== undefined).length !== 1) {
    throw new ConfigurationError(
      where,
      'the way to make the options is not clear',
      `Write exactly one of ${ways.join(', ')}`,
    );
  }
  return { imports: options.imports ?? [], providers: providersFor(where, options) };
}

function providersFor(
  where: string,
  { useFactory, useClass, useExisting, inject }: AuthModuleAsyncOptions,
): Provider[] {
  if (useFactory !== undefined) {
    const create = useFactory as (...dependencies: unknown[]) => AuthModuleOptions | Promise<AuthModuleOptions>;
    return [
      {
        provide: READ_AUTH_OPTIONS,
        inject: inject ?? [],
        useFactory: async (...dependencies: unknown[]) => readAuthOptions(where, await create(...dependencies)),
      },
    ];
  }
  const factory = useClass ?? useExisting;
  if (factory === undefined) return [];
  return [
    ...(useClass === undefined ? [] : [useClass]),
    {
      provide: READ_AUTH_OPTIONS,
      inject: [factory],
      useFactory: async (made: AuthOptionsFactory) => readAuthOptions(where, await made.createAuthOptions()),
    },
  ];
}
