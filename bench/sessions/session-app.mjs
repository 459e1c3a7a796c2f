// The apps whose refreshes are compared, each for a process of its own: SessionsModule, and a handler that is written by hand.
import 'reflect-metadata';
import { Controller, Get, HttpCode, Module, Post, Req, Res, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, AuthModule } from 'nest-gatehouse';
import { ownTokens, SessionService, SessionsModule } from 'nest-gatehouse/sessions';
import { postgres, SqlStoresModule } from 'nest-gatehouse/sql';
import { encryptionKey, openPool } from '../rig/database.mjs';
import { createAdapter, route } from '../rig/nest-app.mjs';
import { handWrittenApp } from './hand-written.mjs';
import { findSubject, publicUrl } from './users.mjs';

export const connections = 10;

function gatehouseApp({ pool, schema }) {
  class Routes {
    constructor(sessions) {
      this.sessions = sessions;
    }

    async signIn(request, response) {
      const session = await this.sessions.start(request.body.userId, { request, amr: ['pwd'] });
      return this.sessions.deliver(session, request, response);
    }

    me() {
      return { ok: true };
    }
  }
  Controller()(Routes);
  Reflect.defineMetadata('design:paramtypes', [SessionService], Routes);
  route(Routes, 'signIn', Post('sign-in'), HttpCode(200));
  Req()(Routes.prototype, 'signIn', 0);
  Res({ passthrough: true })(Routes.prototype, 'signIn', 1);
  route(Routes, 'me', Get('me'), UseGuards(AuthGuard));
  class Root {}
  Module({
    imports: [
      AuthModule.forRoot({ issuers: ownTokens(), publicUrl }),
      SessionsModule.forRoot({ findSubject }),
      SqlStoresModule.forRoot({ database: postgres(pool), schema, encryptionKey }),
    ],
    controllers: [Routes],
  })(Root);
  return Root;
}

const apps = { gatehouse: gatehouseApp, 'hand-written': handWrittenApp };

export async function startApp({ contender, adapter, ...config }) {
  const pool = openPool(connections);
  const root = apps[contender]({ pool, ...config });
  const app = await NestFactory.create(root, await createAdapter(adapter), { logger: false });
  await app.listen(0, '127.0.0.1');
  return { app, port: app.getHttpServer().address().port, counted: pool.counted };
}
