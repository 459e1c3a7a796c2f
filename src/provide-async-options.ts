import type { ModuleMetadata, Provider } from '@nestjs/common';

import type { AuthModuleAsyncOptions, AuthModuleOptions, AuthOptionsFactory } from './auth-module-options.js';
import { path, readOptions } from './configuration/read-options.js';
import { ConfigurationError } from './errors/auth-error.js';
import { AUTH_MODULE_OPTIONS, type ResolvedAuthOptions, resolveAuthOptions } from './resolve-auth-options.js';

/** Options that must be known before the factory runs. */
const extras = ['guardEverything', 'isGlobal'] as const;
const ways = ['useFactory', 'useClass', 'useExisting'] as const;

/** What a dynamic module needs for its options to be made when the app starts. */
export interface AsyncOptionsProvision {
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly providers: readonly Provider[];
}

/** @throws {ConfigurationError} unless exactly one way to make the options is given. */
export function provideAsyncOptions(where: string, options: AuthModuleAsyncOptions): AsyncOptionsProvision {
  readOptions(where, options, ['imports', 'inject', ...ways, ...extras]);
  if (ways.filter((way) => options[way] !== undefined).length !== 1) {
    throw new ConfigurationError(
      where,
      'the way to make the options is not clear',
      `Write exactly one of ${ways.join(', ')}`,
    );
  }
  return { imports: options.imports ?? [], providers: providersFor(where, options) };
}

/** @throws {ConfigurationError} for wrong options, and for those that the factory gives too late. */
function resolveMade(where: string, made: unknown): ResolvedAuthOptions {
  const late = extras.find((name) => typeof made === 'object' && made !== null && name in made);
  if (late === undefined)
    return resolveAuthOptions(where, made, { elsewhere: `next to the factory: ${extras.join(', ')}` });
  throw new ConfigurationError(
    path(where, late),
    'the factory returns it, and it must be known before the factory runs',
    `Write it next to the factory: ${where}({ ${late}: …, useFactory: … })`,
  );
}

function providersFor(
  where: string,
  { useFactory, useClass, useExisting, inject }: AuthModuleAsyncOptions,
): Provider[] {
  if (useFactory !== undefined) {
    const create = useFactory as (...dependencies: unknown[]) => AuthModuleOptions | Promise<AuthModuleOptions>;
    return [
      {
        provide: AUTH_MODULE_OPTIONS,
        inject: inject ?? [],
        useFactory: async (...dependencies: unknown[]) => resolveMade(where, await create(...dependencies)),
      },
    ];
  }
  const factory = useClass ?? useExisting;
  if (factory === undefined) return [];
  return [
    ...(useClass === undefined ? [] : [useClass]),
    {
      provide: AUTH_MODULE_OPTIONS,
      inject: [factory],
      useFactory: async (made: AuthOptionsFactory) => resolveMade(where, await made.createAuthOptions()),
    },
  ];
}
