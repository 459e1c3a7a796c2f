import type { CanActivate, INestApplicationContext } from '@nestjs/common';
import { type ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { AuthGuard } from '../guard/auth.guard.js';
import { applicationConfigOf, guardsOn, isAuthGuard, nestMetadata } from '../guard/nest-internals.js';
import type { Gateway } from './handshake.js';

/** Where clients connect to: several gateways may share it. */
export interface Place {
  readonly port: number;
  readonly path: string | undefined;
  /** As the gateway has it, or with Nest's slash before it. */
  readonly namespace: unknown;
}

/** A guard before a gateway. */
export interface GatewayGuard {
  readonly gateway: Gateway;
  readonly guard: CanActivate;
}

/** A gateway, and the module whose instances of its guards are used. */
interface Host {
  readonly gateway: Gateway;
  readonly injectables: ReadonlyMap<unknown, { readonly instance: unknown }>;
}

/**
 * The guards that ask for a user at the gateways of a place: those on the class or on `handleConnection`, or else
 * the one that guards everything.
 */
export function findGatewayGuards(app: INestApplicationContext, place: Place): readonly GatewayGuard[] {
  const everywhere = globalGuardsOf(app).filter(isAuthGuard) as readonly CanActivate[];
  return gatewaysOf(app)
    .filter(({ gateway }) => stands(gateway, place))
    .flatMap(({ gateway, injectables }) => {
      const own = authGuardsOn(gateway).map(
        (guard) => toInstance(guard, injectables) ?? app.get(AuthGuard, { strict: false }),
      );
      return (own.length > 0 ? own : everywhere).map((guard) => ({ gateway, guard }));
    });
}

function gatewaysOf(app: INestApplicationContext): readonly Host[] {
  return [...app.get(ModulesContainer).values()].flatMap(({ providers, injectables }) =>
    [...providers.values()]
      .filter(({ metatype }) => typeof metatype === 'function' && Reflect.hasMetadata(nestMetadata.isGateway, metatype))
      .map(({ metatype }) => ({ gateway: metatype as Gateway, injectables })),
  );
}

function stands(gateway: Gateway, place: Place): boolean {
  const options = (Reflect.getMetadata(nestMetadata.gatewayOptions, gateway) ?? {}) as {
    path?: string;
    namespace?: unknown;
  };
  const port: unknown = Reflect.getMetadata(nestMetadata.gatewayPort, gateway) ?? 0;
  return (
    port === place.port && options.path === place.path && withSlash(options.namespace) === withSlash(place.namespace)
  );
}

/** Nest writes a slash before a namespace that has none; no namespace is the one that socket.io calls `/`. */
function withSlash(namespace: unknown): unknown {
  if (namespace === undefined || namespace === '') return '/';
  return typeof namespace === 'string' && !namespace.startsWith('/') ? `/${namespace}` : namespace;
}

/** The class's own, those that it inherits, and those of the method that a handshake calls. */
function authGuardsOn(gateway: Gateway): readonly unknown[] {
  const { handleConnection } = gateway.prototype as { handleConnection?: object };
  return [gateway, handleConnection].flatMap((target) =>
    target === undefined ? [] : guardsOn(target).filter(isAuthGuard),
  );
}

function toInstance(guard: unknown, injectables: Host['injectables']): CanActivate | undefined {
  if (typeof guard !== 'function') return guard as CanActivate;
  return injectables.get(guard)?.instance as CanActivate | undefined;
}

function globalGuardsOf(app: INestApplicationContext): readonly unknown[] {
  return applicationConfigOf<ApplicationConfig>(app).getGlobalGuards();
}
