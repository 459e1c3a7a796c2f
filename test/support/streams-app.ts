/** An app whose handlers return before their responses have ended. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { Controller, Get, type MessageEvent, Res, Sse, StreamableFile, type Type, UseGuards } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  type AuthenticationScheme,
  AuthGuard,
  AuthModule,
  type IdentityProvider,
  oidc,
  OptionalAuth,
  Public,
} from 'nest-gatehouse';
import { RequireScopes, ResponseMayOutliveToken, RevocationService, VerifyOnline } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { Observable } from 'rxjs';
import {
  type Platform,
  platforms,
  type RunningApp,
  startAppWithTimer,
  startIssuer,
  watchedConnectionsOf,
} from './app.js';
import { ManualClock } from './manual-clock.js';
import { ManualTimer } from './manual-timer.js';
import {
  type OpenResponse,
  openResponse,
  openResponseOverHttp2,
  sendRequest,
  sendRequestOverHttp2,
} from './open-response.js';
import { sentences } from './verdicts.js';

type Raw = ServerResponse & { readonly raw?: ServerResponse };

/** How many producers of the app are running. */
let running = 0;
/** Lets the slow handlers answer. */
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
    await setImmediate();
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

  /** More than a client takes that does not read. */
  @Get('flood')
  flood(@Res() response: Raw): void {
    const raw = nodeResponse(response);
    running += 1;
    raw.once('close', () => {
      running -= 1;
    });
    raw.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (let at = 0; at < 200; at += 1) raw.write(`: ${'x'.repeat(100_000)}\n`);
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

  @Get('late')
  late(): Promise<StreamableFile> {
    return new Promise((resolve) => {
      answer = () => {
        resolve(new StreamableFile(endlessBody()));
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

/** For apps whose issuer can be asked. */
@Controller()
export class OnlineController {
  @VerifyOnline()
  @Sse('online')
  online(): Observable<MessageEvent> {
    return ticks();
  }
}

/** Each platform, and HTTP/2 where Nest has it. */
export const streamPlatforms: readonly StreamPlatform[] = [
  ...platforms.map((platform) => ({ ...platform, open: openResponse, send: sendRequest })),
  {
    name: 'Fastify over HTTP/2',
    createAdapter: () => new FastifyAdapter({ http2: true } as object),
    open: openResponseOverHttp2,
    send: sendRequestOverHttp2,
  },
];

interface StreamPlatform extends Platform {
  readonly open: typeof openResponse;
  readonly send: typeof sendRequest;
}

interface StreamsParts {
  /** @defaultValue the issuer by its discovery */
  readonly describeIssuer?: (issuer: TestIssuer, clock: ManualClock) => IdentityProvider;
  readonly schemes?: readonly AuthenticationScheme[];
  readonly controllers?: readonly Type[];
}

const byDiscovery = ({ url }: TestIssuer): IdentityProvider => oidc({ issuer: url, audience: 'api' });

/** The app, its issuer and their clock. */
export class StreamsStand {
  private constructor(
    readonly issuer: TestIssuer,
    readonly clock: ManualClock,
    readonly timer: ManualTimer,
    readonly app: RunningApp,
    private readonly open_: typeof openResponse,
  ) {}

  static async start(
    platform: StreamPlatform,
    { describeIssuer = byDiscovery, schemes = [], controllers = [] }: StreamsParts = {},
  ): Promise<StreamsStand> {
    const [clock, timer] = [new ManualClock(), new ManualTimer()];
    running = 0;
    const issuer = await startIssuer({ clock });
    const issuers = describeIssuer(issuer, clock);
    const imports = [AuthModule.forRoot({ issuers, schemes, clock, revocation: true })];
    const app = await startAppWithTimer(
      platform,
      { imports, controllers: [StreamsController, ExportsController, ...controllers] },
      timer,
    );
    return new StreamsStand(issuer, clock, timer, app, platform.open);
  }

  get running(): number {
    return running;
  }

  get watched(): number {
    return watchedConnectionsOf(this.app);
  }

  /** Lets the slow handlers answer. */
  answer(): void {
    answer();
  }

  /** A token for five minutes. */
  tokenOf(sub: string, claims: object = {}): Promise<string> {
    return this.issuer.token({ aud: 'api', sub, scope: 'read', ...claims }, { expiresIn: '5m' });
  }

  /** @param token one of alice if it is left out, none for `null` */
  async open(path: string, token?: string | null): Promise<OpenResponse> {
    const sent = token === undefined ? await this.tokenOf('alice') : (token ?? undefined);
    return this.open_(`${this.app.url}/${path}`, sent);
  }

  /** Lets the time pass and the responses be checked, and then whatever follows from it. */
  async pass(seconds: number): Promise<void> {
    this.clock.advanceSeconds(seconds);
    this.timer.ring();
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  }

  async revoke(userId: string): Promise<void> {
    await this.app.nest.get(RevocationService).revokeUser({ issuer: this.issuer.url, userId });
    await this.pass(0);
  }

  async untilNothingRuns(): Promise<void> {
    while (this.running > 0 || this.watched > 0) await setImmediate();
  }
}

/** The last event of an event stream. */
export function lastEvent(reason: 'expired' | 'revoked'): string {
  const body = { statusCode: 401, error: 'Unauthorized', message: sentences[reason], code: 'INVALID_TOKEN', reason };
  return `\nevent: error\ndata: ${JSON.stringify(body)}\n\n`;
}
