import { guardsOn } from '../guard/nest-internals.js';

/** The names of the guards on a class or a method. `mixin` of Nest gives the guards of passport random names. */
export function namesOfGuards(targets: readonly object[]): readonly string[] {
  return targets.flatMap(guardsOn).map((guard) => {
    const ofClass = (typeof guard === 'function' ? guard : (guard as object).constructor) as new (
      ...parts: never[]
    ) => object;
    const methods = ofClass.prototype as object;
    const isOfPassport = 'getAuthenticateOptions' in methods && 'handleRequest' in methods && 'logIn' in methods;
    return isOfPassport ? 'AuthGuard(…) of @nestjs/passport' : ofClass.name;
  });
}

/**
 * The method of a parent class that a method overrides and that has guards of its own: `BaseController.list`. Nest runs guards of a
 * parent class, and not those of an overridden method. `null` where there is none.
 */
export function findGuardedOverridden(of: object, name: string): string | null {
  for (
    let parent: unknown = Object.getPrototypeOf(of);
    typeof parent === 'function';
    parent = Object.getPrototypeOf(parent)
  ) {
    const methods: unknown = parent.prototype;
    if (typeof methods !== 'object' || methods === null || !Object.hasOwn(methods, name)) continue;
    const method: unknown = Reflect.get(methods, name);
    if (typeof method === 'function' && guardsOn(method).length > 0) return `${parent.name}.${name}`;
  }
  return null;
}
