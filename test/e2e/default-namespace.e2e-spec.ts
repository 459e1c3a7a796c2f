/** socket.io always has the namespace `/`. Where no gateway serves it, `guardEverything` decides who may connect to it. */
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { AuthModule, oidc, Public } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startAppWithTimer, startIssuer } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { ManualTimer } from '../support/manual-timer.js';
import { connectSocketIo, NotConnected } from '../support/socket-clients.js';
import { invalidTokenBody, missingTokenBody } from '../support/socket-transports.js';

/** A namespace of socket.io, with its server. */
interface Namespace {
  readonly server: { emit(event: string, data: string): unknown };
}

@WebSocketGateway({ namespace: 'chat' })
class ChatGateway {
  @WebSocketServer()
  namespace!: Namespace;
}

@Public()
@WebSocketGateway()
class LobbyGateway {}

describe.each(platforms)('the default namespace on $name', (platform) => {
  let clock: ManualClock;
  let timer: ManualTimer;
  let issuer: TestIssuer;

  beforeAll(async () => {
    clock = new ManualClock();
    issuer = await startIssuer({ clock });
  });

  const start = (guardEverything: boolean, gateways: (new () => object)[] = []): Promise<RunningApp> => {
    timer = new ManualTimer();
    const parts = {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          transports: [webSockets()],
          guardEverything,
          clock,
        }),
      ],
      providers: [ChatGateway, ...gateways],
      prepare: (nest: RunningApp['nest']): void => {
        nest.useWebSocketAdapter(new (withAuth(IoAdapter))(nest));
      },
    };
    return startAppWithTimer(platform, parts, timer);
  };

  it('refuses a client without a valid token where guardEverything is on', async () => {
    const app = await start(true);
    await expect(connectSocketIo(app.url)).rejects.toEqual(new NotConnected(null, missingTokenBody));
    const token = await issuer.token({ aud: 'api' }, { signWith: 'stranger' });
    const refused = await connectSocketIo(app.url, { token }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ data: invalidTokenBody('signature') });
  });

  it('accepts a user, to whom the server emits, until the token ends', async () => {
    const app = await start(true);
    const token = await issuer.token({ aud: 'api', sub: 'alice' }, { expiresIn: '5m' });
    const socket = await connectSocketIo(app.url, { token });
    app.nest.get(ChatGateway).namespace.server.emit('news', 'for all');
    expect(await socket.next()).toEqual({ event: 'news', data: 'for all' });
    clock.advanceSeconds(306);
    timer.ring();
    expect(await socket.next()).toEqual({ event: 'unauthorized', data: invalidTokenBody('expired') });
    await socket.end;
  });

  it('is opened by a public gateway, and open where nothing is guarded', async () => {
    for (const app of [await start(true, [LobbyGateway]), await start(false)]) {
      const guest = await connectSocketIo(app.url);
      app.nest.get(ChatGateway).namespace.server.emit('news', 'for all');
      expect(await guest.next()).toEqual({ event: 'news', data: 'for all' });
      guest.close();
    }
  });
});
