/** Two kinds of credentials over socket.io and ws, for messages and for handshakes. */
import { UseGuards } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AcceptCredentials, AuthGuard, type AuthUser, CurrentUser, OptionalAuth, RequireScopes } from 'nest-gatehouse';
import { VerifyOnline } from 'nest-gatehouse';
import { userOf, webSockets, withAuth } from 'nest-gatehouse/websockets';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningApp, startAppWithTimer } from '../support/app.js';
import { basic } from '../support/key-scheme.js';
import { ManualTimer } from '../support/manual-timer.js';
import { openSecondScheme, type SecondScheme } from '../support/second-scheme.js';
import { connectSocketIo, type SocketCall } from '../support/socket-clients.js';
import {
  invalidTokenBody,
  lackingScopeBody,
  missingTokenBody,
  refusalOf,
  refused,
  type SocketTransport,
  socketTransports,
} from '../support/socket-transports.js';
import { invalidRequest, invalidTokenChallenge } from '../support/verdicts.js';

interface Reply {
  readonly event: 'reply';
  readonly data: string;
}

const reply = (data: string): Reply => ({ event: 'reply', data });
const say = (user: AuthUser | null): Reply => reply(user === null ? 'anonymous' : `${user.credential.kind} ${user.id}`);

@UseGuards(AuthGuard)
@WebSocketGateway()
class ChatGateway {
  @UseGuards(AuthGuard)
  @SubscribeMessage('me')
  me(@CurrentUser('id') id: string, @CurrentUser('credential.kind') kind: string): Reply {
    return reply(`${kind} ${id}`);
  }

  @OptionalAuth()
  @SubscribeMessage('maybe')
  maybe(@CurrentUser() user: AuthUser | null): Reply {
    return say(user);
  }

  @RequireScopes('cats:write')
  @SubscribeMessage('adopt')
  adopt(@CurrentUser() user: AuthUser): Reply {
    return say(user);
  }

  @AcceptCredentials('access-token')
  @SubscribeMessage('people')
  people(@CurrentUser() user: AuthUser): Reply {
    return say(user);
  }

  @VerifyOnline()
  @SubscribeMessage('online')
  online(@CurrentUser() user: AuthUser): Reply {
    return say(user);
  }
}

const arrived: string[] = [];

function makeHandshakeGateways(place: SocketTransport['place']): (new () => object)[] {
  class Answering {
    handleConnection(client: object): void {
      const user = userOf(client);
      arrived.push(user === null ? 'anonymous' : `${user.credential.kind} ${user.id}`);
    }

    @SubscribeMessage('who')
    who(@CurrentUser() user: AuthUser | null): Reply {
      return say(user);
    }
  }

  @UseGuards(AuthGuard)
  @WebSocketGateway(place('guarded'))
  class GuardedGateway extends Answering {}

  @OptionalAuth()
  @WebSocketGateway(place('maybe'))
  class MaybeGateway extends Answering {}

  @AcceptCredentials('access-token')
  @WebSocketGateway(place('people'))
  class PeopleGateway extends Answering {}

  return [GuardedGateway, MaybeGateway, PeopleGateway];
}

const malformedRequest = {
  statusCode: 400,
  error: 'Bad Request',
  message: 'The request carries its credentials in a malformed or contradictory way',
  code: 'INVALID_REQUEST',
};
const unavailableBody = {
  statusCode: 503,
  error: 'Service Unavailable',
  message: 'Authentication is not available at the moment',
  code: 'SERVER_ERROR',
  retryAfterSeconds: 7,
};
const key = (secret: string): SocketCall => ({ headers: { 'x-api-key': secret } });
const byBasic = (secret: string): SocketCall => ({ headers: { Authorization: basic('machine', secret) } });

