/** socket.io keeps the rooms and the missed messages of a client for a while. Only the same user gets them back. */
import { UseGuards } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { AuthGuard, AuthModule, CurrentUser, oidc, OptionalAuth } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { userOf, webSockets, withAuth } from 'nest-gatehouse/websockets';
import { io, type Socket } from 'socket.io-client';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';

interface Room {
  to(room: string): { emit(event: string, text: string): void };
}

class Rooms {
  @WebSocketServer()
  room!: Room;

  handleConnection(client: { join(room: string): void; readonly rooms: ReadonlySet<string> }): void {
    client.join(`room of ${userOf(client)?.id ?? 'nobody'}`);
    roomsOf.push([...client.rooms].filter((room) => room.startsWith('room of ')));
  }

  @SubscribeMessage('who')
  who(@CurrentUser('id') id: string): object {
    return { event: 'reply', data: id };
  }
}

const roomsOf: string[][] = [];
const recovery = { connectionStateRecovery: {} };

@UseGuards(AuthGuard)
@WebSocketGateway(recovery)
class RoomGateway extends Rooms {}

@OptionalAuth()
@WebSocketGateway({ ...recovery, namespace: 'lobby' })
class LobbyGateway extends Rooms {}

@UseGuards(AuthGuard)
@WebSocketGateway({ ...recovery, namespace: /^\/team-/ })
class TeamGateway extends Rooms {}

describe.each(platforms)('a client that comes back to socket.io on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), transports: [webSockets()] }),
      ],
      providers: [RoomGateway, LobbyGateway, TeamGateway],
      prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(IoAdapter))(nest)),
    });
  });

  beforeEach(() => {
    roomsOf.length = 0;
  });

  const tokenFor = (sub: string): Promise<string> => issuer.token({ aud: 'api', sub });

  /** A client that has received a message, without which socket.io recovers nothing. */
  async function open(path: string, token?: string): Promise<{ socket: Socket; received: string[]; gateway: Rooms }> {
    const auth: { token?: string } = token === undefined ? {} : { token };
    const socket = io(`${app.url}${path}`, { transports: ['websocket'], auth, reconnectionDelay: 1, forceNew: true });
    const received: string[] = [];
    socket.on('secret', (text: string) => received.push(text));
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    const gateway: Rooms = app.nest.get(gatewayAt[path] ?? RoomGateway);
    const first = new Promise((resolve) => socket.once('secret', resolve));
    gateway.room.to(`room of ${token === undefined ? 'nobody' : 'alice'}`).emit('secret', 'first');
    await first;
    return { socket, received, gateway };
  }

  const gatewayAt: Readonly<Record<string, new () => Rooms>> = { '/lobby': LobbyGateway, '/team-a': TeamGateway };

  /** Loses the connection, misses a message to alice, and comes back with another token. */
  async function comeBack({ socket, gateway }: { socket: Socket; gateway: Rooms }, token?: string): Promise<void> {
    const back = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    const lost = new Promise<void>((resolve) => socket.once('disconnect', () => resolve()));
    socket.auth = token === undefined ? {} : { token };
    socket.io.engine.close();
    await lost;
    gateway.room.to('room of alice').emit('secret', 'second');
    await back;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  it.each(['', '/lobby', '/team-a'])('as the same user recovers rooms and messages: %s', async (path) => {
    const client = await open(path, await tokenFor('alice'));
    await comeBack(client, await tokenFor('alice'));
    expect([client.socket.recovered, client.received]).toEqual([true, ['first', 'second']]);
    client.socket.disconnect();
  });

  it.each(['', '/lobby', '/team-a'])('as another user recovers neither id nor rooms nor messages: %s', async (path) => {
    const client = await open(path, await tokenFor('alice'));
    const { id } = client.socket;
    await comeBack(client, await tokenFor('bob'));
    expect([client.socket.recovered, client.received]).toEqual([false, ['first']]);
    expect(client.socket.id).not.toBe(id);
    expect(roomsOf).toEqual([['room of alice'], ['room of bob']]);
    client.gateway.room.to('room of alice').emit('secret', 'third');
    client.socket.emit('who');
    expect(await new Promise((resolve) => client.socket.once('reply', resolve))).toBe('bob');
    expect(client.received).toEqual(['first']);
    client.socket.disconnect();
  });

  it('without a token, or with one that is refused, recovers nothing', async () => {
    const user = await open('/lobby', await tokenFor('alice'));
    await comeBack(user);
    expect([user.socket.recovered, user.received]).toEqual([false, ['first']]);
    user.socket.disconnect();
    const guarded = await open('', await tokenFor('alice'));
    await expect(comeBack(guarded, 'no.good.token')).rejects.toThrow('The access token is malformed');
    expect(guarded.received).toEqual(['first']);
    guarded.socket.disconnect();
    const anonymous = await open('/lobby');
    await comeBack(anonymous);
    expect(anonymous.socket.recovered).toBe(true);
    anonymous.socket.disconnect();
  });
});
