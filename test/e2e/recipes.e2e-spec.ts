/** What docs/guides/recipes.md describes and no other story covers. */
import { Controller, Get } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthModule, type AuthUser, CurrentUser, fromBearer, fromHeader, oidc, Public } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { missingToken, verdictOf } from '../support/verdicts.js';

/** A controller of a library. */
@Controller('metrics')
class PrometheusController {
  @Get()
  index(): string {
    return 'metrics';
  }
}

@Controller('cats')
class CatsController {
  @Get()
  list(): string[] {
    return [];
  }
}

@WebSocketGateway()
class ChatGateway {
  @SubscribeMessage('who')
  who(@CurrentUser() user: AuthUser): object {
    return { event: 'reply', data: user.id };
  }
}

Public()(PrometheusController);

describe.each(platforms)('recipes on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          tokenFrom: [fromBearer(), fromHeader('sec-websocket-protocol')],
          transports: [webSockets()],
          guardEverything: true,
        }),
      ],
      controllers: [PrometheusController, CatsController],
      providers: [ChatGateway],
      prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(WsAdapter))(nest)),
    });
  });

  it('open a controller of a library by Public()', async () => {
    expect((await app.call('/metrics')).text).toBe('metrics');
    expect(verdictOf(await app.call('/cats'))).toEqual(missingToken);
  });

  it('take the token of a browser, which cannot set headers on a WebSocket, from its subprotocol', async () => {
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    const socket = new WebSocket(app.url.replace('http', 'ws'), token);
    const reply = new Promise<string>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => {
        socket.send(JSON.stringify({ event: 'who' }));
      });
      socket.on('message', (data: Buffer) => {
        resolve(data.toString());
      });
    });
    expect(JSON.parse(await reply)).toEqual({ event: 'reply', data: 'alice' });
    socket.close();
  });
});
