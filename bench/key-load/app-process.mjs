// The app whose API keys are put under load, in a process of its own: Fastify behind a proxy that it trusts, keys in PostgreSQL.
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthGuard, AuthModule } from 'nest-gatehouse';
import { apiKeys, ApiKeyService, ApiKeysModule } from 'nest-gatehouse/api-keys';
import { postgres, SqlStoresModule } from 'nest-gatehouse/sql';
import { encryptionKey } from '../rig/database.mjs';
import { route } from '../rig/nest-app.mjs';

let app;

async function start({ databaseUrl, schema }) {
  class Routes {
    me() {
      return { ok: true };
    }
  }
  Controller()(Routes);
  route(Routes, 'me', Get('me'), UseGuards(AuthGuard));
  class Root {}
  Module({
    imports: [
      AuthModule.forRoot({ issuers: apiKeys() }),
      ApiKeysModule.forRoot({ prefix: 'acme', findSubject: async (id) => ({ id }) }),
      SqlStoresModule.forRoot({ database: postgres(databaseUrl), schema, encryptionKey }),
    ],
    controllers: [Routes],
  })(Root);
  app = await NestFactory.create(Root, new FastifyAdapter({ trustProxy: true }), { logger: false });
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer().address().port;
}

async function create({ number }) {
  const service = app.get(ApiKeyService);
  const texts = [];
  for (let at = 0; at < number; at += 20) {
    const batch = Array.from({ length: Math.min(20, number - at) }, (_, place) =>
      service.create({ userId: `user-${(at + place) % 500}` }),
    );
    texts.push(...(await Promise.all(batch)).map(({ text }) => text));
  }
  return texts;
}

async function heldBytes() {
  for (let turn = 0; turn < 4; turn += 1) {
    globalThis.gc();
    await sleep(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const actions = { start, create, heap: heldBytes };

process.on('message', async ({ id, type, ...body }) => {
  try {
    process.send({ id, value: await actions[type](body) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
