/** Connections that clients close: nothing of them stays in memory, on any transport. */
import { Controller, UseGuards } from '@nestjs/common';
import { Field, ObjectType, Query, Resolver, Subscription } from '@nestjs/graphql';
import { GrpcMethod } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthGuard, AuthModule, CurrentUser, oidc } from 'nest-gatehouse';
import { microservices } from 'nest-gatehouse/microservices';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { NEVER, type Observable, startWith } from 'rxjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer, watchedConnectionsOf } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { connect as connectGraphql } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { connectGrpc, grpcOptions, metadataWith } from '../support/message-transports.js';
import { socketTransports } from '../support/socket-transports.js';

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startIssuer();
});

const noneIsWatched = (app: RunningApp): Promise<void> => vi.waitFor(() => expect(watchedConnectionsOf(app)).toBe(0));

@UseGuards(AuthGuard)
@WebSocketGateway()
class ChatGateway {
  @SubscribeMessage('me')
  me(@CurrentUser('id') data: string): object {
    return { event: 'reply', data };
  }
}

describe.each(socketTransports)('a socket over $name', ({ Adapter, connect, platform }) => {
  it('is dropped when the client closes it, at the handshake or after a message', async () => {
    const app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), transports: [webSockets()] }),
      ],
      providers: [ChatGateway],
      prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest)),
    });
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    const [silent, talking] = [await connect(app.url, { token }), await connect(app.url, { token })];
    expect(await talking.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    await vi.waitFor(() => expect(watchedConnectionsOf(app)).toBe(2));
    silent.close();
    talking.close();
    await noneIsWatched(app);
  });
});

@ObjectType()
class Tick {
  @Field(() => String)
  seenBy!: string;
}

@Resolver(() => Tick)
class TicksResolver {
  @Query(() => String)
  hello(): string {
    return 'hello';
  }

  @UseGuards(AuthGuard)
  @Subscription(() => Tick)
  async *tick(@CurrentUser('id') id: string): AsyncGenerator<object> {
    yield { tick: { seenBy: id } };
    await new Promise(() => undefined);
  }
}

describe.each(graphqlEngines)('a GraphQL socket by $name', ({ platform, importModule }) => {
  it('is dropped when the client closes it', async () => {
    const app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) }), importModule()],
      providers: [TicksResolver],
    });
    const { client } = connectGraphql(app, { connectionParams: { token: await issuer.token({ aud: 'api' }) } });
    await client.iterate({ query: 'subscription { tick { seenBy } }' }).next();
    expect(watchedConnectionsOf(app)).toBe(1);
    client.terminate();
    await noneIsWatched(app);
  });
});

@UseGuards(AuthGuard)
@Controller()
class CatsController {
  @GrpcMethod('Cats', 'Watch')
  watch(@CurrentUser('id') id: string): Observable<{ readonly name: string }> {
    return NEVER.pipe(startWith({ name: id }));
  }
}

it('a stream over gRPC is dropped when the client cancels it', async () => {
  const url = `127.0.0.1:${await freePort()}`;
  const [platform] = platforms;
  if (platform === undefined) throw new Error('There is no platform');
  const app = await startApp(platform, {
    imports: [
      AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), transports: [microservices()] }),
    ],
    controllers: [CatsController],
    prepare: (nest) => void nest.connectMicroservice(grpcOptions(url), { inheritAppConfig: true }),
  });
  await app.nest.startAllMicroservices();
  const client = connectGrpc(url);
  const stream = client.Watch({}, metadataWith(await issuer.token({ aud: 'api' })));
  stream.on('error', () => undefined);
  await new Promise((resolve) => stream.on('data', resolve));
  expect(watchedConnectionsOf(app)).toBe(1);
  stream.cancel();
  await noneIsWatched(app);
  client.close();
});
