import { guardsOn } from './nest-internals.js';

/** The parts of Nest's modules that are read here. */
export interface AppModules {
  values(): Iterable<AppModule>;
}

interface AppModule {
  readonly metatype: { readonly name: string };
  readonly imports: ReadonlySet<AppModule>;
  readonly exports: ReadonlySet<unknown>;
  readonly injectables: ReadonlyMap<unknown, unknown>;
  readonly controllers: ReadonlyMap<unknown, { readonly metatype: unknown }>;
  readonly providers: ReadonlyMap<unknown, { readonly metatype: unknown }>;
}

/**
 * The modules that use an injectable, a guard or a pipe, and do not import the module that exports a part which it needs. Each with
 * its classes that have the guard: `CatsModule (CatsController)`.
 */
export function findModulesWithout(
  part: unknown,
  injectable: unknown,
  modules: AppModules | undefined,
): readonly string[] {
  return [...(modules?.values() ?? [])]
    .filter((module) => module.injectables.has(injectable))
    .filter(({ imports }) => ![...imports].some((imported) => imported.exports.has(part)))
    .map((module) => {
      const classes = [...module.controllers.values(), ...module.providers.values()]
        .map(({ metatype }) => metatype)
        .filter((metatype) => typeof metatype === 'function' && hasGuard(metatype, injectable));
      const names = classes.map((metatype) => (metatype as { readonly name: string }).name);
      return names.length === 0 ? module.metatype.name : `${module.metatype.name} (${names.join(', ')})`;
    });
}

function hasGuard(metatype: object, guard: unknown): boolean {
  const prototype = (metatype as { readonly prototype?: object }).prototype ?? {};
  const methods = Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
    return typeof method === 'function' ? [method] : [];
  });
  return [metatype, ...methods].some((target) => guardsOn(target).includes(guard));
}
