import type { CanActivate, INestApplicationContext } from '@nestjs/common';
import { type ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { AuthGuard } from '../guard/auth.guard.js';
import { applicationConfigOf, guardsOn, isAuthGuard, nestMetadata } from '../guard/nest-internals.js';
import type { Gateway } from './handshake.js';

/** The address that clients connect to. Several gateways may share one. */
export interface GatewayAddress {
  readonly port: number;
  readonly path: string | undefined;
  /** As the gateway's options state it, or with the slash that Nest puts before it. */
  readonly namespace: unknown;
}

/** A guard that decides about handshakes with a gateway. */
export interface GatewayGuard {
  readonly gateway: Gateway;
  readonly guard: CanActivate;
}

/** A gateway, and the injectables of its module, which contain the instances of its guards. */
interface GatewayInModule {
  readonly gateway: Gateway;
  readonly injectables: ReadonlyMap<unknown, { readonly instance: unknown }>;
}

/** Stands for the gateway at an address that no gateway serves. Its name is in the log. */
class NoGateway {
  handleConnection(): void {
    // Never called.
  }
}

/**
 * Finds the guards of the gateways at an address. Only `AuthGuard` and guards that extend it count: those on the class of a gateway
 * or on its `handleConnection`, otherwise the global ones (`guardEverything`). The global ones also decide where no gateway is:
 * socket.io always has the namespace `/`, whose clients receive what the app emits to the whole server.
 */
export function findGatewayGuards(app: INestApplicationContext, address: GatewayAddress): readonly GatewayGuard[] {
  const globalGuards = globalGuardsOf(app).filter(isAuthGuard) as readonly CanActivate[];
  const gateways = gatewaysOf(app).filter(({ gateway }) => isServedAt(gateway, address));
  if (gateways.length === 0) return globalGuards.map((guard) => ({ gateway: NoGateway, guard }));
  return gateways.flatMap(({ gateway, injectables }) => {
    const own = authGuardsOn(gateway).map(
      (guard) => toInstance(guard, injectables) ?? app.get(AuthGuard, { strict: false }),
    );
    return (own.length > 0 ? own : globalGuards).map((guard) => ({ gateway, guard }));
  });
}

function gatewaysOf(app: INestApplicationContext): readonly GatewayInModule[] {
  return [...app.get(ModulesContainer).values()].flatMap(({ providers, injectables }) =>
    [...providers.values()]
      .filter(({ metatype }) => typeof metatype === 'function' && Reflect.hasMetadata(nestMetadata.isGateway, metatype))
      .map(({ metatype }) => ({ gateway: metatype as Gateway, injectables })),
  );
}

function isServedAt(gateway: Gateway, address: GatewayAddress): boolean {
  const options = (Reflect.getMetadata(nestMetadata.gatewayOptions, gateway) ?? {}) as {
    path?: string;
    namespace?: unknown;
  };
  const port: unknown = Reflect.getMetadata(nestMetadata.gatewayPort, gateway) ?? 0;
  return (
    port === address.port &&
    options.path === address.path &&
    withSlash(options.namespace) === withSlash(address.namespace)
  );
}

/** Nest adds a slash to a namespace that does not start with one. Without a namespace, socket.io uses `/`. */
function withSlash(namespace: unknown): unknown {
  if (namespace === undefined || namespace === '') return '/';
  return typeof namespace === 'string' && !namespace.startsWith('/') ? `/${namespace}` : namespace;
}

/** The guards of the class, including inherited ones, and those of `handleConnection`. */
function authGuardsOn(gateway: Gateway): readonly unknown[] {
  const { handleConnection } = gateway.prototype as { handleConnection?: object };
  return [gateway, handleConnection].flatMap((target) =>
    target === undefined ? [] : guardsOn(target).filter(isAuthGuard),
  );
}

function toInstance(guard: unknown, injectables: GatewayInModule['injectables']): CanActivate | undefined {
  if (typeof guard !== 'function') return guard as CanActivate;
  return injectables.get(guard)?.instance as CanActivate | undefined;
}

function globalGuardsOf(app: INestApplicationContext): readonly unknown[] {
  return applicationConfigOf<ApplicationConfig>(app).getGlobalGuards();
}
