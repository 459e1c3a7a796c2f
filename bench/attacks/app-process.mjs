// The app under attack, in a process of its own: it measures how long its main thread works, its time on the processor and its
// memory. It loads the packages of the repository, because bench/ has none of sockets and GraphQL.
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchMainThread } from '../rig/main-thread.mjs';

const require = createRequire(new URL('../../package.json', import.meta.url));
require('reflect-metadata');
const { Controller, ForbiddenException, Get, Module, UseGuards } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { AuthGuard, AuthModule, oidc } = require('nest-gatehouse');
const { webSockets, withAuth } = require('nest-gatehouse/websockets');

/** The decorators of TypeScript, called by hand. */
function decorate(type, name, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
  for (const each of decorators) each(type.prototype, name, descriptor);
}

/** A guard that refuses without looking at the caller: what a refusal costs without this package. */
class Refusing {
  canActivate() {
    throw new ForbiddenException();
  }
}

const shapes = {
  http: () => {
    class Routes {
      me() {
        return { ok: true };
      }
    }
    Controller()(Routes);
    decorate(Routes, 'me', Get('me'), UseGuards(AuthGuard));
    return { controllers: [Routes], adapter: null };
  },
  ws: () => {
    const { WebSocketGateway } = require('@nestjs/websockets');
    class Chat {}
    WebSocketGateway()(Chat);
    UseGuards(AuthGuard)(Chat);
    return { providers: [Chat], adapter: require('@nestjs/platform-ws').WsAdapter };
  },
  'socket.io': () => {
    const { WebSocketGateway } = require('@nestjs/websockets');
    class Guarded {}
    WebSocketGateway({ namespace: 'guarded' })(Guarded);
    UseGuards(AuthGuard)(Guarded);
    class Open {}
    WebSocketGateway({ namespace: 'open' })(Open);
    return { providers: [Guarded, Open], adapter: require('@nestjs/platform-socket.io').IoAdapter };
  },
  graphql: () => {
    const { GraphQLModule, Query, Resolver } = require('@nestjs/graphql');
    const { ApolloDriver } = require('@nestjs/apollo');
    class Fields {
      guarded() {
        return 'guarded';
      }

      refused() {
        return 'refused';
      }
    }
    Resolver()(Fields);
    decorate(
      Fields,
      'guarded',
      Query(() => String),
      UseGuards(AuthGuard),
    );
    decorate(
      Fields,
      'refused',
      Query(() => String),
      UseGuards(Refusing),
    );
    const graphql = {
      driver: ApolloDriver,
      autoSchemaFile: true,
      graphiql: false,
      subscriptions: { 'graphql-ws': true },
    };
    return { imports: [GraphQLModule.forRoot(graphql)], providers: [Fields], adapter: null };
  },
};

let measured;

const requests = {
  start: async ({ shape, issuer, introspection, verifiedTokenCache }) => {
    const { imports = [], adapter, ...parts } = shapes[shape]();
    const auth = AuthModule.forRoot({
      issuers: oidc({ issuer, audience: 'api', ...(introspection && { introspection }) }),
      transports: [webSockets()],
      ...(verifiedTokenCache !== undefined && { verifiedTokenCache }),
    });
    class Root {}
    Module({ imports: [auth, ...imports], ...parts })(Root);
    const app = await NestFactory.create(Root, { logger: false });
    if (adapter !== null) app.useWebSocketAdapter(new (withAuth(adapter))(app));
    await app.listen(0, '0.0.0.0');
    return app.getHttpServer().address().port;
  },
  /** Begins a measurement. */
  begin: async () => {
    measured = { at: performance.now(), cpu: process.cpuUsage(), mainThread: watchMainThread() };
  },
  /**
   * Ends it: for how long the main thread has worked, by the kernel's account where there is one, because other programs do not
   * count in it; and the share of a core of the whole process.
   */
  end: async () => {
    await sleep(20);
    const { loopMs, cpuMs } = measured.mainThread();
    const { user, system } = process.cpuUsage(measured.cpu);
    return {
      blockedMs: Number.isNaN(cpuMs) ? loopMs : cpuMs,
      cpuShare: (user + system) / 1_000 / (performance.now() - measured.at),
    };
  },
  heap: async () => {
    for (let round = 0; round < 4; round += 1) {
      globalThis.gc();
      await sleep(50);
    }
    return process.memoryUsage().heapUsed;
  },
};

process.on('message', async ({ id, type, ...body }) => {
  try {
    process.send({ id, value: await requests[type](body) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
