/** The app's own API keys over GraphQL, sockets and microservices, and the connections of a key that is revoked. */
import { Controller, UseGuards } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthGuard, AuthModule, type AuthModuleOptions, type AuthUser, CurrentUser } from 'nest-gatehouse';
import { apiKeys, ApiKeyService, ApiKeysModule } from 'nest-gatehouse/api-keys';
import { microservices } from 'nest-gatehouse/microservices';
import { memoryStores } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { describe, expect, it } from 'vitest';
import { type AppParts, type Platform, platforms, type RunningApp, startAppWithTimer } from '../support/app.js';
import { ask } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { basic, bearer } from '../support/key-store-app.js';
import { ManualClock } from '../support/manual-clock.js';
import { ManualTimer } from '../support/manual-timer.js';
import { prefix, tcp } from '../support/message-transports.js';
import { socketTransports } from '../support/socket-transports.js';

const say = ({ id, credential: { kind, scheme } }: AuthUser): string => `${kind} ${scheme} ${id}`;
const findSubject = (id: string): { id: string } => ({ id });
const refusedKey = { statusCode: 401, code: 'INVALID_TOKEN', reason: 'key' };
const tooMany = { statusCode: 429, code: 'TOO_MANY_ATTEMPTS', retryAfterSeconds: 300 };

interface Stand {
  readonly app: RunningApp;
  readonly service: ApiKeyService;
  readonly timer: ManualTimer;
}

async function start(platform: Platform, options: Partial<AuthModuleOptions>, parts: AppParts): Promise<Stand> {
  const [timer, clock] = [new ManualTimer(), new ManualClock()];
  const imports = [
    ApiKeysModule.forRoot({ prefix: 'acme', findSubject }),
    AuthModule.forRoot({ issuers: apiKeys(), clock, ...options }),
    memoryStores({ clock }),
    ...(parts.imports ?? []),
  ];
  const app = await startAppWithTimer(platform, { ...parts, imports }, timer);
  return { app, service: app.nest.get(ApiKeyService), timer };
}

@UseGuards(AuthGuard)
@Resolver()
class CatsResolver {
  @Query(() => String)
  me(@CurrentUser() user: AuthUser): string {
    return say(user);
  }
}

describe.each(graphqlEngines)('API keys over GraphQL by $name', ({ platform, importModule }) => {
  it('make a caller, and are refused in the shape of GraphQL', async () => {
    const { app, service } = await start(platform, {}, { imports: [importModule()], providers: [CatsResolver] });
    const { id, secret, text } = await service.create({ userId: 'alice' });
    expect((await ask(app, '{ me }', bearer(text))).data).toEqual({ me: 'api-key Bearer alice' });
    expect((await ask(app, '{ me }', basic(id, secret))).data).toEqual({ me: 'api-key Basic alice' });
    for (let refused = 0; refused < 30; refused += 1) {
      const { errors, http } = await ask(app, '{ me }', basic(id, 'wrong'));
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', originalError: refusedKey });
      expect(http.headers['www-authenticate']).toBe('Bearer, Basic realm="api"');
    }
    const { errors, http } = await ask(app, '{ me }', basic(id, 'wrong'));
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'TOO_MANY_REQUESTS', originalError: { statusCode: 429 } });
    expect(http.headers['retry-after']).toBe('300');
  });
});

describe.each(socketTransports)('API keys over $name', ({ Adapter, connect, platform, place }) => {
  class Answering {
    @SubscribeMessage('me')
    me(@CurrentUser() user: AuthUser): object {
      return { event: 'reply', data: say(user) };
    }
  }
  const wire = { transports: [webSockets()] };

  it('make a caller of each message, and are refused', async () => {
    @UseGuards(AuthGuard)
    @WebSocketGateway()
    class ChatGateway extends Answering {}
    const prepare: AppParts['prepare'] = (nest) => nest.useWebSocketAdapter(new Adapter(nest));
    const { app, service } = await start(platform, wire, { providers: [ChatGateway], prepare });
    const { id, secret, text } = await service.create({ userId: 'alice' });
    const headers = Object.fromEntries(basic(id, secret).headers ?? []);
    const [byBearer, byBasic] = [await connect(app.url, { token: text }), await connect(app.url, { headers })];
    expect((await byBearer.ask('me')).data).toBe('api-key Bearer alice');
    expect((await byBasic.ask('me')).data).toBe('api-key Basic alice');
    const wrong = await connect(app.url, { token: 'acme_wrong' });
    for (let at = 0; at < 30; at += 1) expect((await wrong.ask('me')).data).toMatchObject(refusedKey);
    expect((await wrong.ask('me')).data).toMatchObject(tooMany);
    await service.revoke(id);
    // The 31st refused key of this network, although it was a good one.
    expect((await byBearer.ask('me')).data).toMatchObject(tooMany);
    for (const socket of [byBearer, byBasic, wrong]) socket.close();
  });

  it('lose their connections when they are revoked', async () => {
    @UseGuards(AuthGuard)
    @WebSocketGateway(place('guarded'))
    class GuardedGateway extends Answering {}
    const prepare: AppParts['prepare'] = (nest) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest));
    const { app, service, timer } = await start(platform, wire, { providers: [GuardedGateway], prepare });
    const [one, other] = [await service.create({ userId: 'alice' }), await service.create({ userId: 'bob' })];
    const [revoked, kept] = [
      await connect(app.url, { token: one.text, at: '/guarded' }),
      await connect(app.url, { token: other.text, at: '/guarded' }),
    ];
    expect((await revoked.ask('me')).data).toBe('api-key Bearer alice');
    await service.revoke(one.id);
    timer.ring();
    await revoked.end;
    expect((await kept.ask('me')).data).toBe('api-key Bearer bob');
    kept.close();
  });
});

describe('API keys over microservices', () => {
  it('make a caller of each message, and are not limited where the network is not known', async () => {
    @UseGuards(AuthGuard)
    @Controller()
    class MessagesController {
      @MessagePattern(`${prefix}.own-key`)
      me(@CurrentUser() user: AuthUser): object {
        return { name: say(user) };
      }
    }
    const link = await tcp.link();
    const [platform] = platforms;
    if (platform === undefined) throw new Error('There is no platform');
    const tokenOf = (context: { switchToRpc(): { getData(): unknown } }): string | undefined =>
      (context.switchToRpc().getData() as { token?: string }).token;
    const { app, service } = await start(
      platform,
      { transports: [microservices({ tokenOf })] },
      {
        controllers: [MessagesController],
        prepare: (nest) => void nest.connectMicroservice(link.options, { inheritAppConfig: true }),
      },
    );
    await app.nest.startAllMicroservices();
    const client = link.connect();
    const { text } = await service.create({ userId: 'alice' });
    expect(await client.ask('own-key', { token: text })).toEqual({ name: 'api-key Bearer alice' });
    for (let at = 0; at < 35; at += 1) {
      await expect(client.ask('own-key', { token: 'acme_wrong' })).rejects.toMatchObject(refusedKey);
    }
    await client.close();
  });
});
