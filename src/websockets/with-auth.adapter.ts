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
import { findGatewayGuards, type GatewayAddress, type GatewayGuard } from './handshake-guards.service.js';
import { protectServer, type Rejection } from './protect-server.js';
import { keepUpgrade } from './socket-client.js';

/** The class of an adapter whose constructor gets the app: `IoAdapter`, `WsAdapter`, or one that extends them. */
export type AdapterClass = new (app: INestApplicationContext, ...rest: never[]) => WebSocketAdapter;

/** The methods of both adapters that are overridden here. */
interface Adapter {
  create(port: number, options?: Partial<GatewayAddress>): unknown;
  bindClientConnect(server: unknown, callback: (...connected: unknown[]) => unknown): unknown;
}

/**
 * Makes an adapter refuse clients of guarded gateways that send no valid token when they connect. With ws the upgrade request is
 * answered like any HTTP request, with 401 and the challenge; with socket.io the client gets a `connect_error` whose `data` has
 * the code and the reason.
 *
 * ```ts
 * app.useWebSocketAdapter(new (withAuth(IoAdapter))(app));
 * ```
 *
 * The decorators on the class of a gateway, or on its `handleConnection`, decide who is connected: `@UseGuards(AuthGuard)` requires
 * a user, `@Require…` one who satisfies the requirement, `@OptionalAuth()` accepts clients without a token too, `@Public()` accepts
 * all. Without any of these, `guardEverything`
 * decides, also for the default namespace of socket.io where no gateway serves it. Policies and `@RequireOrganization({ id })` of the class are asked for the
 * handshake and for each message; at the handshake, `context.getType()` is `ws-handshake`, and there is no message. If several gateways share an address, each of them must accept the client.
 *
 * @throws {ConfigurationError} when the adapter is created without the app, or has servers of neither socket.io nor ws.
 */
export function withAuth<Base extends AdapterClass>(base: Base): Base {
  const Parent = base as unknown as new (...parts: unknown[]) => Adapter;

  class AuthenticatingAdapter extends Parent {
    // Private fields cannot collide with members of the adapter class.
    readonly #app: INestApplicationContext;
    readonly #handshakes = new WeakMap<object, Handshake>();
    readonly #protectedServers = new WeakSet();

    constructor(...parts: unknown[]) {
      super(...parts);
      this.#app = readApp(parts[0]);
    }

    override create(port: number, options?: Partial<GatewayAddress>): unknown {
      const server = super.create(port, options);
      const { path, namespace } = options ?? {};
      // Nest calls `create` for each gateway, and gateways of one namespace get the same server.
      if (typeof server === 'object' && server !== null && !this.#protectedServers.has(server)) {
        this.#protectedServers.add(server);
        const guards = once(() => findGatewayGuards(this.#app, { port, path, namespace }));
        protectServer(server, (handshake) => checkHandshake(handshake, guards), this.#handshakes);
      }
      return server;
    }

    override bindClientConnect(server: unknown, callback: (...connected: unknown[]) => unknown): unknown {
      return super.bindClientConnect(server, (...connected) => {
        const [client, request] = connected as [client: object, request: object | undefined];
        if (request !== undefined) keepUpgrade(client, request);
        this.#handshakes.get(request ?? client)?.complete(client);
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
    'the adapter was created without the app, so it cannot find the guards of the app',
    'Write app.useWebSocketAdapter(new (withAuth(IoAdapter))(app))',
  );
}

/** Calls `make` at the first use: the gateways are all known only when the first client connects. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

async function checkHandshake(
  handshake: Handshake,
  findGuards: () => readonly GatewayGuard[],
): Promise<Rejection | null> {
  try {
    // One context for all guards of a gateway, so that each requirement is checked once.
    const contexts = new Map<Gateway, ExecutionContext>();
    for (const { gateway, guard } of findGuards()) {
      const context = contexts.get(gateway) ?? toContext(gateway, handshake);
      contexts.set(gateway, context);
      const isAccepted = await guard.canActivate(context);
      if (isAccepted !== true) return forbidden;
    }
    return null;
  } catch (error) {
    return toRejection(error);
  }
}

/** `HandshakeContext` has only the methods that guards use, not all of Nest's type. */
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

/** Joins the lines of each header into one, because ws takes one value for a name (RFC 9110 §5.3). */
function joinLines(lines: HeaderLines): Readonly<Record<string, string>> {
  const joined: Record<string, string> = {};
  for (const [name, value] of lines) joined[name] = name in joined ? `${String(joined[name])}, ${value}` : value;
  return joined;
}

function toPlainRejection(statusCode: number, message: string, error: string): Rejection {
  return { status: statusCode, headers: {}, message, body: { statusCode, error, message } };
}
