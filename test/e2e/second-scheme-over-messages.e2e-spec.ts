/** Two kinds of credentials over microservices: transports with headers and without, and gRPC. */
import { Controller, UseGuards } from '@nestjs/common';
import { GrpcMethod, MessagePattern, type MicroserviceOptions } from '@nestjs/microservices';
import { AcceptCredentials, AuthGuard, type AuthUser, CurrentUser, OptionalAuth, RequireScopes } from 'nest-gatehouse';
import { VerifyOnline } from 'nest-gatehouse';
import { microservices } from 'nest-gatehouse/microservices';
import { NEVER, type Observable, startWith } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startAppWithTimer } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { basic } from '../support/key-scheme.js';
import { ManualTimer } from '../support/manual-timer.js';
import { connectGrpc, type GrpcClient, grpcOptions } from '../support/message-transports.js';
import { type MessageClient, messageTransports, metadataWith, prefix } from '../support/message-transports.js';
import { openSecondScheme, type SecondScheme } from '../support/second-scheme.js';
import { invalidTokenBody, lackingScopeBody, missingTokenBody } from '../support/socket-transports.js';
import { sentences } from '../support/verdicts.js';

interface Name {
  readonly name: string;
}

const say = (user: AuthUser | null): Name => ({
  name: user === null ? 'anonymous' : `${user.credential.kind} ${user.id}`,
});

@UseGuards(AuthGuard)
@Controller()
class MessagesController {
  @UseGuards(AuthGuard)
  @MessagePattern(`${prefix}.me`)
  me(@CurrentUser('id') id: string, @CurrentUser('credential.kind') kind: string): Name {
    return { name: `${kind} ${id}` };
  }

  @OptionalAuth()
  @MessagePattern(`${prefix}.maybe`)
  maybe(@CurrentUser() user: AuthUser | null): Name {
    return say(user);
  }

  @RequireScopes('cats:write')
  @MessagePattern(`${prefix}.adopt`)
  adopt(@CurrentUser() user: AuthUser): Name {
    return say(user);
  }

  @AcceptCredentials('access-token')
  @MessagePattern(`${prefix}.people`)
  people(@CurrentUser() user: AuthUser): Name {
    return say(user);
  }

  @VerifyOnline()
  @MessagePattern(`${prefix}.online`)
  online(@CurrentUser() user: AuthUser): Name {
    return say(user);
  }
}

@UseGuards(AuthGuard)
@Controller()
class CallsController {
  @UseGuards(AuthGuard)
  @GrpcMethod('Cats', 'Me')
  me(@CurrentUser('id') id: string, @CurrentUser('credential.kind') kind: string): Name {
    return { name: `${kind} ${id}` };
  }

  @OptionalAuth()
  @GrpcMethod('Cats', 'Maybe')
  maybe(@CurrentUser() user: AuthUser | null): Name {
    return say(user);
  }

  @RequireScopes('cats:write')
  @GrpcMethod('Cats', 'Adopt')
  adopt(@CurrentUser() user: AuthUser): Name {
    return say(user);
  }

  @AcceptCredentials('access-token')
  @GrpcMethod('Cats', 'Open')
  people(@CurrentUser() user: AuthUser): Name {
    return say(user);
  }

  @GrpcMethod('Cats', 'Watch')
  watch(@CurrentUser() user: AuthUser): Observable<Name> {
    return NEVER.pipe(startWith(say(user)));
  }
}

/** With the credential in the data, for transports that have no headers. */
const transport = microservices({
  tokenOf: (context) => context.switchToRpc().getData<{ token?: string } | undefined>()?.token,
});

async function start(
  stand: SecondScheme,
  controller: new () => object,
  options: MicroserviceOptions,
  timer = new ManualTimer(),
): Promise<RunningApp> {
  const [platform] = platforms;
  if (platform === undefined) throw new Error('There is no platform');
  const app = await startAppWithTimer(
    platform,
    {
      imports: [stand.importModule({ transports: [transport] })],
      controllers: [controller],
      prepare: (nest) => void nest.connectMicroservice(options, { inheritAppConfig: true }),
    },
    timer,
  );
  await app.nest.startAllMicroservices();
  return app;
}

const contradiction = 'The request carries its credentials in a malformed or contradictory way';

