/** Message handlers with one line, over transports with headers and without, in hybrid apps. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { AuthGuard, AuthModule, type AuthModuleOptions, type AuthUser, CurrentUser, oidc } from 'nest-gatehouse';
import { OptionalAuth, Public, RequireScopes } from 'nest-gatehouse';
import { microservices, type ServiceMessage } from 'nest-gatehouse/microservices';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Platform, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { LogLines } from '../support/log-lines.js';
import {
  type MessageClient,
  type MessageTransportCase,
  messageTransports,
  prefix,
  tcp,
} from '../support/message-transports.js';
import { invalidTokenBody, lackingScopeBody, missingTokenBody } from '../support/socket-transports.js';
import { missingToken, verdictOf } from '../support/verdicts.js';

@Controller()
class CatsController {
  @UseGuards(AuthGuard)
  @Get('me')
  @MessagePattern(`${prefix}.me`)
  me(@CurrentUser() user: AuthUser): object {
    return { who: user.id };
  }

  @OptionalAuth()
  @MessagePattern(`${prefix}.maybe`)
  maybe(@CurrentUser() user: AuthUser | null): object {
    return { who: user?.id ?? 'anonymousCaller' };
  }

  @RequireScopes('cats:write')
  @MessagePattern(`${prefix}.adopt`)
  adopt(@CurrentUser('id') id: string): object {
    return { who: id };
  }
}

const onEvent = (name: string): MethodDecorator => EventPattern(`${prefix}.${name}`) as MethodDecorator;

/** For each event that reached its handler, the user and the name of the handler. */
const heard: string[] = [];

@Controller()
class EventsController {
  @UseGuards(AuthGuard)
  @onEvent('born')
  born(@CurrentUser('id') id: string): void {
    heard.push(`born ${id}`);
  }

  @OptionalAuth()
  @onEvent('seen')
  seen(@CurrentUser() user: AuthUser | null): void {
    heard.push(`seen ${user?.id ?? 'anonymousCaller'}`);
  }

  @RequireScopes('cats:write')
  @onEvent('adopted')
  adopted(@CurrentUser('id') id: string): void {
    heard.push(`adopted ${id}`);
  }
}

@Controller()
class StreetController {
  @Get('plain')
  @MessagePattern(`${prefix}.plain`)
  plain(@CurrentUser() user: AuthUser | null): object {
    return { who: user?.id ?? 'anonymousCaller' };
  }

  @Public()
  @MessagePattern(`${prefix}.open`)
  open(@CurrentUser() user: AuthUser | null): object {
    return { who: user?.id ?? 'anonymousCaller' };
  }
}

/** With the token in the data, for transports that have nothing else. */
const transport = microservices({
  tokenOf: (context) => context.switchToRpc().getData<{ token?: string } | undefined>()?.token,
});

interface Started {
  readonly app: RunningApp;
  readonly client: MessageClient;
}

interface Parts {
  readonly issuer: TestIssuer;
  readonly clock: ManualClock;
  readonly platform?: Platform;
  readonly logger?: LogLines;
  readonly guardEverything?: boolean;
  readonly options?: Partial<AuthModuleOptions>;
}

const [express] = platforms;

async function start(of: MessageTransportCase, parts: Parts): Promise<Started> {
  const { issuer, clock, platform = express, logger, guardEverything = false, options = {} } = parts;
  if (platform === undefined) throw new Error('There is no platform');
  const link = await of.link();
  const app = await startApp(platform, {
    ...(logger !== undefined && { logger }),
    imports: [
      AuthModule.forRoot({
        issuers: oidc({ issuer: issuer.url, audience: 'api' }),
        transports: [transport],
        clock,
        guardEverything,
        ...options,
      }),
    ],
    controllers: [CatsController, EventsController, StreetController],
    prepare: (nest) => {
      nest.connectMicroservice(link.options, { inheritAppConfig: true });
    },
  });
  await app.nest.startAllMicroservices();
  return { app, client: link.connect() };
}

/** What was thrown for a message. */
async function refusalOf(answer: Promise<unknown>): Promise<unknown> {
  return answer.then(
    (reply) => {
      throw new Error(`It was answered: ${JSON.stringify(reply)}`);
    },
    (error: unknown) => error,
  );
}

const refused = (body: object): object => ({ status: 'error', ...body });

