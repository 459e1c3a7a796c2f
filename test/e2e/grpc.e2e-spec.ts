/** gRPC: the token comes in the metadata, refusals are status codes, and a stream ends with its token. */
import { Controller, UseGuards } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import {
  AuthGuard,
  AuthModule,
  type AuthUser,
  CurrentUser,
  oidc,
  OptionalAuth,
  Public,
  RequireScopes,
} from 'nest-gatehouse';
import { microservices } from 'nest-gatehouse/microservices';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { NEVER, type Observable, of, startWith } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platforms, startAppWithTimer, startIssuer } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { ManualTimer } from '../support/manual-timer.js';
import { ManualClock } from '../support/manual-clock.js';
import { connectGrpc, type GrpcClient, grpcOptions, metadataWith } from '../support/message-transports.js';
import { sentences } from '../support/verdicts.js';

interface Name {
  readonly name: string;
}

@UseGuards(AuthGuard)
@Controller()
class CatsController {
  @GrpcMethod('Cats', 'Me')
  me(@CurrentUser('id') id: string): Name {
    return { name: id };
  }

  @OptionalAuth()
  @GrpcMethod('Cats', 'Maybe')
  maybe(@CurrentUser() user: AuthUser | null): Name {
    return { name: user?.id ?? 'anonymousCaller' };
  }

  @RequireScopes('cats:write')
  @GrpcMethod('Cats', 'Adopt')
  adopt(@CurrentUser('id') id: string): Name {
    return { name: id };
  }

  @Public()
  @GrpcMethod('Cats', 'Open')
  open(@CurrentUser() user: AuthUser | null): Observable<Name> {
    return of({ name: user?.id ?? 'anonymousCaller' });
  }

  @GrpcMethod('Cats', 'Watch')
  watch(@CurrentUser('id') id: string): Observable<Name> {
    return NEVER.pipe(startWith({ name: id }));
  }
}

describe('calls over gRPC', () => {
  let clock: ManualClock;
  let timer: ManualTimer;
  let issuer: TestIssuer;
  let client: GrpcClient;

  const tokenFor = (sub: string, scope = ''): Promise<string> =>
    issuer.token({ aud: 'api', sub, scope }, { expiresIn: '5m' });

  async function start(from: TestIssuer): Promise<GrpcClient> {
    const url = `127.0.0.1:${await freePort()}`;
    const [platform] = platforms;
    if (platform === undefined) throw new Error('There is no platform');
    const parts = {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: from.url, audience: 'api' }),
          transports: [microservices()],
          clock,
        }),
      ],
      controllers: [CatsController],
    };
    const app = await startAppWithTimer(
      platform,
      { ...parts, prepare: (nest) => void nest.connectMicroservice(grpcOptions(url), { inheritAppConfig: true }) },
      timer,
    );
    await app.nest.startAllMicroservices();
    return connectGrpc(url);
  }

  /** The name in the answer, or code and details of the error. */
  function call(method: 'Me' | 'Maybe' | 'Adopt' | 'Open', token?: string, by = client): Promise<unknown> {
    return new Promise((resolve) => {
      by[method]({}, metadataWith(token), (error, answer) => {
        resolve(error === null ? answer : { code: error.code, details: error.details });
      });
    });
  }

  beforeAll(async () => {
    clock = new ManualClock();
    timer = new ManualTimer();
    issuer = await startIssuer({ clock });
    client = await start(issuer);
  });

  afterAll(() => {
    client.close();
  });

  it('have a user or an anonymous caller, as the decorators require', async () => {
    const token = await tokenFor('alice');
    expect(await call('Maybe', token)).toEqual({ name: 'alice' });
    expect(await call('Maybe')).toEqual({ name: 'anonymousCaller' });
    expect(await call('Open', token)).toEqual({ name: 'anonymousCaller' });
    expect(await call('Adopt', await tokenFor('alice', 'cats:write'))).toEqual({ name: 'alice' });
  });

  it('are refused with gRPC status codes', async () => {
    const missing = { code: 16, details: 'An access token is required' };
    expect(await call('Me')).toEqual(missing);
    const token = await tokenFor('alice', 'cats:read');
    expect(await call('Adopt', token)).toEqual({ code: 7, details: 'The access token lacks a required scope' });
    clock.advanceSeconds(306);
    expect(await call('Me', token)).toEqual({ code: 16, details: sentences.expired });
    const quiet = await startIssuer({ clock });
    quiet.fail('503');
    const waiting = await start(quiet);
    expect(await call('Me', await quiet.token({ aud: 'api' }), waiting)).toEqual({
      code: 14,
      details: 'Authentication is not available at the moment',
    });
    waiting.close();
  });

  it('are ended with the token when they stream', async () => {
    const stream = client.Watch({}, metadataWith(await tokenFor('alice')));
    const ended = new Promise((resolve) => stream.on('error', ({ code, details }) => resolve({ code, details })));
    expect(await new Promise((resolve) => stream.on('data', resolve))).toEqual({ name: 'alice' });
    clock.advanceSeconds(305);
    timer.ring();
    expect(await ended).toEqual({ code: 16, details: sentences.expired });
  });
});
