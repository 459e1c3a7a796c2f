/** `withAuth()` around adapters as apps have them: with a user of their own, doors of their own, clients that come back. */
import type { IncomingMessage } from 'node:http';
import { HttpException, UseGuards } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthGuard, AuthModule, type AuthModuleOptions, ConfigurationError, CurrentUser, oidc } from 'nest-gatehouse';
import { userOf, webSockets, withAuth } from 'nest-gatehouse/websockets';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { io } from 'socket.io-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningApp, startApp, startIssuer } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { connectSocketIo, connectWs } from '../support/socket-clients.js';
import {
  deniedBody,
  invalidTokenBody,
  missingTokenBody,
  refusalOf,
  refused,
  socketTransports,
} from '../support/socket-transports.js';

interface Account {
  readonly name: string;
}

const arrived: (string | undefined)[] = [];

interface Place {
  readonly port?: number;
  readonly options?: object;
}

function makeGateway({ port = 0, options = {} }: Place): new () => object {
  @UseGuards(AuthGuard)
  @WebSocketGateway(port, options)
  class AccountGateway {
    handleConnection(client: object): void {
      arrived.push(userOf<Account>(client)?.name);
    }

    @SubscribeMessage('who')
    who(@CurrentUser() account: Account): object {
      return { event: 'reply', data: account.name };
    }
  }
  return AccountGateway;
}

describe.each(socketTransports)('an adapter of $name with authentication', (transport) => {
  const { Adapter, connect, platform } = transport;
  let clock: ManualClock;
  let issuer: TestIssuer;

  const tokenFor = (sub: string): Promise<string> => issuer.token({ aud: 'api', sub }, { expiresIn: '5m' });

  function start(
    place: Place = {},
    options: Partial<AuthModuleOptions> = {},
    Made = withAuth(Adapter),
  ): Promise<RunningApp> {
    return startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          transports: [webSockets()],
          clock,
          toUser: ({ id }) => ({ name: id }),
          ...options,
        }),
      ],
      providers: [makeGateway(place)],
      prepare: (nest) => nest.useWebSocketAdapter(new Made(nest)),
    });
  }

  beforeAll(async () => {
    clock = new ManualClock();
    issuer = await startIssuer({ clock });
  });

  it('answers a handshake that toUser refuses: unknown user, an error of the app, or a fault', async () => {
    const app = await start(
      {},
      {
        toUser: ({ id }) => {
          if (id === 'debtor') throw new HttpException('Pay first', 402);
          if (id === 'bug') throw new Error('the database is down');
          return id === 'stranger' ? null : { name: `account of ${id}` };
        },
      },
    );
    const callAs = async (sub: string): Promise<object> =>
      refusalOf(transport, app.url, { token: await tokenFor(sub) });
    arrived.length = 0;
    expect(await callAs('stranger')).toEqual(refused(transport, deniedBody));
    expect(await callAs('debtor')).toEqual(refused(transport, { statusCode: 402, message: 'Pay first' }));
    expect(await callAs('bug')).toEqual(
      refused(transport, { statusCode: 500, error: 'Internal Server Error', message: 'Internal server error' }),
    );
    const socket = await connect(app.url, { token: await tokenFor('alice') });
    expect(await socket.ask('who')).toEqual({ event: 'reply', data: 'account of alice' });
    expect(arrived).toEqual(['account of alice']);
    socket.close();
  });

  it('can be extended, and can extend an adapter of the app', async () => {
    const made: number[] = [];
    class OwnAdapter extends Adapter {
      override create(port: number, options?: unknown): unknown {
        made.push(port);
        return super.create(port, options);
      }
    }
    const app = await start({}, {}, class extends withAuth(OwnAdapter) {});
    expect(await refusalOf(transport, app.url, {})).toEqual(refused(transport, missingTokenBody, 'Bearer'));
    const socket = await connect(app.url, { token: await tokenFor('alice') });
    expect(await socket.ask('who')).toEqual({ event: 'reply', data: 'alice' });
    expect(made).toEqual([0]);
    socket.close();
  });

  it('guards gateways on a separate port as well', async () => {
    const port = await freePort();
    await start({ port });
    const url = `http://127.0.0.1:${port}`;
    expect(await refusalOf(transport, url, {})).toEqual(refused(transport, missingTokenBody, 'Bearer'));
    const socket = await connect(url, { token: await tokenFor('alice') });
    expect(await socket.ask('who')).toEqual({ event: 'reply', data: 'alice' });
    socket.close();
  });

  it('must be created with the app', () => {
    expect(() => new (withAuth(Adapter))({} as never)).toThrow(ConfigurationError);
  });
});

