import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Req,
  Res,
  type Type,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import type { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';
import 'reflect-metadata';

import { HttpPaths } from '../audit/http-paths.service.js';
import { Public } from '../decorators/authentication.decorator.js';
import { applicationConfigOf } from '../guard/nest-internals.js';
import { ReadsBody } from './reads-body.decorator.js';

const methods = { GET: Get, POST: Post, PATCH: Patch, DELETE: Delete } as const;

/** What answers a route: with the framework's own request and response, and with the parameter of the path. */
type Answer = (request: object, response: object, parameter: string) => Promise<unknown>;

type AnswerName<Requests> = { [Name in keyof Requests]: Requests[Name] extends Answer ? Name : never }[keyof Requests] &
  string;

/** A route of a module: method, path below the common one with one parameter at most, the method that answers, and the status. */
export type OwnRoute<Requests> = readonly [
  method: keyof typeof methods,
  path: string,
  answer: AnswerName<Requests>,
  status?: 202 | 204,
];

/** Routes that one class answers. */
export interface OwnRoutes<Requests extends object = object> {
  /** The name of the controller, which OpenAPI documents show. */
  readonly name: string;
  readonly requests: Type<Requests>;
  readonly routes: readonly OwnRoute<Requests>[];
}

/** Checks that the class has the methods that answer the routes. */
export function ownRoutes<Requests extends object>(
  name: string,
  requests: abstract new (...parameters: never[]) => Requests,
  routes: readonly OwnRoute<Requests>[],
): OwnRoutes {
  return { name, requests, routes } as unknown as OwnRoutes;
}

/** Each as `POST /auth/sign-in`, for `RouteClaims`. */
export function namesOfRoutes(path: string, groups: readonly OwnRoutes[]): readonly string[] {
  return groups.flatMap(({ routes }) => routes.map(([method, route]) => `${method} /${path}/${route}`));
}

/** A route of a module, for its path. */
export interface RouteOfModule {
  readonly module: Type;
  readonly controller: Type;
  /** The name of the method that answers. */
  readonly answer: string;
}

/** The path of a route as the router has it: a global prefix may exclude it. `null` where Nest does not know it. */
export function findRoutePath(
  moduleRef: ModuleRef,
  modules: ModulesContainer,
  { module, controller, answer }: RouteOfModule,
): string | null {
  const paths = new HttpPaths(applicationConfigOf<ApplicationConfig>(moduleRef), modules);
  const { prototype } = controller as { readonly prototype: Readonly<Record<string, object>> };
  const handler = prototype[answer];
  const [route] = handler === undefined ? [] : paths.find(module, controller, handler);
  return route?.path ?? null;
}

/** Where `@nestjs/swagger` keeps the tags of a class. It is written by name, because an app may not have installed it. */
const openApiTags = 'swagger/apiUseTags';

/**
 * Makes the controller of routes below a path. Nest reads the path from the class, so each path has a class. The routes are open, whatever
 * `guardEverything` says; the app's guards, pipes, interceptors and filters apply to them.
 */
export function controllerAt(path: string, { name, requests, routes }: OwnRoutes): Type {
  @Public()
  @Controller({ path, version: VERSION_NEUTRAL })
  class OwnRoutesController {
    constructor(@Inject(requests) readonly requests: Readonly<Record<string, Answer>>) {}
  }
  Object.defineProperty(OwnRoutesController, 'name', { value: name });
  Reflect.defineMetadata(openApiTags, ['auth'], OwnRoutesController);
  for (const route of routes) addHandler(OwnRoutesController.prototype, route);
  return OwnRoutesController;
}

/** Changes the status of an answer, where it depends on options that are known when the app starts. Call it before Nest adds the routes. */
export function setStatus({ prototype }: Type, answer: string, status: number): void {
  const descriptor = Reflect.getOwnPropertyDescriptor(prototype as object, answer);
  if (descriptor !== undefined) HttpCode(status)(prototype as object, answer, descriptor);
}

interface Handlers {
  readonly requests: Readonly<Record<string, Answer>>;
}

function addHandler(prototype: Handlers, [method, path, answer, status]: OwnRoute<never>): void {
  const name: string = answer;
  const value = function (
    this: Handlers,
    request: object,
    response: object,
    parameter: string,
  ): Promise<unknown> | undefined {
    return this.requests[name]?.(request, response, parameter);
  };
  Object.defineProperty(value, 'name', { value: name });
  const descriptor = { value, writable: true, configurable: true, enumerable: false };
  Object.defineProperty(prototype, name, descriptor);
  const decorators = [methods[method](path), HttpCode(status ?? 200), ...(method === 'GET' ? [] : [ReadsBody()])];
  for (const decorate of decorators) decorate(prototype, name, descriptor);
  Req()(prototype, name, 0);
  Res({ passthrough: true })(prototype, name, 1);
  const [, parameter] = /:(\w+)/.exec(path) ?? [];
  if (parameter !== undefined) Param(parameter)(prototype, name, 2);
  Reflect.defineMetadata('design:paramtypes', [Object, Object, String], prototype, name);
}
