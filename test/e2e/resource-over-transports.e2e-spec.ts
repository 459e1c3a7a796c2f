/** A resource whose routes are GraphQL operations, or messages and handshakes of sockets. */
import { type Type, UseGuards } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthGuard, AuthModule, CurrentUser, insufficientScope, oidc, RequireScopes } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningApp, startApp, startIssuer } from '../support/app.js';
import { ask, askOverSocket } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { invalidTokenBody, refusalOf, refused, socketTransports } from '../support/socket-transports.js';
import { invalidTokenChallenge } from '../support/verdicts.js';

const api = 'https://api.example.com';

@UseGuards(AuthGuard)
@Resolver()
class CatsResolver {
  @RequireScopes('cats:read')
  @Query(() => String)
  me(@CurrentUser('id') id: string): string {
    return id;
  }

  @RequireScopes('cats:read')
  @Query(() => String)
  feed(): never {
    throw insufficientScope('cats:write');
  }
}

describe.each(graphqlEngines)('a resource of GraphQL operations with $name', ({ platform, importModule }) => {
  const resource = `${api}/graphql`;
  const metadata = `resource_metadata="${api}/.well-known/oauth-protected-resource/graphql"`;
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    const issuers = oidc({ issuer: issuer.url, audience: ['web', resource] });
    const auth = AuthModule.forRoot({ issuers, resource: { identifier: resource, scopes: ['cats:read'] } });
    app = await startApp(platform, { imports: [auth, importModule()], providers: [CatsResolver] });
  });

  const tokenFor = (aud: string) => issuer.token({ sub: 'u1', aud, scope: 'cats:read' });

  it('accepts tokens that are meant for it, over HTTP and over a socket', async () => {
    const token = await tokenFor(resource);
    expect((await ask(app, '{ me }', { token })).data).toEqual({ me: 'u1' });
    const connectionParams = { Authorization: `Bearer ${token}` };
    expect((await askOverSocket(app, '{ me }', { connectionParams })).data).toEqual({ me: 'u1' });
  });

  it('refuses others, over HTTP and over a socket', async () => {
    const token = await tokenFor('web');
    const { errors, http } = await ask(app, '{ me }', { token });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(http.headers['www-authenticate']).toContain(`Bearer ${metadata}, scope="cats:read", error="invalid_token"`);
    const overSocket = await askOverSocket(app, '{ me }', { connectionParams: { Authorization: `Bearer ${token}` } });
    expect(overSocket.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('names the scopes that an operation asks for, and those that it requires', async () => {
    const { errors, http } = await ask(app, '{ feed }', { token: await tokenFor(resource) });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
    expect(http.headers['www-authenticate']).toBe(
      `Bearer ${metadata}, scope="cats:read cats:write", error="insufficient_scope"`,
    );
  });
});

@UseGuards(AuthGuard)
@WebSocketGateway()
class CatsGateway {
  @SubscribeMessage('me')
  me(@CurrentUser('id') id: string): object {
    return { event: 'reply', data: id };
  }
}

describe.each(socketTransports)('a resource of messages over $name', (transport) => {
  const { Adapter, connect, platform, place } = transport;
  let issuer: TestIssuer;
  let app: RunningApp;
  let protectedApp: RunningApp;

  beforeAll(async () => {
    @UseGuards(AuthGuard)
    @WebSocketGateway(place('guarded'))
    class GuardedGateway extends CatsGateway {}

    issuer = await startIssuer();
    const issuers = oidc({ issuer: issuer.url, audience: ['web', api] });
    const auth = AuthModule.forRoot({ issuers, resource: { identifier: api }, transports: [webSockets()] });
    const start = (Chosen: typeof Adapter, gateway: Type) =>
      startApp(platform, {
        imports: [auth],
        providers: [gateway],
        prepare: (nest) => nest.useWebSocketAdapter(new Chosen(nest)),
      });
    app = await start(Adapter, CatsGateway);
    protectedApp = await start(withAuth(Adapter), GuardedGateway);
  });

  const tokenFor = (aud: string) => issuer.token({ sub: 'u1', aud });

  it('accepts tokens that are meant for it, and refuses others', async () => {
    const answerWith = async (aud: string): Promise<unknown> => {
      const socket = await connect(app.url, { token: await tokenFor(aud) });
      const { data } = await socket.ask('me');
      socket.close();
      return data;
    };
    expect(await answerWith(api)).toBe('u1');
    expect(await answerWith('web')).toMatchObject(invalidTokenBody('audience'));
  });

  it('accepts handshakes with tokens that are meant for it, and refuses others', async () => {
    const socket = await connect(protectedApp.url, { token: await tokenFor(api), at: '/guarded' });
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'u1' });
    socket.close();
    const refusal = await refusalOf(transport, protectedApp.url, { token: await tokenFor('web'), at: '/guarded' });
    const challenge = invalidTokenChallenge('audience').replace(
      'Bearer ',
      `Bearer resource_metadata="${api}/.well-known/oauth-protected-resource", `,
    );
    expect(refusal).toEqual(refused(transport, invalidTokenBody('audience'), challenge));
  });
});
