/** Connections of handlers that require @VerifyOnline(): they end when the issuer takes the token back. */
import { Field, ObjectType, Query, Resolver, Subscription } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthModule, CurrentUser, oidc, RequireScopes, VerifyOnline } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { startAppWithTimer, startIssuer } from '../support/app.js';
import { connect as connectGraphql } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { ManualClock } from '../support/manual-clock.js';
import { ManualTimer } from '../support/manual-timer.js';
import { connectSocketIo } from '../support/socket-clients.js';
import { socketTransports } from '../support/socket-transports.js';

let clock: ManualClock;
let timer: ManualTimer;
let issuer: TestIssuer;
let token: string;

beforeEach(async () => {
  clock = new ManualClock();
  timer = new ManualTimer();
  issuer = await startIssuer({ clock });
  token = await issuer.token({ aud: 'api', sub: 'alice', scope: 'pay' }, { expiresIn: '1h' });
});

const issuers = (): ReturnType<typeof oidc> =>
  oidc({ issuer: issuer.url, audience: 'api', introspection: issuer.introspectionClient });

async function passMinute(): Promise<void> {
  const asked = issuer.requests.introspection;
  clock.advanceSeconds(60);
  timer.ring();
  await vi.waitFor(() => expect(issuer.requests.introspection).toBe(asked + 1));
}

@VerifyOnline()
@RequireScopes('pay')
@WebSocketGateway()
class PaymentsGateway {
  @SubscribeMessage('me')
  me(@CurrentUser('id') data: string): object {
    return { event: 'reply', data };
  }
}

describe.each(socketTransports)('a socket of a gateway over $name', ({ Adapter, connect, platform }) => {
  it('is confirmed by the issuer each minute, and closed when the token was taken back', async () => {
    const app = await startAppWithTimer(
      platform,
      {
        imports: [AuthModule.forRoot({ issuers: issuers(), transports: [webSockets()], clock })],
        providers: [PaymentsGateway],
        prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest)),
      },
      timer,
    );
    const socket = await connect(app.url, { token });
    await passMinute();
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    issuer.revoke(token);
    await passMinute();
    const expected =
      connect === connectSocketIo ? 'io server disconnect' : { code: 4401, reason: 'INVALID_TOKEN: revoked' };
    const end = await socket.end;
    expect(connect === connectSocketIo ? end.reason : end).toEqual(expected);
  });
});

@ObjectType()
class Payment {
  @Field(() => String)
  payer!: string;
}

@Resolver(() => Payment)
class PaymentsResolver {
  @Query(() => String)
  hello(): string {
    return 'hello';
  }

  @VerifyOnline()
  @RequireScopes('pay')
  @Subscription(() => Payment)
  async *payment(@CurrentUser('id') id: string): AsyncGenerator<object> {
    yield { payment: { payer: id } };
    await new Promise(() => undefined);
  }
}

describe.each(graphqlEngines)('a subscription by $name', ({ platform, importModule, closeCode }) => {
  it('is confirmed by the issuer each minute, and ended when the token was taken back', async () => {
    const app = await startAppWithTimer(
      platform,
      { imports: [AuthModule.forRoot({ issuers: issuers(), clock }), importModule()], providers: [PaymentsResolver] },
      timer,
    );
    const { client, closed, nextClose } = connectGraphql(app, { connectionParams: { token } });
    const results = client.iterate({ query: 'subscription { payment { payer } }' });
    expect((await results.next()).value).toMatchObject({ data: { payment: { payer: 'alice' } } });
    await passMinute();
    expect(closed).toEqual([]);
    issuer.revoke(token);
    const close = nextClose();
    await passMinute();
    expect(await close).toBe(closeCode);
    await client.dispose();
  });
});