describe.each(messageTransports)('two kinds of credentials over $name', (of) => {
  let stand: SecondScheme;
  let client: MessageClient;
  let token: string;

  beforeAll(async () => {
    if (of.missing !== undefined) return;
    stand = await openSecondScheme();
    const link = await of.link();
    await start(stand, MessagesController, link.options);
    client = link.connect();
    token = await stand.tokenFor('alice');
  });

  beforeEach(({ skip }) => {
    if (of.missing !== undefined) skip(of.missing);
    stand.keys.authenticated = 0;
  });

  afterAll(async () => {
    if (of.missing === undefined) await client.close();
  });

  type Call = Parameters<MessageClient['ask']>[1];
  const refusalOf = (name: string, call: Call = {}): Promise<unknown> =>
    client.ask(name, call).then(
      (answer) => ({ answer }),
      (error: unknown) => error,
    );

  it('are accepted, once for two guards', async () => {
    for (const name of ['me', 'maybe']) {
      expect(await client.ask(name, { token: 'key_m' })).toEqual({ name: 'api-key machine' });
      expect(await client.ask(name, { token })).toEqual({ name: 'access-token alice' });
    }
    expect(stand.keys.authenticated).toBe(2);
    expect(await client.ask('adopt', { token: 'key_w' })).toEqual({ name: 'api-key writer' });
    expect(await client.ask('people', { token })).toEqual({ name: 'access-token alice' });
  });

  it('are refused', async () => {
    const refused = (body: object): object => ({ status: 'error', ...body });
    expect(await refusalOf('me')).toEqual(refused(missingTokenBody));
    expect(await refusalOf('me', { token: 'key_x' })).toEqual(refused(invalidTokenBody('malformed')));
    expect(await client.ask('maybe', { token: 'key_x' })).toEqual({ name: 'anonymous' });
    expect(await refusalOf('adopt', { token: 'key_m' })).toEqual(refused(lackingScopeBody('cats:write')));
    for (const name of ['people', 'online']) {
      expect(await refusalOf(name, { token: 'key_m' })).toEqual(refused(invalidTokenBody('type')));
    }
  });

  it('are a fault where the scheme cannot decide, or throws anything else', async () => {
    for (const name of ['me', 'maybe']) {
      const down = await refusalOf(name, { token: 'key_down' });
      expect(down).toMatchObject({ status: 'error', statusCode: 503, code: 'SERVER_ERROR', retryAfterSeconds: 7 });
      const broken = await refusalOf(name, { token: 'key_broken' });
      expect(broken).toEqual({ status: 'error', message: 'Internal server error' });
    }
  });

  it('are read from headers, where the transport has them', async ({ skip }) => {
    if (of.missing !== undefined) skip(of.missing);
    if (!of.hasHeaders) skip('it has no headers');
    for (const headers of [{ 'x-api-key': 'key_m' }, { Authorization: basic('machine', 'key_m') }]) {
      expect(await client.ask('me', { headers })).toEqual({ name: 'api-key machine' });
    }
    const two = {
      status: 'error',
      statusCode: 400,
      error: 'Bad Request',
      message: contradiction,
      code: 'INVALID_REQUEST',
    };
    for (const name of ['me', 'maybe']) {
      expect(await refusalOf(name, { token, headers: { 'x-api-key': 'key_m' } })).toEqual(two);
    }
  });
});

describe('two kinds of credentials over gRPC', () => {
  let stand: SecondScheme;
  let timer: ManualTimer;
  let client: GrpcClient;
  let token: string;

  beforeAll(async () => {
    stand = await openSecondScheme();
    timer = new ManualTimer();
    const url = `127.0.0.1:${await freePort()}`;
    await start(stand, CallsController, grpcOptions(url), timer);
    client = connectGrpc(url);
    token = await stand.tokenFor('alice');
  });

  afterAll(() => {
    client.close();
  });

  /** The name in the answer, or code and details of the error. `Open` is the route for tokens alone. */
  function call(method: 'Me' | 'Maybe' | 'Adopt' | 'Open', headers: Record<string, string> = {}): Promise<unknown> {
    return new Promise((resolve) => {
      client[method]({}, metadataWith(undefined, headers), (error, answer) => {
        resolve(error === null ? answer : { code: error.code, details: error.details });
      });
    });
  }

  it('are accepted', async () => {
    for (const method of ['Me', 'Maybe'] as const) {
      for (const headers of [{ 'x-api-key': 'key_m' }, { authorization: basic('machine', 'key_m') }]) {
        expect(await call(method, headers)).toEqual({ name: 'api-key machine' });
      }
      expect(await call(method, { authorization: `Bearer ${token}` })).toEqual({ name: 'access-token alice' });
    }
    expect(await call('Adopt', { 'x-api-key': 'key_w' })).toEqual({ name: 'api-key writer' });
    expect(await call('Open', { authorization: `Bearer ${token}` })).toEqual({ name: 'access-token alice' });
  });

  it('are refused with the codes of gRPC', async () => {
    expect(await call('Me')).toEqual({ code: 16, details: 'An access token is required' });
    expect(await call('Me', { 'x-api-key': 'key_x' })).toEqual({ code: 16, details: sentences.malformed });
    expect(await call('Maybe', { 'x-api-key': 'key_x' })).toEqual({ name: 'anonymous' });
    expect(await call('Open', { 'x-api-key': 'key_m' })).toEqual({ code: 16, details: sentences.type });
    const lacking = { code: 7, details: 'The access token lacks a required scope' };
    expect(await call('Adopt', { 'x-api-key': 'key_m' })).toEqual(lacking);
    const two = { 'x-api-key': 'key_m', authorization: `Bearer ${token}` };
    for (const method of ['Me', 'Maybe'] as const) {
      expect(await call(method, two)).toEqual({ code: 3, details: contradiction });
      const down = { code: 14, details: 'Authentication is not available at the moment' };
      expect(await call(method, { 'x-api-key': 'key_down' })).toEqual(down);
      expect(await call(method, { 'x-api-key': 'key_broken' })).toEqual({ code: 2, details: 'Internal server error' });
    }
  });

  it('keep a stream open as long as the key is good: without an end where it does not expire', async () => {
    const [lasting, ending] = ['key_m', 'key_5m'].map((secret) => {
      const stream = client.Watch({}, metadataWith(undefined, { 'x-api-key': secret }));
      const ended = new Promise((resolve) => stream.on('error', ({ code, details }) => resolve({ code, details })));
      return { stream, ended, started: new Promise((resolve) => stream.on('data', resolve)) };
    });
    expect(await lasting?.started).toEqual({ name: 'api-key machine' });
    expect(await ending?.started).toEqual({ name: 'api-key visitor' });
    stand.clock.advanceSeconds(300);
    timer.ring();
    expect(await ending?.ended).toEqual({ code: 16, details: sentences.expired });
    stand.clock.advanceSeconds(1_000_000);
    timer.ring();
    // An answer shows that whatever the ring has started was done before.
    expect(await call('Me', { 'x-api-key': 'key_m' })).toEqual({ name: 'api-key machine' });
    expect(await Promise.race([lasting?.ended, Promise.resolve('open')])).toBe('open');
    lasting?.stream.cancel();
  });
});