describe.each(socketTransports)('two kinds of credentials over $name', (transport) => {
  const { Adapter, connect, platform, place } = transport;
  let stand: SecondScheme;
  let timer: ManualTimer;
  let app: RunningApp;
  let protectedApp: RunningApp;
  let token: string;

  beforeAll(async () => {
    stand = await openSecondScheme();
    timer = new ManualTimer();
    const imports = [stand.importModule({ transports: [webSockets()] })];
    app = await startAppWithTimer(
      platform,
      { imports, providers: [ChatGateway], prepare: (nest) => nest.useWebSocketAdapter(new Adapter(nest)) },
      timer,
    );
    protectedApp = await startAppWithTimer(
      platform,
      {
        imports,
        providers: makeHandshakeGateways(place),
        prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest)),
      },
      new ManualTimer(),
    );
  });

  beforeEach(async () => {
    token = await stand.tokenFor('alice');
    arrived.length = 0;
    stand.keys.authenticated = 0;
  });

  /** What each message is answered with, over one connection. */
  async function answers(call: SocketCall, ...events: string[]): Promise<unknown[]> {
    const socket = await connect(app.url, call);
    const replies: unknown[] = [];
    for (const event of events) {
      const { event: name, data } = await socket.ask(event);
      // Nest names the message that an error answers.
      replies.push(name === 'reply' ? data : { ...(data as object), status: undefined, cause: undefined });
    }
    socket.close();
    return replies;
  }

  it('are accepted for messages, once for each', async () => {
    expect(await answers(key('key_m'), 'me', 'maybe')).toEqual(['api-key machine', 'api-key machine']);
    expect(stand.keys.authenticated).toBe(2);
    expect(await answers(byBasic('key_m'), 'me')).toEqual(['api-key machine']);
    expect(await answers({ token: 'key_w' }, 'adopt')).toEqual(['api-key writer']);
    expect(await answers({ token }, 'me', 'people')).toEqual(['access-token alice', 'access-token alice']);
    if (connect !== connectSocketIo) return;
    expect(await answers({ auth: { token: 'key_m' } }, 'me')).toEqual(['api-key machine']);
    expect(await answers({ auth: { 'x-api-key': 'key_m' } }, 'me')).toEqual(['api-key machine']);
  });

  it('are refused for messages', async () => {
    expect(await answers({}, 'me', 'maybe')).toEqual([missingTokenBody, 'anonymous']);
    expect(await answers(key('key_x'), 'me', 'maybe')).toEqual([invalidTokenBody('malformed'), 'anonymous']);
    const two = [malformedRequest, malformedRequest];
    expect(await answers({ token, ...key('key_m') }, 'me', 'maybe')).toEqual(two);
    expect(await answers(key('key_m'), 'adopt', 'people', 'online')).toEqual([
      lackingScopeBody('cats:write'),
      invalidTokenBody('type'),
      invalidTokenBody('type'),
    ]);
  });

  it('are a fault where the scheme cannot decide, or throws anything else', async () => {
    expect(await answers(key('key_down'), 'me', 'maybe')).toEqual([unavailableBody, unavailableBody]);
    const broken = { message: 'Internal server error' };
    expect(await answers(key('key_broken'), 'me', 'maybe')).toEqual([broken, broken]);
  });

  it('are accepted at the handshake, and the client is the user of the key', async () => {
    for (const call of [key('key_m'), byBasic('key_m')]) {
      const socket = await connect(protectedApp.url, { ...call, at: '/guarded' });
      expect(await socket.ask('who')).toEqual(reply('api-key machine'));
      socket.close();
    }
    const socket = await connect(protectedApp.url, { token, at: '/people' });
    expect(await socket.ask('who')).toEqual(reply('access-token alice'));
    socket.close();
    expect(arrived).toEqual(['api-key machine', 'api-key machine', 'access-token alice']);
  });

  it('are refused at the handshake, with the challenges of an HTTP answer where there are headers', async () => {
    const at = (call: SocketCall, path: string): Promise<unknown> =>
      refusalOf(transport, protectedApp.url, { ...call, at: path });
    const malformed = invalidTokenBody('malformed');
    const wrongKind = invalidTokenBody('type');
    const both = 'Bearer, Basic realm="cats"';
    expect(await at({}, '/guarded')).toEqual(refused(transport, missingTokenBody, 'Bearer'));
    expect(await at(key('key_x'), '/guarded')).toEqual(
      refused(transport, malformed, invalidTokenChallenge('malformed')),
    );
    expect(await at(byBasic('key_x'), '/guarded')).toEqual(refused(transport, malformed, both));
    const two = refused(transport, malformedRequest, invalidRequest.challenge);
    expect(await at({ token, ...key('key_m') }, '/guarded')).toEqual(two);
    expect(await at({ token, ...key('key_m') }, '/maybe')).toEqual(two);
    expect(await at(key('key_m'), '/people')).toEqual(refused(transport, wrongKind, invalidTokenChallenge('type')));
    expect(await at(byBasic('key_m'), '/people')).toEqual(refused(transport, wrongKind, both));
    expect(await at(key('key_down'), '/maybe')).toEqual(refused(transport, unavailableBody));
    const broken = { statusCode: 500, error: 'Internal Server Error', message: 'Internal server error' };
    expect(await at(key('key_broken'), '/maybe')).toEqual(refused(transport, broken));
    expect(arrived).toEqual([]);
  });

  it('keep a connection open as long as the key is good: without an end where it does not expire', async () => {
    const lasting = await connect(app.url, key('key_m'));
    expect(await lasting.ask('me')).toEqual(reply('api-key machine'));
    const ending = await connect(app.url, key('key_5m'));
    expect(await ending.ask('me')).toEqual(reply('api-key visitor'));
    stand.clock.advanceSeconds(300);
    timer.ring();
    if (connect === connectSocketIo) {
      expect(await ending.next()).toEqual({ event: 'unauthorized', data: invalidTokenBody('expired') });
      expect(await ending.end).toEqual({ reason: 'io server disconnect' });
    } else {
      expect(await ending.end).toEqual({ code: 4401, reason: 'INVALID_TOKEN: expired' });
    }
    stand.clock.advanceSeconds(1_000_000);
    timer.ring();
    expect(await lasting.ask('me')).toEqual(reply('api-key machine'));
    lasting.close();
  });
});
