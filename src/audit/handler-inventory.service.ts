import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost, MetadataScanner, ModuleRef, ModulesContainer, type ApplicationConfig } from '@nestjs/core';
import { RouteRulesReader, type RouteRequirements, type RouteRules } from '../access/route-rules.js';
import { readDeclaredHandlers } from './declared-handlers.js';
import { applicationConfigOf, graphqlOptionsToken, guardsOn, isAuthGuard } from '../guard/nest-internals.js';
import { HttpPaths, type HttpRoute } from './http-paths.service.js';
import type { ResolvedRouteAudit } from './route-audit-options.js';

/** A class of an app. */
type Class = new (...parts: never[]) => object;

type Method = object & { readonly name: string };

/** An HTTP handler, with where it is served. */
export interface HttpHandlerInfo extends HandlerInfo {
  readonly kind: 'http';
  readonly routes: readonly HttpRoute[];
}

/** What is the same for all handlers of an app. */
interface Surroundings {
  readonly reach: GuardReach;
  readonly paths: HttpPaths;
  /** Whether Nest has guards before fields of GraphQL, and before what makes entities. */
  readonly hasFieldGuards: boolean;
}

const usual: ResolvedRouteAudit = { strict: false, otherGuards: [], globalGuardsReach: [] };

/**
 * Lists every handler that the world can call, with what stands before it: HTTP routes, queries, mutations and
 * subscriptions, entities of a subgraph, fields with the guard on them, gateway messages, microservice patterns. It
 * reads the same marks as the guard does.
 */
@Injectable()
export class HandlerInventory {
  private readonly scanner = new MetadataScanner();

  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(RouteRulesReader) private readonly rules: RouteRulesReader,
  ) {}

  /** All of them. Ask when the app is put together: global guards that come later are not seen. */
  list(options: ResolvedRouteAudit = usual): readonly HandlerInfo[] {
    return this.find(options);
  }

  /** Those that are called by HTTP. */
  listHttp(options: ResolvedRouteAudit = usual): readonly HttpHandlerInfo[] {
    return this.find(options).filter((entry): entry is HttpHandlerInfo => entry.kind === 'http');
  }

  private find(options: ResolvedRouteAudit): readonly HandlerInfo[] {
    const config = applicationConfigOf<ApplicationConfig>(this.moduleRef);
    const surroundings: Surroundings = {
      reach: new GuardReach(config, hasAdapter(this.adapterHost), options),
      paths: new HttpPaths(config, this.modules),
      hasFieldGuards: this.hasFieldGuards(),
    };
    return [...this.modules.values()].flatMap((module) =>
      [...module.controllers.values(), ...module.providers.values()]
        .filter((wrapper) => !wrapper.isNotMetatype && isClass(wrapper.metatype))
        .flatMap((wrapper) => this.ofClass(wrapper.metatype as Class, module.metatype, surroundings)),
    );
  }

  private ofClass(of: Class, module: object, { reach, paths, hasFieldGuards }: Surroundings): readonly HandlerInfo[] {
    return this.scanner.getAllMethodNames(of.prototype as object).flatMap((name) => {
      const method = Reflect.get(of.prototype as object, name) as Method;
      const describe = (kind: HandlerKind, addresses: readonly string[], runsGuards = true): HandlerInfo => {
        const rules = this.rules.read({ getClass: () => of, getHandler: () => method });
        const isGuarded = runsGuards && reach.covers(kind, of, method);
        return { kind, handler: `${of.name}.${name}`, addresses, ...toProtection(rules, isGuarded) };
      };
      const routes = paths.find(module, of, method);
      const http: readonly HttpHandlerInfo[] =
        routes.length === 0 ? [] : [{ ...describe('http', routes.map(written)), kind: 'http', routes }];
      const others = readDeclaredHandlers(of, name, method)
        // Fields are reached through what is listed anyway, but for those that somebody meant to guard.
        .filter((handler) => handler.reach !== 'field' || reach.stands(method))
        .map(({ kind, address, reach: inner }) => describe(kind, [address], inner === undefined || hasFieldGuards));
      return [...http, ...others];
    });
  }

  /** Whether `GraphQLModule` was told `fieldResolverEnhancers: ['guards']`; each of them, where there are several. */
  private hasFieldGuards(): boolean {
    const options = [...this.modules.values()].flatMap(({ providers }) => {
      const wrapper = providers.get(graphqlOptionsToken);
      return wrapper === undefined ? [] : [wrapper.instance as { readonly fieldResolverEnhancers?: unknown } | null];
    });
    const enhancers = options.map((given) => given?.fieldResolverEnhancers);
    return enhancers.length > 0 && enhancers.every((names) => Array.isArray(names) && names.includes('guards'));
  }
}

