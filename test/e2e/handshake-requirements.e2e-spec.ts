/** With an adapter of `withAuth()`, a client is connected only if it satisfies every requirement of the gateway. */
import { type ExecutionContext, Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AuthModule,
  type AuthUser,
  CurrentUser,
  oidc,
  type Policy,
  RequireOrganization,
  RequirePolicy,
  RequireProfile,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningApp, startApp, startIssuer } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { deniedBody, invalidTokenBody, refusalOf, refused, socketTransports } from '../support/socket-transports.js';
import type { SocketTransport } from '../support/socket-transports.js';
import { invalidTokenChallenge } from '../support/verdicts.js';

/** Who has come in, by `handleConnection`; and for which kinds of calls policies were asked. */
const arrived: string[] = [];
const asked: string[] = [];

@Injectable({ scope: Scope.REQUEST })
class IsAlice implements Policy {
  constructor(@Inject(REQUEST) private readonly request: object) {}

  check({ id }: AuthUser, context: ExecutionContext): boolean {
    asked.push(`${context.getType()}${typeof this.request === 'object' ? '' : ' without a request'}`);
    return id === 'alice';
  }
}

const readsMessage = (_: AuthUser, context: ExecutionContext): boolean => {
  asked.push(context.getType());
  return context.switchToWs().getData() !== undefined;
};

function makeGateways(place: SocketTransport['place']): (new () => object)[] {
  class Answering {
    handleConnection(): void {
      arrived.push(this.constructor.name);
    }

    @SubscribeMessage('who')
    who(@CurrentUser('id') data: string): object {
      return { event: 'reply', data };
    }
  }

  @RequirePolicy(IsAlice)
  @WebSocketGateway(place('policy'))
  class PolicyGateway extends Answering {}

  @RequirePolicy(readsMessage)
  @WebSocketGateway(place('message-policy'))
  class MessagePolicyGateway extends Answering {}

  @RequireProfile()
  @WebSocketGateway(place('profile'))
  class ProfileGateway extends Answering {}

  @RequireOrganization({ id: () => 'acme' })
  @WebSocketGateway(place('organization'))
  class OrganizationGateway extends Answering {}

  @WebSocketGateway(place('connection'))
  class ConnectionGateway {
    @RequirePolicy(() => {
      asked.push('connection');
      return false;
    })
    handleConnection(): void {
      arrived.push('ConnectionGateway');
    }
  }

  @RequirePolicy(IsAlice)
  @WebSocketGateway(place('twice'))
  class TwiceGateway {
    @RequirePolicy(IsAlice)
    handleConnection(): void {
      arrived.push('TwiceGateway');
    }
  }

  return [
    ...[PolicyGateway, MessagePolicyGateway, ProfileGateway, OrganizationGateway],
    ...[ConnectionGateway, TwiceGateway],
  ];
}

describe.each(socketTransports)('the requirements of a gateway over $name', (transport) => {
  const { Adapter, connect, platform, place } = transport;
  let issuer: TestIssuer;
  let app: RunningApp;
  const log = new LogLines();

  const start = (providers: (new () => object)[]): Promise<RunningApp> =>
    startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          transports: [webSockets()],
        }),
      ],
      providers: [IsAlice, ...providers],
      logger: log,
      prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest)),
    });

  const tokenFor = (sub: string, claims: object = {}): Promise<string> => issuer.token({ aud: 'api', sub, ...claims });
  const refusal = async (at: string, sub: string, claims: object = {}): Promise<unknown> =>
    refusalOf(transport, app.url, { at, token: await tokenFor(sub, claims) });

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await start(makeGateways(place));
  });

  beforeEach(() => {
    arrived.length = 0;
    asked.length = 0;
  });

  it('include policies, which are asked for the handshake and for each message', async () => {
    expect(await refusal('/policy', 'bob')).toEqual(refused(transport, deniedBody));
    expect([asked, arrived]).toEqual([['ws-handshake'], []]);
    const socket = await connect(app.url, { at: '/policy', token: await tokenFor('alice') });
    expect(await socket.ask('who')).toEqual({ event: 'reply', data: 'alice' });
    expect(asked).toEqual(['ws-handshake', 'ws-handshake', 'ws']);
    expect(arrived).toEqual(['PolicyGateway']);
    socket.close();
  });

  it('include policies of handleConnection, and are each checked once', async () => {
    expect(await refusal('/connection', 'alice')).toEqual(refused(transport, deniedBody));
    expect([asked, arrived]).toEqual([['connection'], []]);
    asked.length = 0;
    const socket = await connect(app.url, { at: '/twice', token: await tokenFor('alice') });
    expect([asked, arrived]).toEqual([['ws-handshake', 'ws-handshake'], ['TwiceGateway']]);
    socket.close();
  });

  it('refuse a client where a policy of the class needs a message, and the log states why', async () => {
    log.forget();
    expect(await refusal('/message-policy', 'alice')).toEqual(refused(transport, deniedBody));
    expect([asked, arrived]).toEqual([['ws-handshake'], []]);
    expect(log.ours().map(({ text }) => text)).toContainEqual(
      expect.stringContaining('on the handlers, not on the class'),
    );
  });

  it('include the profile', async () => {
    issuer.setUserInfo('alice', { name: 'Alice' });
    issuer.setUserInfo('gone', null);
    expect(await refusal('/profile', 'gone')).toEqual(
      refused(transport, invalidTokenBody('revoked'), invalidTokenChallenge('revoked')),
    );
    expect(arrived).toEqual([]);
    (await connect(app.url, { at: '/profile', token: await tokenFor('alice') })).close();
    expect(arrived).toEqual(['ProfileGateway']);
  });

  it('include the organization', async () => {
    expect(await refusal('/organization', 'alice')).toEqual(refused(transport, deniedBody));
    expect(arrived).toEqual([]);
  });

  it('cannot name an organization by a route parameter, which stops the app', async () => {
    @RequireOrganization()
    @WebSocketGateway(place('teams'))
    class TeamsGateway {
      @SubscribeMessage('who')
      who(): void {
        // Never called.
      }
    }
    await expect(start([TeamsGateway])).rejects.toThrow(
      /^@RequireOrganization\(\{ param \}\).*TeamsGateway\.who is a handler of a gateway, whose messages have no route parameters/,
    );
  });
});
