/** Errors of this package that leave a handler are answered as the guard's refusals are, unless a filter of the app takes them. */
import type { ServerResponse } from 'node:http';
import { Controller, type DynamicModule, Get, HttpException, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthErrorFilter, AuthGuard, AuthModule, AuthUnavailableError, ConfigurationError } from 'nest-gatehouse';
import { oidc, RefusalError, TokenVerifier, UserProfileService } from 'nest-gatehouse';
import { microservices } from 'nest-gatehouse/microservices';
import { webSockets } from 'nest-gatehouse/websockets';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp } from '../support/app.js';
import { ask } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { LogLines, see } from '../support/log-lines.js';
import { prefix, tcp } from '../support/message-transports.js';
import { invalidTokenBody, socketTransports } from '../support/socket-transports.js';
import { accessDenied, invalidToken, missingToken, unavailable, verdictOf } from '../support/verdicts.js';

const secret = 'a-secret-of-the-explanation';

const thrown = {
  revoked: () => RefusalError.token('revoked', secret),
  denied: () => RefusalError.of('ACCESS_DENIED', secret),
  scopes: () => RefusalError.scopes(['cats:write', 'cats:read'], secret),
  unavailable: () => new AuthUnavailableError(secret, 42, { cause: new Error(secret) }),
  configuration: () => new ConfigurationError('oidc({ secret })', secret, secret),
  http: () => new HttpException({ mine: true }, 418),
  plain: () => new Error(secret),
};
type What = keyof typeof thrown;

@Controller()
class CatsController {
  @Get('throws/:what')
  throws(@Req() request: { params: { what: What } }): never {
    throw thrown[request.params.what]();
  }

  @Get('rejects/:what')
  async rejects(@Req() request: { params: { what: What } }): Promise<never> {
    await Promise.resolve();
    throw thrown[request.params.what]();
  }

  @UseGuards(AuthGuard)
  @Get('guarded')
  guarded(): void {}

  @Get('sent')
  sent(@Res() response: ServerResponse & { raw?: ServerResponse; hijack?(): void }): never {
    const { raw } = response;
    // Fastify's own reply counts as sent when it was taken over.
    response.hijack?.();
    (raw ?? response).writeHead(202, { 'x-mine': 'yes' }).write('begun');
    throw thrown.revoked();
  }
}

const authModule = (options: object = {}): DynamicModule =>
  AuthModule.forRoot({ issuers: oidc({ issuer: 'http://127.0.0.1:9', audience: 'api' }), ...options });

describe.each(platforms)('an error of this package that leaves a handler on $name', (platform) => {
  let app: RunningApp;
  const logger = new LogLines();

  beforeAll(async () => {
    app = await startApp(platform, { logger, imports: [authModule()], controllers: [CatsController] });
  });

  it.each(['throws', 'rejects'])('is answered by the tables, when it %s', async (path) => {
    expect(verdictOf(await app.call(`/${path}/revoked`))).toEqual(invalidToken('revoked'));
    expect(verdictOf(await app.call(`/${path}/denied`))).toEqual(accessDenied);
    const lacking = 'Bearer error="insufficient_scope", scope="cats:write cats:read"';
    expect(verdictOf(await app.call(`/${path}/scopes`))).toEqual({
      status: 403,
      challenge: lacking,
      code: 'INSUFFICIENT_SCOPE',
    });
    const down = await app.call(`/${path}/unavailable`);
    expect(verdictOf(down)).toEqual(unavailable);
    expect(down.headers['retry-after']).toBe('42');
    const wrong = await app.call(`/${path}/configuration`);
    expect(wrong.json).toEqual({
      statusCode: 500,
      error: 'Internal Server Error',
      message: 'Internal server error',
      code: 'CONFIGURATION_ERROR',
    });
  });

  it('says nothing of its explanation or its cause to the caller, and the explanation to the log', async () => {
    for (const what of Object.keys(thrown)) {
      const { text, headers } = await app.call(`/throws/${what}`);
      expect(text + JSON.stringify(headers)).not.toContain(secret);
    }
    const lines = logger.ours('debug').map(({ text }) => text);
    expect(lines).toContainEqual(
      `GET /throws/:what: refused (INVALID_TOKEN, revoked). ${secret}${see('INVALID_TOKEN', 'revoked')}`,
    );
    expect(lines).toContainEqual(
      `GET /throws/:what: could not be decided (SERVER_ERROR). ${secret}${see('SERVER_ERROR')}`,
    );
  });

  it("is no other error's answer", async () => {
    const { status, json } = await app.call('/throws/http');
    expect([status, json]).toEqual([418, { mine: true }]);
    const plain = await app.call('/throws/plain');
    expect([plain.status, plain.json]).toEqual([500, { statusCode: 500, message: 'Internal server error' }]);
    expect(verdictOf(await app.call('/guarded'))).toEqual(missingToken);
  });

  it('ends a response that was begun, and adds nothing to it', async () => {
    const { status, text, headers } = await app.call('/sent');
    expect([status, text, headers['x-mine'], headers['www-authenticate']]).toEqual([202, 'begun', 'yes', undefined]);
  });

  it('may come from the services of this package', async () => {
    @Controller()
    class OwnController {
      @Get('verify')
      async verify(): Promise<unknown> {
        return app.nest.get(TokenVerifier, { strict: false }).verify('no.good.token');
      }

      @Get('profile')
      async profile(): Promise<unknown> {
        return app.nest.get(UserProfileService, { strict: false }).find('u1');
      }
    }
    const own = await startApp(platform, { imports: [authModule()], controllers: [OwnController] });
    expect(verdictOf(await own.call('/verify'))).toEqual(invalidToken('malformed'));
    expect(await own.call('/profile')).toMatchObject({ status: 500, json: { code: 'CONFIGURATION_ERROR' } });
  });
});

