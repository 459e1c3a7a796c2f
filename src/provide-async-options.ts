import type {
  DynamicModule,
  InjectionToken,
  ModuleMetadata,
  OptionalFactoryDependency,
  Provider,
  Type,
} from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import { path, readOptions } from './configuration/read-options.js';
import { ConfigurationError } from './errors/auth-error.js';

const ways = ['useFactory', 'useClass', 'useExisting'] as const;

/** How a module gets options that are made when the app starts: exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface AsyncModuleOptions<Options, Factory> extends Pick<ModuleMetadata, 'imports'> {
  /** What `useFactory` is called with, in this order. */
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  // The parameters are the app's own, and any function takes what `inject` names.
  readonly useFactory?: (...dependencies: never[]) => Options | Promise<Options>;
  /** A class that this module makes. */
  readonly useClass?: Type<Factory>;
  /** A provider that is there already. */
  readonly useExisting?: InjectionToken<Factory>;
}

/** What one module makes of the options that it is given. */
export interface AsyncOptionsForm<Options, Factory> {
  /** The token under which the options are injected, once they have been read. */
  readonly token: InjectionToken;
  /** Calls the method by which a class of the app makes the options. */
  readonly create: (factory: Factory) => Options | Promise<Options>;
  /**
   * Reads and checks the options.
   *
   * @param elsewhere names of options that belong to another place, with the place, for messages
   */
  readonly resolve: (where: string, options: Options, elsewhere?: string) => unknown;
  /** Options that must be known before the factory runs, and therefore stand next to it. @defaultValue [] */
  readonly extras?: readonly string[];
}

/** What a dynamic module needs for its options to be made when the app starts. */
export interface AsyncOptionsProvision {
  readonly imports: NonNullable<DynamicModule['imports']>;
  readonly providers: readonly Provider[];
}

/** @throws {ConfigurationError} unless exactly one way to make the options is given. */
export function provideAsyncOptions<Options, Factory>(
  where: string,
  options: AsyncModuleOptions<Options, Factory>,
  form: AsyncOptionsForm<Options, Factory>,
): AsyncOptionsProvision {
  readOptions(where, options, ['imports', 'inject', ...ways, ...(form.extras ?? [])]);
  if (ways.filter((way) => options[way] !== undefined).length !== 1) {
    throw new ConfigurationError(
      where,
      'the way to make the options is not clear',
      `Write exactly one of ${ways.join(', ')}`,
    );
  }
  return { imports: options.imports ?? [], providers: providersFor(where, options, form) };
}

/** Reads what the factory has given. @throws {ConfigurationError} also for options that it gives too late. */
function resolveMade<Options>(where: string, made: Options, form: AsyncOptionsForm<Options, never>): unknown {
  const { extras = [] } = form;
  const late = extras.find((name) => typeof made === 'object' && made !== null && name in made);
  if (late === undefined) {
    return form.resolve(where, made, extras.length === 0 ? undefined : `next to the factory: ${extras.join(', ')}`);
  }
  throw new ConfigurationError(
    path(where, late),
    'the factory returns it, and it must be known before the factory runs',
    `Write it next to the factory: ${where}({ ${late}: …, useFactory: … })`,
  );
}

function providersFor<Options, Factory>(
  where: string,
  { useFactory, useClass, useExisting, inject }: AsyncModuleOptions<Options, Factory>,
  form: AsyncOptionsForm<Options, Factory>,
): Provider[] {
  if (useFactory !== undefined) {
    const make = useFactory as (...dependencies: unknown[]) => Options | Promise<Options>;
    return [
      {
        provide: form.token,
        inject: inject ?? [],
        useFactory: async (...dependencies: unknown[]) => resolveMade(where, await make(...dependencies), form),
      },
    ];
  }
  const factory = useClass ?? useExisting;
  if (factory === undefined) return [];
  return [
    ...(useClass === undefined ? [] : [useClass]),
    {
      provide: form.token,
      inject: [factory],
      useFactory: async (made: Factory) => resolveMade(where, await form.create(made), form),
    },
  ];
}

/**
 * Stops an app whose options depend on the request. Nest would create the whole module again for each request: wrong options
 * would show at a request, and whatever the module keeps would be lost with each request.
 *
 * @param moduleRef that of the module, in whose `onModuleInit` this is called
 * @param fix what to do instead
 * @throws {ConfigurationError} when the options have not been made
 */
export function checkOptionsAreMade(where: string, moduleRef: ModuleRef, token: InjectionToken, fix: string): void {
  if (areOptionsMade(moduleRef, token)) return;
  throw new ConfigurationError(
    `${where}({ inject })`,
    'the options depend on a request-scoped provider, and they are made once, when the app starts',
    fix,
  );
}

/** Whether the options of this registration are there. Nest refuses to hand out what waits for a request. */
function areOptionsMade(moduleRef: ModuleRef, token: InjectionToken): boolean {
  try {
    return moduleRef.get<unknown>(token, { strict: true }) !== undefined;
  } catch {
    return false;
  }
}
