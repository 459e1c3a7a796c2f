/** Responses that go on after their handler has returned end with their token, as sockets do. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Controller, Get, type MessageEvent, Res, Sse, StreamableFile, UseGuards } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthGuard, AuthModule, oidc, OptionalAuth, Public, ResponseMayOutliveToken } from 'nest-gatehouse';
import { RequireScopes, RevocationService } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startAppWithTimer, startIssuer, watchedConnectionsOf } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { ManualTimer } from '../support/manual-timer.js';
import { type OpenResponse, openResponse, openResponseOverHttp2 } from '../support/open-response.js';
import { sentences } from '../support/verdicts.js';

type Raw = ServerResponse & { readonly raw?: ServerResponse };

/** How many producers of the app are running. */
let running = 0;
/** Lets the slow handler answer. */
let answer: () => void = () => undefined;

function ticks(): Observable<MessageEvent> {
  return new Observable((subscriber) => {
    running += 1;
    subscriber.next({ data: 'tick' });
    return () => {
      running -= 1;
    };
  });
}

/** A body of which the first part has come. */
function endlessBody(): Readable {
  running += 1;
  const body = new Readable({ read: () => undefined });
  body.push('part 1\n');
  return body.once('close', () => {
    running -= 1;
  });
}

/** Writes until the response is closed, whatever `write` says of it. */
async function writeAlways(response: ServerResponse, headers: Readonly<Record<string, string>>): Promise<void> {
  let isOpen = true;
  response.once('close', () => {
    isOpen = false;
  });
  response.writeHead(200, headers);
  while (isOpen) {
    response.write('data: tick\n\n');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const nodeResponse = (response: Raw): ServerResponse => response.raw ?? response;

@UseGuards(AuthGuard)
@Controller()
class StreamsController {
  @Sse('events')
  events(): Observable<MessageEvent> {
    return ticks();
  }

  @Get('file')
  file(): StreamableFile {
    return new StreamableFile(endlessBody());
  }

  @Get('raw')
  raw(@Res() response: Raw): void {
    void writeAlways(nodeResponse(response), { 'content-type': 'text/event-stream; charset=utf-8' });
  }

  @Get('compressed')
  compressed(@Res() response: Raw): void {
    void writeAlways(nodeResponse(response), { 'Content-Type': 'text/event-stream', 'Content-Encoding': 'gzip' });
  }

  @Get('half')
  half(@Res() response: Raw): void {
    const raw = nodeResponse(response);
    raw.setHeader('Content-Type', 'text/event-stream');
    raw.write('data: tick\n\ndata: ti');
  }

  @Get('short')
  short(): string {
    return 'short';
  }

  @Get('slow')
  slow(): Promise<string> {
    return new Promise((resolve) => {
      answer = () => {
        resolve('slow');
      };
    });
  }

  @OptionalAuth()
  @Sse('optional')
  optional(): Observable<MessageEvent> {
    return ticks();
  }

  @RequireScopes('read')
  @Sse('scoped')
  scoped(): Observable<MessageEvent> {
    return ticks();
  }

  @Public()
  @Sse('public')
  public(): Observable<MessageEvent> {
    return ticks();
  }

  @ResponseMayOutliveToken()
  @Sse('outliving')
  outliving(): Observable<MessageEvent> {
    return ticks();
  }
}

@ResponseMayOutliveToken()
@UseGuards(AuthGuard)
@Controller('exports')
class ExportsController {
  @Get('file')
  file(): StreamableFile {
    return new StreamableFile(endlessBody());
  }
}

const http2 = {
  name: 'Fastify over HTTP/2',
  createAdapter: () => new FastifyAdapter({ http2: true } as object),
  open: openResponseOverHttp2,
};

describe.each([...platforms.map((platform) => ({ ...platform, open: openResponse })), http2])(
  'an open response of $name',
  (platform) => {
    let clock: ManualClock;
    let timer: ManualTimer;
    let issuer: TestIssuer;
    let app: RunningApp;

    beforeEach(async () => {
      clock = new ManualClock();
      timer = new ManualTimer();
      running = 0;
      issuer = await startIssuer({ clock });
      const module = AuthModule.forRoot({
        issuers: oidc({ issuer: issuer.url, audience: 'api' }),
        clock,
        revocation: true,
      });
      const controllers = [StreamsController, ExportsController];
      app = await startAppWithTimer(platform, { imports: [module], controllers }, timer);
    });

    const tokenOf = (sub: string): Promise<string> =>
      issuer.token({ aud: 'api', sub, scope: 'read' }, { expiresIn: '5m' });

    const open = async (path: string, token?: string): Promise<OpenResponse> =>
      platform.open(`${app.url}/${path}`, token ?? (await tokenOf('alice')));

    /** Lets the time pass, and the responses be checked. */
    async function pass(seconds: number): Promise<void> {
      clock.advanceSeconds(seconds);
      timer.ring();
      for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }

    async function untilNothingRuns(): Promise<void> {
      while (running > 0 || watchedConnectionsOf(app) > 0) await new Promise((resolve) => setImmediate(resolve));
    }

    const bodyOf = (reason: 'expired' | 'revoked'): object => ({
      statusCode: 401,
      error: 'Unauthorized',
      message: sentences[reason],
      code: 'INVALID_TOKEN',
      reason,
    });
    const lastEvent = (reason: 'expired' | 'revoked'): string =>
      `\nevent: error\ndata: ${JSON.stringify(bodyOf(reason))}\n\n`;

    it.each(['events', 'scoped', 'optional'])('of server-sent events ends with the reason: %s', async (path) => {
      const response = await open(path);
      await response.untilContains('tick');
      await pass(304);
      expect(watchedConnectionsOf(app)).toBe(1);
      await pass(2);
      expect(await response.end).toBe('complete');
      expect(response.text().endsWith(`data: tick\n\n${lastEvent('expired')}`)).toBe(true);
      await untilNothingRuns();
      response.leave();
    });
  },
);
void [once, RevocationService];
