// A Nest app with one open route and the same route behind a contender's guard.
import 'reflect-metadata';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { findContender } from '../contenders/index.mjs';

/** The decorators of TypeScript, called by hand. */
export function route(type, name, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
  for (const decorate of decorators) decorate(type.prototype, name, descriptor);
}

function moduleFor({ imports = [], providers = [], guard }) {
  class Routes {
    open() {
      return { ok: true };
    }

    me() {
      return { ok: true };
    }
  }
  Controller()(Routes);
  route(Routes, 'open', Get('open'));
  route(Routes, 'me', Get('me'), UseGuards(guard));
  class Root {}
  Module({ imports, providers, controllers: [Routes] })(Root);
  return Root;
}

export async function createAdapter(name) {
  if (name === 'fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

/** Starts the app of one contender on a free port of loopback. */
export async function startApp({ contender, adapter, ...config }) {
  const guarded = findContender(contender).guard(config);
  const app = await NestFactory.create(moduleFor(guarded), await createAdapter(adapter), { logger: false });
  await app.listen(0, '127.0.0.1');
  return { app, port: app.getHttpServer().address().port };
}