describe.each(messageTransports)('messages over $name', (of) => {
  let clock: ManualClock;
  let issuer: TestIssuer;
  let client: MessageClient | undefined;
  const requests: object[] = [];

  const tokenFor = (sub: string, scope = ''): Promise<string> =>
    issuer.token({ aud: 'api', sub, scope }, { expiresIn: '5m' });

  beforeAll(async () => {
    if (of.missing !== undefined) return;
    clock = new ManualClock();
    issuer = await startIssuer({ clock });
    const toUser = (user: AuthUser, request: object): AuthUser => {
      requests.push(request);
      return user;
    };
    ({ client } = await start(of, { issuer, clock, options: { toUser } }));
  });

  afterAll(async () => {
    await client?.close();
  });

  const ask = (name: string, token?: string): Promise<unknown> => {
    if (client === undefined) throw new Error('Nobody is connected');
    return client.ask(name, token === undefined ? {} : { token });
  };

  it('have a user or an anonymous caller, as the decorators require', async ({ skip }) => {
    if (of.missing !== undefined) skip(of.missing);
    const token = await tokenFor('alice');
    expect(await ask('me', token)).toEqual({ who: 'alice' });
    expect((requests.at(-1) as ServiceMessage).context).toBeDefined();
    expect(await ask('maybe', token)).toEqual({ who: 'alice' });
    expect(await ask('maybe')).toEqual({ who: 'anonymousCaller' });
    expect(await ask('maybe', 'no.good.token')).toEqual({ who: 'anonymousCaller' });
    for (const name of ['plain', 'open']) expect(await ask(name, token)).toEqual({ who: 'anonymousCaller' });
  });

  it('are refused without a token, with an expired one, or without the scope', async ({ skip }) => {
    if (of.missing !== undefined) skip(of.missing);
    expect(await refusalOf(ask('me'))).toEqual(refused(missingTokenBody));
    const token = await tokenFor('alice', 'cats:read');
    expect(await refusalOf(ask('adopt', token))).toEqual(refused(lackingScopeBody('cats:write')));
    expect(await ask('adopt', await tokenFor('alice', 'cats:write'))).toEqual({ who: 'alice' });
    // The connection stays, and each message is judged by its own token.
    clock.advanceSeconds(306);
    expect(await refusalOf(ask('me', token))).toEqual(refused(invalidTokenBody('expired')));
    expect(await ask('me', await tokenFor('bob'))).toEqual({ who: 'bob' });
  });

  it('are dropped without an answer, as events, where they would be refused', async ({ skip }) => {
    if (of.missing !== undefined) skip(of.missing);
    heard.length = 0;
    const token = await tokenFor('alice', 'cats:read');
    const tell = async (name: string, text?: string): Promise<void> => {
      await client?.tell(name, text === undefined ? {} : { token: text });
    };
    await tell('born');
    await tell('born', 'no.good.token');
    await tell('adopted', token);
    await tell('born', token);
    await tell('seen', token);
    await tell('seen');
    await tell('adopted', await tokenFor('alice', 'cats:write'));
    // Verdicts of tokens that were seen before come earlier than those of new ones, so the order is not fixed.
    await vi.waitFor(() => {
      expect(heard.toSorted()).toEqual(['adopted alice', 'born alice', 'seen alice', 'seen anonymousCaller']);
    }, 5_000);
    // A connection is served in order, so what was sent before this response has been decided.
    expect(await ask('open')).toEqual({ who: 'anonymousCaller' });
    expect(heard).toHaveLength(4);
  });

  it('are answered with an outage while the keys cannot be fetched', async ({ skip }) => {
    if (of.missing !== undefined) skip(of.missing);
    await issuer.rotateKeys({ keepOld: true });
    issuer.fail('503');
    const token = await issuer.token({ aud: 'api', sub: 'alice' }, { expiresIn: '1h' });
    expect(await refusalOf(ask('me', token))).toMatchObject({ status: 'error', statusCode: 503, code: 'SERVER_ERROR' });
    issuer.recover();
    clock.advanceSeconds(60);
    expect(await ask('me', token)).toEqual({ who: 'alice' });
  });
});

describe.each(platforms)('a hybrid app on $name', (platform) => {
  it('guards both of its sides, with inheritAppConfig', async () => {
    const clock = new ManualClock();
    const issuer = await startIssuer({ clock });
    const { app, client } = await start(tcp, { issuer, clock, platform, guardEverything: true });
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    expect(verdictOf(await app.call('/plain'))).toEqual(missingToken);
    expect(await refusalOf(client.ask('plain'))).toEqual(refused(missingTokenBody));
    expect((await app.call('/me', { token })).json).toEqual({ who: 'alice' });
    expect(await client.ask('me', { token })).toEqual({ who: 'alice' });
    expect(await client.ask('open')).toEqual({ who: 'anonymousCaller' });
    await client.close();
  });

  it('refuses messages when the transport is not registered, and the log names the fix', async () => {
    const clock = new ManualClock();
    const issuer = await startIssuer({ clock });
    const logger = new LogLines();
    const { client } = await start(tcp, { issuer, clock, platform, logger, options: { transports: [] } });
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    for (const name of ['me', 'maybe']) {
      expect(await refusalOf(client.ask(name, { token }))).toEqual(refused({ message: 'Internal server error' }));
    }
    expect(logger.ours('error').map(({ text }) => text)).toEqual([
      expect.stringContaining(
        'transports: [microservices()] to the options of AuthModule; import { microservices } from',
      ),
    ]);
    await client.close();
  });
});
