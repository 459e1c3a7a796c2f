// The apps that are measured, each for a process of its own: ApiKeysModule with an open route, a guarded one and the token endpoint,
// and a token endpoint that is written by hand.
import 'reflect-metadata';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, AuthModule } from 'nest-gatehouse';
import { ApiKeysModule, apiKeys } from 'nest-gatehouse/api-keys';
import { ownTokens, SessionsModule } from 'nest-gatehouse/sessions';
import { postgres, SqlStoresModule } from 'nest-gatehouse/sql';
import { encryptionKey, openPool } from '../rig/database.mjs';
import { createAdapter, route } from '../rig/nest-app.mjs';
import { handWrittenApp } from './hand-written.mjs';
import { findSubject, lifetimeSeconds, prefix, publicUrl } from './users.mjs';

/** The modules of an app that issues keys, and tokens for them. */
export function keyModules({ pool, schema, clock }) {
  return [
    AuthModule.forRoot({ issuers: [ownTokens(), apiKeys()], publicUrl, ...(clock === undefined ? {} : { clock }) }),
    SessionsModule.forRoot({ findSubject, accessToken: { lifetimeSeconds } }),
    ApiKeysModule.forRoot({ prefix, tokenEndpoint: true }),
    SqlStoresModule.forRoot({ database: postgres(pool), schema, encryptionKey }),
  ];
}

/** What any guard costs: that part is Nest's. */
class EmptyGuard {
  canActivate() {
    return true;
  }
}

function gatehouseApp(config) {
  class Routes {
    open() {
      return { ok: true };
    }

    empty() {
      return { ok: true };
    }

    me() {
      return { ok: true };
    }
  }
  Controller()(Routes);
  route(Routes, 'open', Get('open'));
  route(Routes, 'empty', Get('empty'), UseGuards(EmptyGuard));
  route(Routes, 'me', Get('me'), UseGuards(AuthGuard));
  class Root {}
  Module({ imports: keyModules(config), controllers: [Routes] })(Root);
  return Root;
}

const apps = { gatehouse: gatehouseApp, 'hand-written': handWrittenApp };

export async function startApp({ contender, adapter, ...config }) {
  const pool = openPool(10);
  const app = await NestFactory.create(apps[contender]({ pool, ...config }), await createAdapter(adapter), {
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
  return { app, port: app.getHttpServer().address().port, counted: pool.counted };
}
