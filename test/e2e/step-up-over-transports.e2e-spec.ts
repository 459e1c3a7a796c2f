/** A sign-in that is asked for in GraphQL, by messages of sockets, at handshakes, by microservices, and of bound tokens. */
import { Controller, Get } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthModule, type AuthModuleOptions, CurrentUser, oidc, StepUp } from 'nest-gatehouse';
import { microservices } from 'nest-gatehouse/microservices';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { beforeEach, describe, expect, it } from 'vitest';
import { endAfterwards, platforms, startApp, startIssuer } from '../support/app.js';
import { algs } from '../support/dpop-app.js';
import { DpopKey, dpopHeaders } from '../support/dpop-key.js';
import { ask } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { ManualClock } from '../support/manual-clock.js';
import { prefix, tcp } from '../support/message-transports.js';
import { refusalOf, socketTransports } from '../support/socket-transports.js';
import { verdictOf } from '../support/verdicts.js';

const stepUp = StepUp({ acr: ['gold', 'silver'], maxAgeSeconds: 300 });
const challenge = 'Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="300"';
const body = {
  statusCode: 401,
  error: 'Unauthorized',
  message: 'A more recent or a stronger sign-in is required',
  code: 'STEP_UP_REQUIRED',
  acrValues: 'gold silver',
  maxAgeSeconds: 300,
};

let clock: ManualClock;
let issuer: TestIssuer;

beforeEach(async () => {
  clock = new ManualClock();
  issuer = await startIssuer({ clock });
});

const authWith = (options: Partial<AuthModuleOptions> = {}) =>
  AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), clock, ...options });

/** Of a person who has signed in now. The token outlives the sign-in. */
const tokenFor = (claims: object = {}): Promise<string> =>
  issuer.token(
    { sub: 'u1', aud: 'api', acr: 'silver', auth_time: clock.now().getTime() / 1_000, ...claims },
    { expiresIn: '1h' },
  );

@Resolver()
class MoneyResolver {
  @stepUp
  @Query(() => String)
  money(@CurrentUser('id') id: string): string {
    return id;
  }
}

describe.each(graphqlEngines)('a sign-in for a field of GraphQL with $name', ({ platform, importModule }) => {
  it('has to be recent, and the refusal has the challenge', async () => {
    const app = await startApp(platform, { imports: [authWith(), importModule()], providers: [MoneyResolver] });
    const token = await tokenFor();
    expect((await ask(app, '{ money }', { token })).data).toEqual({ money: 'u1' });
    clock.advanceSeconds(306);
    const { errors, http } = await ask(app, '{ money }', { token });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', originalError: body });
    expect(http.headers['www-authenticate']).toBe(challenge);
  });
});

describe.each(socketTransports)('a sign-in over $name', (transport) => {
  const { Adapter, connect, platform, place } = transport;

  it('is judged again for each message', async () => {
    @WebSocketGateway()
    class MoneyGateway {
      @stepUp
      @SubscribeMessage('money')
      money(@CurrentUser('id') id: string): object {
        return { event: 'reply', data: id };
      }
    }

    const app = await startApp(platform, {
      imports: [authWith({ transports: [webSockets()] })],
      providers: [MoneyGateway],
      prepare: (nest) => nest.useWebSocketAdapter(new Adapter(nest)),
    });
    const socket = await connect(app.url, { token: await tokenFor() });
    expect(await socket.ask('money')).toEqual({ event: 'reply', data: 'u1' });
    clock.advanceSeconds(306);
    expect(await socket.ask('money')).toEqual({
      event: 'exception',
      data: { status: 'error', ...body, cause: { pattern: 'money' } },
    });
    socket.close();
  });

  it('is judged at the handshake of a guarded gateway', async () => {
    @stepUp
    @WebSocketGateway(place('guarded'))
    class GuardedGateway {
      @SubscribeMessage('me')
      me(@CurrentUser('id') id: string): object {
        return { event: 'reply', data: id };
      }
    }

    const app = await startApp(platform, {
      imports: [authWith({ transports: [webSockets()] })],
      providers: [GuardedGateway],
      prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest)),
    });
    const refusal = await refusalOf(transport, app.url, { token: await tokenFor({ acr: 'bronze' }), at: 'guarded' });
    expect(refusal).toMatchObject({ body });
    const socket = await connect(app.url, { token: await tokenFor(), at: 'guarded' });
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'u1' });
    socket.close();
  });
});

@Controller()
class MoneyController {
  @stepUp
  @MessagePattern(`${prefix}.money`)
  money(@CurrentUser('id') id: string): object {
    return { id };
  }
}

describe('a sign-in for a message of a microservice', () => {
  it('has to be recent', async () => {
    const transport = microservices({
      tokenOf: (context) => context.switchToRpc().getData<{ token?: string }>().token,
    });
    const link = await tcp.link();
    const [platform] = platforms;
    if (platform === undefined) throw new Error('There is no platform');
    const app = await startApp(platform, {
      imports: [authWith({ transports: [transport] })],
      controllers: [MoneyController],
      prepare: (nest) => void nest.connectMicroservice(link.options),
    });
    await app.nest.startAllMicroservices();
    const client = link.connect();
    endAfterwards(() => client.close());
    const token = await tokenFor();
    expect(await client.ask('money', { token })).toEqual({ id: 'u1' });
    clock.advanceSeconds(306);
    const refused = await client.ask('money', { token }).catch((error: unknown) => error);
    expect(refused).toEqual({ status: 'error', ...body });
  });
});

@Controller('bound')
class BoundController {
  @stepUp
  @Get()
  bound(@CurrentUser('id') id: string): object {
    return { id };
  }
}

describe.each(platforms)('a sign-in for a bound token on $name', (platform) => {
  it('is asked for by the scheme of the token', async () => {
    const app = await startApp(platform, { imports: [authWith({ dpop: 'accept' })], controllers: [BoundController] });
    const key = new DpopKey();
    const callWith = async (claims: object) => {
      const token = await tokenFor({ cnf: { jkt: key.jkt }, ...claims });
      const proof = key.proof({ url: `${app.url}/bound`, token, at: clock.now() });
      return app.call('/bound', { headers: dpopHeaders(token, proof) });
    };
    expect((await callWith({})).json).toEqual({ id: 'u1' });
    expect(verdictOf(await callWith({ acr: 'bronze' }))).toEqual({
      status: 401,
      challenge: `Bearer, ${challenge.replace('Bearer', 'DPoP')}, ${algs}`,
      code: 'STEP_UP_REQUIRED',
    });
  });
});

describe.each(platforms)('the start of an app on $name', (platform) => {
  it('fails where a handler and its class have no acr in common', async () => {
    @StepUp({ acr: 'gold' })
    @Controller('gold')
    class GoldController {
      @StepUp({ acr: ['bronze', 'silver'] })
      @MessagePattern('gold')
      gold(): string {
        return 'gold';
      }
    }

    const started = startApp(platform, { imports: [authWith()], controllers: [GoldController] });
    await expect(started).rejects.toThrow(/^@StepUp\(\{ acr \}\): the decorators of GoldController\.gold/);
  });
});