it('does not keep an app without a server from starting', async () => {
  class RootModule {}
  const context = await NestFactory.createApplicationContext(
    { module: RootModule, imports: [authModule()] },
    { logger: false },
  );
  expect(context.get(AuthErrorFilter, { strict: false })).toBeInstanceOf(AuthErrorFilter);
  await context.close();
});

describe.each(graphqlEngines)(
  'an error of this package that leaves a resolver by $name',
  ({ platform, importModule }) => {
    it('is answered by the tables', async () => {
      @Resolver()
      class CatsResolver {
        @Query(() => String)
        revoked(): never {
          throw thrown.revoked();
        }

        @Query(() => String)
        unavailable(): never {
          throw thrown.unavailable();
        }
      }
      const app = await startApp(platform, { imports: [authModule(), importModule()], providers: [CatsResolver] });
      const revoked = await ask(app, '{ revoked }');
      expect(revoked.errors?.[0]?.extensions).toMatchObject({
        code: 'UNAUTHENTICATED',
        reason: 'revoked',
        originalError: invalidTokenBody('revoked'),
      });
      expect(revoked.http.headers['www-authenticate']).toBe(invalidToken('revoked').challenge);
      const down = await ask(app, '{ unavailable }');
      expect(down.errors?.[0]?.extensions).toMatchObject({
        code: 'SERVICE_UNAVAILABLE',
        originalError: { code: 'SERVER_ERROR', retryAfterSeconds: 42 },
      });
      expect(down.http.headers['retry-after']).toBe('42');
      expect(revoked.http.text + down.http.text).not.toContain(secret);
    });
  },
);

it('answers for message handlers, over TCP', async () => {
  @Controller()
  class MessagesController {
    @MessagePattern(`${prefix}.throws`)
    throws({ what }: { what: What }): never {
      throw thrown[what]();
    }
  }
  const [platform] = platforms;
  if (platform === undefined) throw new Error('There is no platform');
  const link = await tcp.link();
  const app = await startApp(platform, {
    imports: [authModule({ transports: [microservices()] })],
    controllers: [MessagesController],
    prepare: (nest) => void nest.connectMicroservice(link.options, { inheritAppConfig: true }),
  });
  await app.nest.startAllMicroservices();
  const client = link.connect();
  const answerTo = (what: What): Promise<unknown> =>
    client.ask('throws', { what } as object).catch((error: unknown) => error);
  expect(await answerTo('revoked')).toEqual({ status: 'error', ...invalidTokenBody('revoked') });
  expect(await answerTo('unavailable')).toMatchObject({ code: 'SERVER_ERROR', retryAfterSeconds: 42 });
  expect(await answerTo('plain')).toEqual({ status: 'error', message: 'Internal server error' });
  await client.close();
});

describe.each(socketTransports)(
  'a gateway with @UseFilters(AuthErrorFilter) over $name',
  ({ Adapter, connect, platform }) => {
    it('answers by the tables', async () => {
      @UseFilters(AuthErrorFilter)
      @WebSocketGateway()
      class ChatGateway {
        @SubscribeMessage('throws')
        throws(_client: unknown, what: What): never {
          throw thrown[what]();
        }
      }
      const app = await startApp(platform, {
        imports: [authModule({ transports: [webSockets()] })],
        providers: [ChatGateway],
        prepare: (nest) => nest.useWebSocketAdapter(new Adapter(nest)),
      });
      const socket = await connect(app.url);
      const { event, data } = await socket.ask('throws', 'revoked');
      expect(event).toBe('exception');
      expect(data).toMatchObject({ status: 'error', ...invalidTokenBody('revoked') });
      expect(await socket.ask('throws', 'unavailable')).toMatchObject({
        data: { code: 'SERVER_ERROR', retryAfterSeconds: 42 },
      });
      expect(await socket.ask('throws', 'plain')).toMatchObject({ data: { message: 'Internal server error' } });
      socket.close();
    });
  },
);

it('names the missing line where AuthModule is missing', async () => {
  @UseFilters(AuthErrorFilter)
  @Controller()
  class LonelyController {}
  const [platform] = platforms;
  if (platform === undefined) throw new Error('There is no platform');
  await expect(startApp(platform, { controllers: [LonelyController] })).rejects.toThrow(
    'AuthErrorFilter: it is used in a module that does not see AuthModule',
  );
});
