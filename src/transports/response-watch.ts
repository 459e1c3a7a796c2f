import { handlerNameOf, type CallContext } from '../access/guard-context.js';
import { atEndOfTurn } from '../clock/turn.js';
import type { AuthError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { AuthUser } from '../user/auth-user.js';
import { createPrivateSlot } from '../request/private-slot.js';
import { type LinkedItem, LinkedList } from '../upstream/linked-list.js';
import type { ConnectionWatch } from './connection-watch.js';
import { type NodeResponse, nodeResponseOf } from './node-response.js';
import type { Caller } from './transport.js';
import type { ConnectionSource, WatchedConnection } from './watched-connection.js';

export interface ResponseWatchParts {
  readonly connections: ConnectionWatch;
  /** The request of a call, as the transport of the watch reads it. */
  readonly view: (context: CallContext) => RequestView;
  /** What ends an event stream: one event or several, with the reason. */
  readonly lastEvents: (refusal: AuthError) => string;
}

/** A call that the guard has let through. */
interface AdmittedCall {
  readonly response: NodeResponse;
  readonly context: CallContext;
  readonly caller: Caller;
}

/**
 * Ends HTTP responses whose token has expired or is refused for another reason, and that go on: server-sent events, streamed bodies,
 * subscriptions of GraphQL over either.
 *
 * Most responses have ended when the turn of the event loop ends in which their handler was called, and cost a place in a list until
 * then. The others are in another list until they end; the connection watch gets those that are left when the first of them has to
 * be verified. Its maps would make the garbage collector promote every response: 40 µs of CPU each (docs/internals/decisions/0027).
 */
export class ResponseWatch implements ConnectionSource {
  private admitted: AdmittedCall[] = [];
  private readonly open = new LinkedList<OpenResponse>();
  private readonly known = createPrivateSlot<OpenResponse>();
  size = 0;

  constructor(private readonly parts: ResponseWatchParts) {
    parts.connections.addSource(this);
  }

  /** Notes the response to a call that the guard has let through. `response` is Node's, or the reply of Fastify. */
  note(response: unknown, context: CallContext, caller: Caller): void {
    const raw = nodeResponseOf(response);
    if (raw === undefined) return;
    if (this.admitted.push({ response: raw, context, caller }) === 1) atEndOfTurn(this.keepOpen);
  }

  /** The user of an open response whose token has expired, if the response may go on without it; as of `ConnectionWatch`. */
  findExtended(response: unknown): ReturnType<ConnectionWatch['findExtended']> {
    const raw = nodeResponseOf(response);
    return raw === undefined ? null : this.parts.connections.findExtended(raw);
  }

  handOver(): void {
    for (let next = this.open.first; next !== undefined; next = this.open.first) {
      this.remove(next);
      this.parts.connections.watch(next.response, next, next.dueAt);
    }
  }

  private readonly keepOpen = (): void => {
    const calls = this.admitted;
    this.admitted = [];
    for (const { response, context, caller } of calls) {
      if (caller.verified !== null && isOpen(response)) this.keep(response, context, caller);
    }
  };

  private keep(response: NodeResponse, context: CallContext, { verified, online }: Caller): void {
    if (verified === null) return;
    const call = { context, user: verified, online };
    const known = this.known.find(response);
    // Several fields of one GraphQL operation have one response.
    if (known !== undefined && known.link !== null) known.readmit(call);
    else if (known !== undefined) this.parts.connections.watch(response, new OpenResponse(response, call, this.parts));
    else this.add(new OpenResponse(response, call, this.parts));
  }

  private add(added: OpenResponse): void {
    this.known.set(added.response, added);
    added.link = this.open.add(added);
    added.dueAt = this.parts.connections.expect(added.user);
    this.size += 1;
    added.onClose(() => {
      this.remove(added);
    });
  }

  private remove(removed: OpenResponse): void {
    if (removed.link === null) return;
    this.open.remove(removed.link);
    removed.link = null;
    this.size -= 1;
  }
}

/** The last call of a response that the guard has let through. */
interface CallOfUser {
  readonly context: CallContext;
  readonly user: AuthUser;
  readonly online: boolean | undefined;
}

class OpenResponse implements WatchedConnection {
  /** Its place in the list of its watch; `null` after it has left it. */
  link: LinkedItem<OpenResponse> | null = null;
  dueAt = 0;

  constructor(
    readonly response: NodeResponse,
    private call: CallOfUser,
    private readonly parts: ResponseWatchParts,
  ) {}

  readmit(call: CallOfUser): void {
    this.call = { ...call, online: call.online === true || this.call.online };
  }

  get request(): RequestView {
    return this.parts.view(this.call.context);
  }

  get user(): AuthUser {
    return this.call.user;
  }

  get handler(): string {
    return handlerNameOf(this.call);
  }

  get online(): boolean | undefined {
    return this.call.online;
  }

  isOpen(): boolean {
    return isOpen(this.response);
  }

  /** Before its head is sent, a response is the answer to a request that was accepted in time. */
  hasBegun(): boolean {
    return this.response.headersSent;
  }

  onClose(listener: () => void): void {
    this.response.on('close', listener);
  }

  close(refusal: AuthError): void {
    const { response } = this;
    response.on('error', ignore);
    if (isEventStream(response) && isRead(response)) endStream(response, this.parts.lastEvents(refusal));
    // HTTP/2 resets the stream with INTERNAL_ERROR then; the socket of HTTP/1.1 would report the error to the server.
    else response.destroy(isHttp2(response) ? new Error(refusal.message) : undefined);
  }
}

/**
 * Ends an event stream with its last events. The line break before them ends a line that the handler has begun. HTTP/1.1 keeps the
 * connection otherwise, and Nest's `@Sse()` unsubscribes when the connection is closed.
 */
function endStream(response: NodeResponse, events: string): void {
  response.on('finish', () => {
    if (!isHttp2(response)) response.req?.socket?.destroySoon?.();
  });
  response.end(`\n${events}`);
  // Who writes the response learns of its end by `close`. A write before that would be an uncaught error, and destroy a stream of HTTP/2.
  response.write = dropWrite;
}

/** In place of `write`; as for a client that does not read. */
function dropWrite(...args: readonly unknown[]): false {
  const callback = args.at(-1);
  if (typeof callback === 'function') process.nextTick(callback, new Error('The response has ended, as its token has'));
  return false;
}

/** Formats an event (HTML Living Standard §9.2.6), whose data is JSON and therefore one line. */
export function formatEvent(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}

function isOpen({ writableEnded, destroyed, stream }: NodeResponse): boolean {
  return !writableEnded && destroyed !== true && stream?.destroyed !== true;
}

function isHttp2({ req }: NodeResponse): boolean {
  return req?.httpVersionMajor === 2;
}

/** Whether the client takes what is sent. Otherwise its last event would wait, and who writes the response with it. */
function isRead({ writableNeedDrain, stream }: NodeResponse): boolean {
  return (stream?.writableNeedDrain ?? writableNeedDrain) !== true;
}

/** Compressed streams are none: an event in plain text would be unreadable in them. `none` is what graphql-sse sends. */
function isEventStream(response: NodeResponse): boolean {
  const isEvents = /^text\/event-stream\b/i.test(readHeader(response, 'content-type'));
  return isEvents && /^(identity|none)?$/i.test(readHeader(response, 'content-encoding'));
}

function readHeader(response: NodeResponse, name: string): string {
  const set = response.getHeader(name);
  if (typeof set === 'string') return set;
  const head = typeof response._header === 'string' ? response._header : '';
  return new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(head)?.[1] ?? '';
}

function ignore(): void {
  // An error of a response that was ended has no consequence.
}
