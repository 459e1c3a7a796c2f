// The apps whose sign-ins are compared, each for a process of its own: AccountsModule, a handler that is written by hand with the same
// hash and the same sessions, and one that issues a bare token, without sessions.
import 'reflect-metadata';
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { Controller, Get, HttpCode, Module, Post, Req, Res, UnauthorizedException, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { verify } from '@node-rs/argon2';
import { AuthGuard, AuthModule } from 'nest-gatehouse';
import { AccountsModule } from 'nest-gatehouse/accounts';
import { ownTokens, SessionService, SessionsModule } from 'nest-gatehouse/sessions';
import { postgres, SqlStoresModule } from 'nest-gatehouse/sql';
import { encryptionKey, openPool } from '../rig/database.mjs';
import { createAdapter, route } from '../rig/nest-app.mjs';
import { publicUrl } from './people.mjs';

export const connections = 10;

function guardedRoutes() {
  class Guarded {
    me() {
      return { ok: true };
    }
  }
  Controller()(Guarded);
  route(Guarded, 'me', Get('me'), UseGuards(AuthGuard));
  return Guarded;
}

/** A route that signs in, whose work is a function of the body. */
function signInRoute(signIn, inject = []) {
  class SignIn {
    constructor(...injected) {
      this.injected = injected;
    }

    signIn(request, response) {
      return signIn(request, response, ...this.injected);
    }
  }
  Controller()(SignIn);
  Reflect.defineMetadata('design:paramtypes', inject, SignIn);
  route(SignIn, 'signIn', Post('auth/sign-in'), HttpCode(200));
  Req()(SignIn.prototype, 'signIn', 0);
  Res({ passthrough: true })(SignIn.prototype, 'signIn', 1);
  return SignIn;
}

/** Runs so many at once; the others wait in the order in which they came. */
function limiter(mostAtOnce) {
  const waiting = [];
  let running = 0;
  const next = () => {
    running -= 1;
    waiting.shift()?.();
  };
  return async (work) => {
    if (running >= mostAtOnce) await new Promise((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await work();
    } finally {
      next();
    }
  };
}

/** Checks a password as a careful handler does that is written by hand: a login without an account takes as long as one with it. */
function passwordCheck({ pool, schema, hashesAtOnce }) {
  const limited = limiter(hashesAtOnce);
  const nothing = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$K1rPbEnPNNtkQdyWK0vZV6Hxg1cKdFG4Mf8h2vEPEzs';
  const find = {
    name: 'find a person',
    text: `select id, email, name, status, credentials from "${schema}".accounts where email_key = $1`,
  };
  return async ({ email, password }) => {
    const { rows } = await pool.query({ ...find, values: [String(email).toLowerCase()] });
    const [person] = rows;
    const isEnabled = person?.status === 'enabled';
    const hash = isEnabled ? JSON.parse(person.credentials).passwordHash : nothing;
    if (!(await limited(() => verify(hash, String(password)))) || !isEnabled) throw new UnauthorizedException();
    return { id: person.id, email: person.email, emailVerified: true, name: person.name, roles: [] };
  };
}

function sessionModules({ pool, schema, now }, findSubject) {
  const clock = now === undefined ? {} : { clock: { now } };
  return [
    AuthModule.forRoot({ issuers: ownTokens(), publicUrl, ...clock }),
    SessionsModule.forRoot(findSubject === undefined ? {} : { findSubject }),
    SqlStoresModule.forRoot({ database: postgres(pool), schema, encryptionKey }),
  ];
}

export const apps = {
  gatehouse: (config) => ({
    imports: [...sessionModules(config), AccountsModule.forRoot({ mail: () => undefined })],
    controllers: [guardedRoutes()],
  }),
  'hand-written': (config) => {
    const check = passwordCheck(config);
    const signIn = async (request, response, sessions) => {
      const session = await sessions.start(await check(request.body), { request, amr: ['pwd'] });
      return sessions.deliver(session, request, response);
    };
    return {
      imports: sessionModules(config, (id) => ({ id })),
      controllers: [guardedRoutes(), signInRoute(signIn, [SessionService])],
    };
  },
  'bare-token': (config) => {
    const check = passwordCheck(config);
    const { privatePem, kid } = config.signingKey;
    const key = createPrivateKey(privatePem);
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signIn = async (request) => {
      const user = await check(request.body);
      const iat = Math.floor(Date.now() / 1_000);
      const claims = { iss: publicUrl, aud: publicUrl, sub: user.id, iat, exp: iat + 600, jti: randomUUID() };
      const text = `${encode({ alg: 'ES256', kid })}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
      return { access_token: `${text}.${signature.toString('base64url')}`, user };
    };
    return { controllers: [signInRoute(signIn)] };
  },
};

export async function startApp({ contender, adapter = 'express', ...config }) {
  const pool = openPool(connections);
  class Root {}
  Module(apps[contender]({ pool, ...config }))(Root);
  const app = await NestFactory.create(Root, await createAdapter(adapter), { logger: false });
  // Each client is of a network of its own, which a header states.
  app.getHttpAdapter().getInstance().set('trust proxy', true);
  await app.listen(0, '127.0.0.1');
  return { app, port: app.getHttpServer().address().port, counted: pool.counted };
}
