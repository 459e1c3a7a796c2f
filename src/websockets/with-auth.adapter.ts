import {
  type ExecutionContext,
  HttpException,
  type INestApplicationContext,
  Logger,
  type WebSocketAdapter,
} from '@nestjs/common';

import { type HeaderLines, toHeaderlessBody } from '../challenge/error-answers.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { HandshakeRefusal, HandshakeContext, type Handshake, type Gateway } from './handshake.js';
import { findGatewayGuards, type GatewayGuard, type Place } from './handshake-guards.service.js';
import { keepUpgrade } from './socket-client.js';
import { protectServer, type Rejection } from './protect-server.js';

/** The class of an adapter that is made with the app: `IoAdapter`, `WsAdapter`, or one that extends them. */
export type AdapterClass = new (app: INestApplicationContext, ...rest: never[]) => WebSocketAdapter;

/** What adapters have in common, as far as it is of interest here. */
interface Adapter {
  create(port: number, options?: Partial<Place>): unknown;
  bindClientConnect(server: unknown, callback: (...connected: unknown[]) => unknown): unknown;
}

/**
 * An adapter that connects anonymousCaller to a guarded gateway who brings no valid token. With ws the upgrade is answered as
 * an HTTP request would be, 401 with the challenge; with socket.io the client gets a `connect_error` whose `data` has
 * the code and the reason.
 *
 * ```ts
 * app.useWebSocketAdapter(new (withAuth(IoAdapter))(app));
 * ```
 *
 * A gateway is guarded by what stands on its class, or on its `handleConnection`: `@UseGuards(AuthGuard)` and
 * `@Require…` ask for a user, `@OptionalAuth()` lets guests in, `@Public()` everybody; and without any of these by
 * `guardEverything`. Of gateways that share a place, each has to let the client in.
 */
export function withAuth<Base extends AdapterClass>(base: Base): Base {
  const Parent = base as unknown as new (...parts: unknown[]) => Adapter;

  class AuthenticatingAdapter extends Parent {
    // Out of reach of whatever the adapter that it extends calls its own.
    readonly #app: INestApplicationContext;
    readonly #handshakes = new WeakMap<object, Handshake>();
    readonly #protectedServers = new WeakSet();

    constructor(...parts: unknown[]) {
      super(...parts);
      this.#app = readApp(parts[0]);
    }

    override create(port: number, options?: Partial<Place>): unknown {
      const server = super.create(port, options);
      const { path, namespace } = options ?? {};
      // Gateways of one namespace have it made for each of them, and get the same one.
      if (typeof server === 'object' && server !== null && !this.#protectedServers.has(server)) {
        this.#protectedServers.add(server);
        const guards = once(() => findGatewayGuards(this.#app, { port, path, namespace }));
        protectServer(server, (handshake) => judge(handshake, guards()), this.#handshakes);
      }
      return server;
    }

    override bindClientConnect(server: unknown, callback: (...connected: unknown[]) => unknown): unknown {
      return super.bindClientConnect(server, (...connected) => {
        const [client, request] = connected as [client: object, request: object | undefined];
        if (request !== undefined) keepUpgrade(client, request);
        this.#handshakes.get(request ?? client)?.adopt(client);
        return callback(...connected);
      });
    }
  }

  return AuthenticatingAdapter as unknown as Base;
}

function readApp(app: unknown): INestApplicationContext {
  if (typeof app === 'object' && app !== null && 'get' in app && 'container' in app)
    return app as unknown as INestApplicationContext;
  throw new ConfigurationError(
    'withAuth(adapter)',
    'the adapter was made without the app, whose guard it is to ask',
    'Write app.useWebSocketAdapter(new (withAuth(IoAdapter))(app))',
  );
}

/** The gateways are all known when the first client comes, and not before. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

async function judge(handshake: Handshake, guards: readonly GatewayGuard[]): Promise<Rejection | null> {
  try {
    for (const { gateway, guard } of guards) {
      const isLetIn = await guard.canActivate(toContext(gateway, handshake));
      if (isLetIn !== true) return forbidden;
    }
    return null;
  } catch (error) {
    return toRejection(error);
  }
}

/** Nest's own type says more of it than guards of ours ask. */
function toContext(gateway: Gateway, handshake: Handshake): ExecutionContext {
  return new HandshakeContext(gateway, handshake) as unknown as ExecutionContext;
}

const forbidden: Rejection = toPlainRejection(403, 'Forbidden resource', 'Forbidden');

function toRejection(error: unknown): Rejection {
  if (error instanceof HandshakeRefusal) {
    const { status, headers } = error.answer;
    return { status, headers: joinLines(headers), message: error.message, body: toHeaderlessBody(error.cause) };
  }
  if (error instanceof HttpException) {
    const response = error.getResponse();
    const body = typeof response === 'string' ? { statusCode: error.getStatus(), message: response } : response;
    return { status: error.getStatus(), headers: {}, message: error.message, body };
  }
  new Logger('WsExceptionsHandler').error(error);
  return toPlainRejection(500, 'Internal server error', 'Internal Server Error');
}

/** The lines of one name as one line (RFC 9110 §5.3). */
function joinLines(lines: HeaderLines): Readonly<Record<string, string>> {
  const joined: Record<string, string> = {};
  for (const [name, value] of lines) joined[name] = name in joined ? `${String(joined[name])}, ${value}` : value;
  return joined;
}

function toPlainRejection(statusCode: number, message: string, error: string): Rejection {
  return { status: statusCode, headers: {}, message, body: { statusCode, error, message } };
}