function isClass(value: unknown): value is Class {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;
}

function hasAdapter({ httpAdapter }: HttpAdapterHost): boolean {
  return (httpAdapter as unknown) !== undefined && (httpAdapter as unknown) !== null;
}

function written({ method, path }: HttpRoute): string {
  return `${method} ${path}`;
}

/** The transport that an entry point is called over. */
export type HandlerKind = 'http' | 'graphql' | 'websocket' | 'message';

/**
 * What stands before an entry point: the guard (`protected`, or `optional` where it forgives absence), a
 * `@Public()` that says nothing shall, or nothing at all.
 */
export type Protection = 'protected' | 'optional' | 'public' | 'unguarded';

/** A handler that the world can call. */
export interface HandlerInfo {
  readonly kind: HandlerKind;
  /** `CatsController.list` */
  readonly handler: string;
  /** What a caller writes: `GET /cats/:id`, `query cats`, `message "move"`. */
  readonly addresses: readonly string[];
  readonly protection: Protection;
  /** What is asked of the user, where the guard asks for more than one. */
  readonly requirements: RouteRequirements | null;
  /** The statuses that the guard may answer with here, beside 400 for a request that contradicts itself. */
  readonly refusals: readonly (401 | 403 | 503)[];
}

/** What the marks on a handler come to, once it is known whether the guard runs before it. */
function toProtection(
  rules: RouteRules,
  isGuarded: boolean,
): Pick<HandlerInfo, 'protection' | 'requirements' | 'refusals'> {
  if (rules.mode === 'public') return { protection: 'public', requirements: null, refusals: [] };
  // Without the guard anonymousCaller reads the marks.
  if (!isGuarded) return { protection: 'unguarded', requirements: null, refusals: [] };
  const { requirements } = rules;
  if (rules.mode === 'required') {
    const denied = requirements === null || requirements.all.length === 0 ? ([] as const) : ([403] as const);
    return { protection: 'protected', requirements, refusals: [401, ...denied, 503] };
  }
  const invalid = rules.onInvalid === 'reject' ? ([401] as const) : [];
  const unavailable = rules.onUnavailable === 'reject' ? ([503] as const) : [];
  return { protection: 'optional', requirements, refusals: [...invalid, ...unavailable] };
}

/** Tells whether a guard that counts runs before a handler: one of its own, one of its class, or a global one. */
class GuardReach {
  private readonly counting: readonly unknown[];
  private readonly everywhere: boolean;
  private readonly reached: ReadonlySet<HandlerKind>;

  constructor(config: ApplicationConfig, hasHttp: boolean, options: ResolvedRouteAudit) {
    this.counting = options.otherGuards;
    const globals = [...config.getGlobalGuards(), ...config.getGlobalRequestGuards().map(({ metatype }) => metatype)];
    this.everywhere = globals.some((guard) => this.counts(guard));
    this.reached = new Set(['http', 'graphql', ...(hasHttp ? [] : ['message' as const]), ...options.globalGuardsReach]);
  }

  covers(kind: HandlerKind, of: object, method: object): boolean {
    if (this.everywhere && this.reached.has(kind)) return true;
    return [of, method].some((target) => this.stands(target));
  }

  /** Whether such a guard is written on this very method or class. Guards of a class that it extends run as well. */
  stands(target: object): boolean {
    return guardsOn(target).some((guard) => this.counts(guard));
  }

  private counts(guard: unknown): boolean {
    return isAuthGuard(guard) || this.counting.some((known) => isOrMakes(guard, known));
  }
}

/** A guard is written as a class or as an object of one; a class that extends a guard is one as well. */
function isOrMakes(guard: unknown, known: unknown): boolean {
  if (typeof known !== 'function') return false;
  if (typeof guard === 'function') return guard === known || guard.prototype instanceof known;
  return guard instanceof known;
}