describe.each(socketTransports.filter(({ connect }) => connect === connectWs))(
  'a server of $name with its own handshake check',
  (transport) => {
    const { Adapter, connect, platform } = transport;

    it.each([
      ['that answers', (info: { req: IncomingMessage }) => info.req.headers['x-door'] === 'open'],
      [
        'that calls back',
        (info: { req: IncomingMessage }, done: (isOpen: boolean) => void) => {
          done(info.req.headers['x-door'] === 'open');
        },
      ],
    ])("runs the app's check after the guard: one %s", async (_, verifyClient) => {
      const issuer = await startIssuer();
      const app = await startApp(platform, {
        imports: [
          AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), transports: [webSockets()] }),
        ],
        providers: [makeGateway({ options: { verifyClient } })],
        prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest)),
      });
      const token = await issuer.token({ aud: 'api', sub: 'alice' });
      const open = { 'X-Door': 'open' };
      expect(await refusalOf(transport, app.url, { headers: open })).toEqual(
        refused(transport, missingTokenBody, 'Bearer'),
      );
      expect(await refusalOf(transport, app.url, { token })).toEqual({ status: 401, body: 'Unauthorized' });
      const socket = await connect(app.url, { token, headers: open });
      socket.close();
    });
  },
);

describe.each(socketTransports.filter(({ connect }) => connect === connectSocketIo))(
  'a client of $name',
  ({ Adapter, connect, platform }) => {
    let clock: ManualClock;
    let issuer: TestIssuer;
    let app: RunningApp;

    beforeAll(async () => {
      clock = new ManualClock();
      issuer = await startIssuer({ clock });
      app = await startApp(platform, {
        imports: [
          AuthModule.forRoot({
            issuers: oidc({ issuer: issuer.url, audience: 'api' }),
            transports: [webSockets()],
            clock,
            toUser: ({ id }) => ({ name: id }),
          }),
        ],
        providers: [makeGateway({ options: { connectionStateRecovery: {} } })],
        prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest)),
      });
    });

    it('may send the token when it connects, as auth.token or as a header', async () => {
      const token = await issuer.token({ aud: 'api', sub: 'alice' });
      for (const auth of [{ token }, { token: `Bearer ${token}` }, { Authorization: `Bearer ${token}` }]) {
        const socket = await connect(app.url, { auth });
        expect(await socket.ask('who')).toEqual({ event: 'reply', data: 'alice' });
        socket.close();
      }
      const twice = connect(app.url, { token, auth: { token: 'another.one.here' } });
      await expect(twice).rejects.toMatchObject({ data: { statusCode: 400, code: 'INVALID_REQUEST' } });
    });

    it('that recovers a connection is authenticated like any other', async () => {
      const token = await issuer.token({ aud: 'api', sub: 'alice' }, { expiresIn: '5m' });
      const socket = io(app.url, { transports: ['websocket'], auth: { token }, reconnectionDelay: 1, forceNew: true });
      const comesBack = async (): Promise<boolean> => {
        const back = new Promise<void>((resolve, reject) => {
          socket.once('connect', resolve);
          socket.once('connect_error', reject);
        });
        socket.io.engine.close();
        await back;
        return socket.recovered;
      };
      await new Promise<void>((resolve) => socket.once('connect', resolve));
      socket.emit('who');
      await new Promise((resolve) => socket.once('reply', resolve));
      expect(await comesBack()).toBe(true);
      clock.advanceSeconds(306);
      await expect(comesBack()).rejects.toMatchObject({ data: invalidTokenBody('expired') });
      socket.disconnect();
    });
  },
);
