import { RequestMethod, VersioningType } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { RoutePathFactory } from '@nestjs/core/router/route-path-factory.js';

import { nestMetadata } from '../guard/nest-internals.js';

type PathOptions = Parameters<RoutePathFactory['create']>[0];

/** A route of an HTTP handler. */
export interface HttpRoute {
  /** The method in capitals; `ALL` for every method. */
  readonly method: string;
  /** The path in the router, `/v1/cats/:id`, with global prefix, module path and version. */
  readonly path: string;
  /** The path without the global prefix, which OpenAPI documents may omit. */
  readonly unprefixed: string;
}

/** Finds the paths of HTTP handlers by Nest's own path factory. */
export class HttpPaths {
  private readonly factory: RoutePathFactory;

  constructor(
    private readonly config: ApplicationConfig,
    private readonly modules: ModulesContainer,
  ) {
    this.factory = new RoutePathFactory(config);
  }

  /** @returns an empty list where the method is not an HTTP handler */
  find(module: object, controller: object, method: object): readonly HttpRoute[] {
    const methodPath = Reflect.getMetadata('path', method) as string | string[] | undefined;
    const verb = Reflect.getMetadata('method', method) as RequestMethod | undefined;
    if (methodPath === undefined || verb === undefined) return [];
    const versioning = this.config.getVersioning();
    const create = (globalPrefix: string): string[] =>
      this.factory.create(
        {
          methodPath,
          ctrlPath: Reflect.getMetadata('path', controller) as string | string[],
          modulePath: this.modulePathOf(module),
          globalPrefix,
          methodVersion: Reflect.getMetadata(nestMetadata.version, method) as PathOptions['methodVersion'],
          controllerVersion: this.versionOf(controller),
          ...(versioning !== undefined && { versioningOptions: versioning }),
        } as PathOptions,
        verb,
      );
    const unprefixed = create('');
    const paths = create(leadingSlash(this.config.getGlobalPrefix()));
    return paths.map((path, at) => ({ method: RequestMethod[verb], path, unprefixed: unprefixed[at] ?? path }));
  }

  private versionOf(controller: object): PathOptions['controllerVersion'] {
    const versioning = this.config.getVersioning();
    const own = Reflect.getMetadata(nestMetadata.version, controller) as PathOptions['controllerVersion'];
    return versioning?.type === VersioningType.URI ? (own ?? versioning.defaultVersion) : own;
  }

  /** The path that `RouterModule` has set for the module. */
  private modulePathOf(module: object): string {
    const key = nestMetadata.modulePath;
    const path: unknown =
      Reflect.getMetadata(key + this.modules.applicationId, module) ?? Reflect.getMetadata(key, module);
    return typeof path === 'string' ? path : '';
  }
}

function leadingSlash(prefix: string): string {
  return prefix === '' || prefix.startsWith('/') ? prefix : `/${prefix}`;
}
