import { Inject, Injectable } from '@nestjs/common';
import { type ApplicationConfig, HttpAdapterHost, MetadataScanner, ModuleRef, ModulesContainer } from '@nestjs/core';

import { RouteRulesReader } from '../guard/route-rules-reader.js';
import { type EntryPoint, type EntryPointKind, toProtection } from './entry-point.js';
import { GuardReach } from './guard-reach.service.js';
import { readHandlerMarks } from './handler-marks.js';
import { HttpPaths, type HttpRoute } from './http-paths.service.js';
import type { ResolvedRouteAudit } from './route-audit-options.js';

/** A class of an app. */
type Class = new (...parts: never[]) => object;

type Method = object & { readonly name: string };

/** An HTTP handler, with where it is served. */
export interface HttpEntryPoint extends EntryPoint {
  readonly kind: 'http';
  readonly routes: readonly HttpRoute[];
}

const usual: ResolvedRouteAudit = { strict: false, otherGuards: [], globalGuardsReach: [] };

/**
 * Lists every handler that the world can call, with what stands before it: HTTP routes, queries, mutations and
 * subscriptions, gateway messages, microservice patterns. It reads the same marks as the guard does.
 */
@Injectable()
export class EntryPoints {
  private readonly scanner = new MetadataScanner();

  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(RouteRulesReader) private readonly rules: RouteRulesReader,
  ) {}

  /** All of them. Ask when the app is put together: global guards that come later are not seen. */
  list(options: ResolvedRouteAudit = usual): readonly EntryPoint[] {
    return this.find(options);
  }

  /** Those that are called by HTTP. */
  listHttp(options: ResolvedRouteAudit = usual): readonly HttpEntryPoint[] {
    return this.find(options).filter((entry): entry is HttpEntryPoint => entry.kind === 'http');
  }

  private find(options: ResolvedRouteAudit): readonly EntryPoint[] {
    const config = this.applicationConfig();
    const reach = new GuardReach(config, hasAdapter(this.adapterHost), options);
    const paths = new HttpPaths(config, this.modules);
    return [...this.modules.values()].flatMap((module) =>
      [...module.controllers.values(), ...module.providers.values()]
        .filter((wrapper) => !wrapper.isNotMetatype && isClass(wrapper.metatype))
        .flatMap((wrapper) => this.ofClass(wrapper.metatype as Class, module.metatype, { reach, paths })),
    );
  }

  private ofClass(
    of: Class,
    module: object,
    { reach, paths }: { readonly reach: GuardReach; readonly paths: HttpPaths },
  ): readonly EntryPoint[] {
    return this.scanner.getAllMethodNames(of.prototype as object).flatMap((name) => {
      const method = Reflect.get(of.prototype as object, name) as Method;
      const describe = (kind: EntryPointKind, addresses: readonly string[]): EntryPoint => {
        const rules = this.rules.read({ getClass: () => of, getHandler: () => method });
        return {
          kind,
          handler: `${of.name}.${name}`,
          addresses,
          ...toProtection(rules, reach.covers(kind, of, method)),
        };
      };
      const routes = paths.find(module, of, method);
      const http: readonly HttpEntryPoint[] =
        routes.length === 0 ? [] : [{ ...describe('http', routes.map(written)), kind: 'http', routes }];
      return [...http, ...readHandlerMarks(of, name, method).map(({ kind, address }) => describe(kind, [address]))];
    });
  }

  private applicationConfig(): ApplicationConfig {
    // Nest has no provider for it; its own packages read it off the application in the same way.
    const { container } = this.moduleRef as unknown as { container: { applicationConfig: ApplicationConfig } };
    return container.applicationConfig;
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
