import 'reflect-metadata';

// Everything that this package reads from Nest and that Nest does not export: names of metadata, and properties of an application.
// The metadata of optional packages is read by name, because an app may not have installed them. All names have been the same since
// Nest 7.

/** The names under which Nest's decorators keep their metadata. */
export const nestMetadata = {
  guards: '__guards__',
  version: '__version__',
  /** Nest appends the id of the application to this name if there are several. */
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
  /** On the class, by the name of the method; Nest uses it for every kind of handler. */
  parameters: '__routeArguments__',
} as const;

/** Marks the function by which `@CurrentUser()` reads the user, which Nest keeps with the parameter. */
export const currentUserBrand = Symbol.for('nest-gatehouse.CurrentUser');

/** Whether a parameter of a handler has `@CurrentUser()` without a pipe, which could replace `null`. */
export function readsCurrentUser(ofClass: object, method: string): boolean {
  const parameters = (Reflect.getMetadata(nestMetadata.parameters, ofClass, method) ?? {}) as Readonly<
    Record<string, { readonly factory?: object; readonly pipes?: readonly unknown[] }>
  >;
  return Object.values(parameters).some(
    ({ factory, pipes = [] }) => factory !== undefined && currentUserBrand in factory && pipes.length === 0,
  );
}

/** The injection token of the options of `GraphQLModule`. */
export const graphqlOptionsToken = 'GqlModuleOptions';

/** Whether an app has a GraphQL module. Known when the modules are initialized, not earlier. */
export function hasGraphqlModule(modules: {
  values(): Iterable<{ readonly providers: { has(token: string): boolean } }>;
}): boolean {
  return [...modules.values()].some(({ providers }) => providers.has(graphqlOptionsToken));
}

/**
 * Nest's `ApplicationConfig` of the application that a `ModuleRef` or an application context belongs to. Nest has no provider for
 * it, and its own packages read it in the same way. The caller states the type, because this file does not import Nest.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function applicationConfigOf<Config>(owner: object): Config {
  return (owner as { readonly container: { readonly applicationConfig: Config } }).container.applicationConfig;
}

/** The list of the microservice servers of an app, in Nest's `ModulesContainer`; each subscriber gets all at once. */
interface ServerRegistry {
  getRpcTargetRegistry?(): { subscribe(listener: () => void): { unsubscribe(): void } };
}

/**
 * Whether an app serves callers: by HTTP or as a microservice. `NestFactory.createApplicationContext` (commands, seeds, workers)
 * makes an app that never listens. Known when the modules are initialized, not earlier.
 */
export function servesCallers(host: { readonly httpAdapter?: unknown }, modules: object): boolean {
  if (host.httpAdapter !== undefined && host.httpAdapter !== null) return true;
  const registry = (modules as ServerRegistry).getRpcTargetRegistry?.();
  // Without this list, nothing is left out.
  if (registry === undefined) return true;
  let count = 0;
  registry
    .subscribe(() => {
      count += 1;
    })
    .unsubscribe();
  return count > 0;
}

/** The guards that `@UseGuards()` has added to a class or a method, including those that the class inherits. */
export function guardsOn(target: object): readonly unknown[] {
  return toGuards(Reflect.getMetadata(nestMetadata.guards, target));
}

/**
 * Marks `AuthGuard` and the guards that extend it. A registered symbol, because an ES module and a CommonJS copy of the
 * package may be loaded in one app, each with an `AuthGuard` of its own.
 */
export const authGuardBrand = Symbol.for('nest-gatehouse.AuthGuard');

/** Whether an argument of `@UseGuards()`, a class or an instance, is `AuthGuard` or a guard that extends it. */
export function isAuthGuard(guard: unknown): boolean {
  const instance: unknown = typeof guard === 'function' ? guard.prototype : guard;
  return typeof instance === 'object' && instance !== null && authGuardBrand in instance;
}

/**
 * Whether `@UseGuards(AuthGuard)`, or a guard that extends it, is on exactly this class or handler. Nest copies the guards that a
 * class inherits to the front of the list of the class; these do not count.
 */
export function bringsAuthGuard(target: object): boolean {
  const own = toGuards(Reflect.getOwnMetadata(nestMetadata.guards, target));
  const inherited = guardsOn(Object.getPrototypeOf(target) as object);
  const startsWithInherited = inherited.every((guard, at) => own[at] === guard);
  return (startsWithInherited ? own.slice(inherited.length) : own).some(isAuthGuard);
}

function toGuards(metadata: unknown): readonly unknown[] {
  return Array.isArray(metadata) ? metadata : [];
}
