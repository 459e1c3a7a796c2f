/** Where there is no token, the log states what came instead, and where it was looked for on this transport. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  CurrentUser,
  fromBearer,
  fromCookie,
  oidc,
} from 'nest-gatehouse';
import { microservices } from 'nest-gatehouse/microservices';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { webSockets } from 'nest-gatehouse/websockets';
import { firstValueFrom } from 'rxjs';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { endAfterwards, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { LogLines, see } from '../support/log-lines.js';
import { connectSocketIo } from '../support/socket-clients.js';

const happened: string[] = [];

@UseGuards(AuthGuard)
@Controller()
class CatsController {
  @Get('mine')
  @MessagePattern('mine')
  mine(@CurrentUser('id') id: string): object {
    return { id };
  }

  @EventPattern('born')
  born(@CurrentUser('id') id: string): void {
    happened.push(id);
  }
}

@UseGuards(AuthGuard)
@WebSocketGateway()
class CatsGateway {
  @SubscribeMessage('mine')
  mine(): void {}
}

describe.each(platforms)('without a token on $name', (platform) => {
  const logger = new LogLines();
  let issuer: TestIssuer;

  beforeAll(async () => {
    issuer = await startIssuer();
  });
  beforeEach(() => {
    logger.forget();
    happened.length = 0;
  });

  const start = async (options: Partial<AuthModuleOptions> = {}, port?: number): Promise<RunningApp> => {
    const issuers = oidc({ issuer: issuer.url, audience: 'api' });
    const app = await startApp(platform, {
      logger,
      imports: [AuthModule.forRoot({ issuers, tokenFrom: [fromBearer(), fromCookie('session')], ...options })],
      controllers: [CatsController],
      providers: [CatsGateway],
      prepare: (nest) => {
        nest.useWebSocketAdapter(new IoAdapter(nest));
        if (port !== undefined)
          nest.connectMicroservice({ transport: Transport.TCP, options: { port } }, { inheritAppConfig: true });
      },
    });
    if (port !== undefined) await app.nest.startAllMicroservices();
    logger.forget();
    return app;
  };
  const refusals = (): string[] => logger.ours('debug').map(({ text }) => text);

  it.each([
    [
      'a token without a scheme',
      'eyJhbGciOiJFUzI1NiJ9.e30.c2ln',
      'without the scheme in front of it: send "Authorization: Bearer <token>"',
    ],
    ['another scheme', 'Basic YTpi', '"Authorization" has the scheme "Basic", which is not accepted here'],
    [
      'undefined',
      'Bearer undefined',
      'It is the text "undefined": the client has sent a variable that has no token in it',
    ],
    ['null', 'Bearer null', 'It is the text "null"'],
    ['an object', 'Bearer [object Object]', 'is not followed by exactly one token'],
    ['the scheme twice', 'Bearer Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2ln', 'the client adds the scheme twice'],
    ['an opaque token', 'Bearer 2YotnFZFEjr1zCsicMWpAA', 'If it is an opaque token'],
  ])('states what came: %s', async (_, authorization, text) => {
    const app = await start();
    await app.call('/mine', { headers: [['Authorization', authorization]] });
    expect(refusals()).toEqual([expect.stringContaining(text)]);
    for (const secret of ['eyJ', 'YTpi', '2Yotn']) expect(refusals()[0]).not.toContain(secret);
  });

  it('names the places of a socket', async () => {
    const app = await start({ transports: [webSockets()] });
    const socket = await connectSocketIo(app.url);
    await socket.ask('mine');
    socket.close();
    expect(refusals()).toEqual([
      'CatsGateway.mine: refused (MISSING_TOKEN). The request carries no access token. Looked in: Authorization: Bearer, ' +
        `cookie session; of the upgrade request and the connection parameters (auth of socket.io, connectionParams of graphql-ws)${see('MISSING_TOKEN')}`,
    ]);
  });

  interface Bus {
    ask(data: object): Promise<unknown>;
    tell(data: object): Promise<unknown>;
  }

  const connectBus = async (transport: ReturnType<typeof microservices>): Promise<Bus> => {
    const port = await freePort();
    await start({ transports: [transport] }, port);
    const proxy = ClientProxyFactory.create({ transport: Transport.TCP, options: { port } });
    endAfterwards(async () => {
      await proxy.close();
    });
    return {
      ask: (data) => firstValueFrom(proxy.send<unknown>('mine', data)).catch((error: unknown) => error),
      tell: (data) => firstValueFrom(proxy.emit('born', data), { defaultValue: null }),
    };
  };
  const tokenInData = microservices({
    // Without a token it throws, as in many examples.
    tokenOf: (context) => context.switchToRpc().getData<{ auth: { token: string } }>().auth.token,
  });

  it('names the places of a message, and tokenOf', async () => {
    const bus = await connectBus(microservices());
    expect(await bus.ask({})).toMatchObject({ code: 'MISSING_TOKEN' });
    expect(refusals()[0]).toMatch(
      /cookie session; of the headers of the message; microservices\(\{ tokenOf \}\) is not set\. See \S+#missing-token$/,
    );
  });

  it('takes what tokenOf throws for no token, without an error in the log', async () => {
    const bus = await connectBus(tokenInData);
    expect(await bus.ask({})).toMatchObject({ code: 'MISSING_TOKEN' });
    expect(refusals()[0]).toMatch(/; tokenOf threw TypeError at .*what-came-instead/);
    expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    expect(await bus.ask({ auth: { token } })).toEqual({ id: 'alice' });
  });

  it('drops an event without a token, and handles one with a token', async () => {
    const bus = await connectBus(tokenInData);
    await bus.tell({});
    await bus.tell({ auth: { token: await issuer.token({ aud: 'api', sub: 'alice' }) } });
    await expect.poll(() => happened).toEqual(['alice']);
    expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(refusals().map((text) => text.slice(0, 45))).toEqual(['CatsController.born: refused (MISSING_TOKEN).']);
  });
});
