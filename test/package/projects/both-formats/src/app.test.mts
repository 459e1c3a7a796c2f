// An app in one module format, with a library that has loaded the package in the other one.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Controller, Get, type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthModule, type AuthUser, CurrentUser, HandlerInventory, TokenVerifier } from 'nest-gatehouse';
import { TestIssuer } from 'nest-gatehouse/testing';

const loading = import('./library.cjs');
let issuer: TestIssuer;
let app: INestApplication;

@Controller()
class MeController {
  @Get('me')
  async me(@CurrentUser() user: AuthUser): Promise<object> {
    return { id: user.id, token: (await loading).readToken(user) };
  }
}

async function create(controller: Type): Promise<INestApplication> {
  const { issuerOfLibrary } = await loading;

  @Module({
    imports: [AuthModule.forRoot({ issuers: issuerOfLibrary(issuer.url), guardEverything: true })],
    controllers: [MeController, controller],
  })
  class AppModule {}

  return NestFactory.create(AppModule, { logger: false, abortOnError: false });
}

async function get(path: string, token?: string) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${await app.getUrl()}${path}`, { headers });
  const { code, reason, ...body } = (await response.json()) as Record<string, unknown>;
  return { status: response.status, challenge: response.headers.get('www-authenticate'), code, reason, body };
}

before(async () => {
  issuer = await TestIssuer.start();
  app = await create((await loading).UnguardedController);
  await app.listen(0, '127.0.0.1');
});
after(async () => {
  await app.close();
  await issuer.stop();
});

describe('an issuer of the other copy', () => {
  it('is accepted, and its tokens and its users are', async () => {
    const token = await issuer.token({ sub: 'u1', aud: 'api' });
    const { status, body } = await get('/me', token);
    assert.deepEqual({ status, body }, { status: 200, body: { id: 'u1', token } });
  });

  it('asks for a token', async () => {
    const { status, challenge, code } = await get('/me');
    assert.deepEqual({ status, challenge, code }, { status: 401, challenge: 'Bearer', code: 'MISSING_TOKEN' });
  });

  it('refuses what it has not issued, and says why', async () => {
    for (const [token, reason] of [
      [await issuer.token({ sub: 'u1', aud: 'api' }, { expiresIn: '-1h' }), 'expired'],
      [await issuer.token({ sub: 'u1', aud: 'api' }, { signWith: 'stranger' }), 'signature'],
      [await issuer.token({ sub: 'u1', aud: 'other' }), 'audience'],
    ]) {
      const answer = await get('/me', token);
      assert.equal(answer.status, 401);
      assert.match(answer.challenge ?? '', /^Bearer error="invalid_token"/);
      assert.deepEqual([answer.code, answer.reason], ['INVALID_TOKEN', reason]);
    }
  });

  it('is down with a fault, and no refusal', async () => {
    const second = await TestIssuer.start();
    const { issuerOfLibrary } = await loading;
    second.fail('503');
    const other = await NestFactory.createApplicationContext(
      { module: class {}, imports: [AuthModule.forRoot({ issuers: issuerOfLibrary(second.url) })] },
      { logger: false, abortOnError: false },
    );
    const token = await second.token({ sub: 'u1', aud: 'api' });
    await assert.rejects(other.get(TokenVerifier).verify(token), { code: 'SERVER_ERROR' });
    await other.close();
    await second.stop();
  });
});

describe('the other copy', () => {
  it('knows the errors of this one', async () => {
    const { codeOf } = await loading;
    const error: unknown = await app
      .get(TokenVerifier)
      .verify('a.b.c')
      .catch((thrown: unknown) => thrown);
    assert.equal(codeOf(error), 'INVALID_TOKEN');
  });

  it('has decorators that the guard of this one reads', async () => {
    const token = await issuer.token({ sub: 'u1', aud: 'api' });
    assert.deepEqual((await get('/library/public')).body, { user: null });
    assert.deepEqual((await get('/library/user', token)).body, { id: 'u1' });
    assert.equal((await get('/library/user')).status, 401);
    const protections = app
      .get(HandlerInventory)
      .list()
      .map(({ handler, protection }) => `${handler} ${protection}`);
    assert.deepEqual(protections.sort(), [
      'MeController.me protected',
      'UnguardedController.findPublic public',
      'UnguardedController.findUser protected',
    ]);
  });

  it('has a guard that stops the app, and says that there are two copies', async () => {
    const { GuardedController } = await loading;
    await assert.rejects(create(GuardedController), {
      code: 'CONFIGURATION_ERROR',
      message:
        /^AuthGuard: two copies of nest-gatehouse are loaded .+ AuthModule was registered by the other copy\. Import /,
    });
  });
});
