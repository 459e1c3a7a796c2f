import 'reflect-metadata';

// What this package reads of Nest that Nest does not export, in one file: names of metadata, and members of an application.
// Decorators of optional packages are read by name, because an app need not have those packages. All names have been the same
// since Nest 7.

/** The names under which Nest's decorators keep their metadata. */
export const nestMetadata = {
  guards: '__guards__',
  version: '__version__',
  /** Followed by the application's id where there are several. */
  modulePath: '__module_path__',
  isGateway: 'websockets:is_gateway',
  gatewayOptions: 'websockets:gateway_options',
  gatewayPort: 'port',
  isMessageHandler: 'websockets:message_mapping',
  message: 'message',
  messagePattern: 'microservices:pattern',
  resolverType: 'graphql:resolver_type',
  resolverName: 'graphql:resolver_name',
  isFieldResolver: 'graphql:resolve_property',
  isReferenceResolver: 'graphql:resolve_reference',
} as const;

/** The token of the options of `GraphQLModule`. */
export const graphqlOptionsToken = 'GqlModuleOptions';

/**
 * Nest's `ApplicationConfig` of the application that a `ModuleRef` or an application context belongs to. Nest has no provider
 * for it; its own packages read it in the same way. The type is Nest's, which its caller knows.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function applicationConfigOf<Config>(owner: object): Config {
  return (owner as { readonly container: { readonly applicationConfig: Config } }).container.applicationConfig;
}

/** The guards that `@UseGuards()` has put on a class or a method, those that a class inherits included. */
export function guardsOn(target: object): readonly unknown[] {
  return toGuards(Reflect.getMetadata(nestMetadata.guards, target));
}

/**
 * Marks `AuthGuard` and the guards that extend it. A registered symbol, because an ES module and a CommonJS copy of the
 * package may be loaded in one app, each with an `AuthGuard` of its own.
 */
export const authGuardBrand = Symbol.for('nest-gatehouse.AuthGuard');

/** Whether something given to `@UseGuards()` is `AuthGuard` or a guard that extends it, as a class or as an instance. */
export function isAuthGuard(guard: unknown): boolean {
  const instance: unknown = typeof guard === 'function' ? guard.prototype : guard;
  return typeof instance === 'object' && instance !== null && authGuardBrand in instance;
}

/**
 * Whether `@UseGuards(AuthGuard)`, or a guard that extends it, was written on this class or handler. Nest keeps the guards
 * that a class inherits at the front of its own list; those were written on another class.
 */
export function bringsAuthGuard(target: object): boolean {
  const own = toGuards(Reflect.getOwnMetadata(nestMetadata.guards, target));
  const inherited = guardsOn(Object.getPrototypeOf(target) as object);
  const startsInherited = inherited.every((guard, at) => own[at] === guard);
  return (startsInherited ? own.slice(inherited.length) : own).some(isAuthGuard);
}

function toGuards(metadata: unknown): readonly unknown[] {
  return Array.isArray(metadata) ? metadata : [];
}
