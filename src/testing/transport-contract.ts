import assert from 'node:assert/strict';

import type { CallContext } from '../access/guard-context.js';
import { type Authentication, AuthenticationScheme } from '../authentication/authentication-scheme.js';
import { RequestAuthenticator } from '../authentication/request-authenticator.js';
import { ErrorAnswers } from '../challenge/error-answers.js';
import { NodeTimer, SystemClock } from '../clock/clock.js';
import { type AuthError, AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import type { Credential } from '../request/find-credential.js';
import type { RequestView } from '../request/request-view.js';
import { fromHeader } from '../request/token-sources.js';
import { findUser } from '../transports/call-user.js';
import { ConnectionWatch } from '../transports/connection-watch.js';
import type { Transport, TransportContext, TransportPlugin } from '../transports/transport.js';
import { anonymousCaller } from '../transports/transport.js';
import { createAuthUser } from '../user/verified-user.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A transport that `describeTransportPlugin` tests. */
export interface TransportUnderTest {
  readonly plugin: TransportPlugin;
  /**
   * The arguments of a new call, as the framework hands them to guards and to the handler. The headers (names in lower case)
   * are where the transport reads them: in the upgrade request, in the metadata of a message.
   */
  readonly createArguments: (headers: Readonly<Record<string, string>>) => readonly unknown[];
  /** Called when a test is over. */
  close?(): unknown;
}

/**
 * Tests a `TransportPlugin` against its contract: how its calls are seen, where their users are kept, and how errors leave it.
 *
 * ```ts
 * describeTransportPlugin('bot()', () => ({
 *   plugin: bot(),
 *   createArguments: (headers) => [{ message: 'hello', headers }],
 * }));
 * ```
 *
 * @param open makes what a test needs, for each test.
 * @param runner the functions of the test runner. @defaultValue the globals `describe` and `it`, which Jest has, and Vitest
 * with `globals: true`
 * @throws {TypeError} when there are no such globals.
 */
export function describeTransportPlugin(
  name: string,
  open: () => TransportUnderTest | Promise<TransportUnderTest>,
  runner: TestRunner = globalTestRunner('describeTransportPlugin'),
): void {
  defineTests(`the TransportPlugin ${name}`, async () => new OpenedTransport(await open()), tests, runner);
}

const alice = createAuthUser({
  id: 'alice',
  issuer: 'https://issuer.example',
  provider: 'oidc',
  credential: { kind: 'access-token', id: 'token-1', scheme: 'Bearer' },
});
const bob = createAuthUser({ ...alice, id: 'bob' });

const tests: Readonly<Record<string, (opened: OpenedTransport) => unknown>> = {
  'opens transports for contexts of different types, its own among them': ({ under: { plugin }, transports }) => {
    const types = transports.map(({ contextType }) => contextType);
    assert.ok(types.includes(plugin.contextType), `it opens ${types.join(', ')}, and is for ${plugin.contextType}`);
    assert.equal(new Set(types).size, types.length, 'two transports serve one type of contexts');
    assert.ok(!types.includes('http') && !types.includes('graphql'), 'http and graphql have their transports');
  },
  'starts before an HTTP server is there': ({ transports }) => {
    for (const transport of transports) transport.start();
  },
  'shows the headers of a call, by names in lower case': ({ transport, call }) => {
    const view = transport.view(call({ authorization: 'Bearer abc', 'x-api-key': 'key_1' }));
    assert.deepEqual(view.headers('authorization'), ['Bearer abc']);
    assert.deepEqual(view.headers('x-api-key'), ['key_1']);
    assert.deepEqual(view.headers('x-other'), []);
    assert.deepEqual(transport.view(call({})).headers('authorization'), []);
  },
  'shows one request for all guards of a call, and another one for each call': ({ transport, call }) => {
    const first = call({ authorization: 'Bearer abc' });
    const { request } = transport.view(first);
    assert.ok(typeof request === 'object');
    assert.equal(transport.view(first).request, request);
    assert.equal(transport.view(withHandler(first, otherHandler)).request, request);
    assert.notEqual(transport.view(call({ authorization: 'Bearer abc' })).request, request);
  },
  'keeps the user for the decorators of the handler': ({ transport, call }) => {
    const first = call({});
    transport.setUser(first, { user: alice, verified: alice });
    assert.equal(findUser(copyOf(first)), alice);
    const made = { account: 1 };
    transport.setUser(first, { user: made, verified: alice });
    assert.equal(findUser(copyOf(first)), made, 'it keeps what toUser made');
    transport.setUser(first, anonymousCaller);
    assert.equal(findUser(copyOf(first)), null);
  },
  'keeps the users of two calls apart': ({ transport, call }) => {
    const [one, other, unguarded] = [call({}), call({}), call({})];
    transport.setUser(one, { user: alice, verified: alice });
    transport.setUser(other, { user: bob, verified: bob });
    assert.deepEqual(
      [one, other, unguarded].map((context) => findUser(copyOf(context))),
      [alice, bob, null],
    );
  },
  'takes headers for an answer, whether it has a place for them or not': ({ transport, call }) => {
    transport.addHeaders(call({}), [
      ['WWW-Authenticate', 'Bearer'],
      ['WWW-Authenticate', 'Basic realm="test"'],
    ]);
  },
  'makes an exception of every answer, without what is for the log alone': ({ transport, call }) => {
    for (const error of errors) {
      const exception = transport.toException(new ErrorAnswers([]).toAnswer(error, null), error, call({}));
      assert.ok(exception instanceof Error);
      assert.equal(exception.cause, error, 'the AuthError is not its cause');
      assert.ok(
        !`${exception.message} ${JSON.stringify(exception)}`.includes(forTheLog),
        'it tells what is for the log',
      );
    }
  },
  'has a call with two guards authenticated once': async ({ transport, call, authenticated, authenticator }) => {
    const context = call({ 'x-api-key': 'key_1' });
    const user = await authenticator.authenticate(transport.view(context));
    assert.equal(await authenticator.authenticate(transport.view(context)), user);
    assert.deepEqual(authenticated, ['key_1']);
    await assert.rejects(async () => authenticator.authenticate(transport.view(call({}))), { code: 'MISSING_TOKEN' });
  },
};

const forTheLog = 'an explanation for the log';

const errors: readonly AuthError[] = [
  RefusalError.of('MISSING_TOKEN', forTheLog),
  RefusalError.of('INVALID_REQUEST', forTheLog),
  RefusalError.token('expired', forTheLog),
  RefusalError.scopes(['cats:write'], forTheLog),
  RefusalError.of('ACCESS_DENIED', forTheLog),
  new AuthUnavailableError(forTheLog, 5),
];

/** The class and the handlers of the calls. */
class Handlers {
  handler(): string {
    return 'handled';
  }

  other(): string {
    return 'handled by the other one';
  }
}
const handler = Object.getOwnPropertyDescriptor(Handlers.prototype, 'handler')?.value as () => string;
const otherHandler = Object.getOwnPropertyDescriptor(Handlers.prototype, 'other')?.value as () => string;

/** Accepts whatever the header `x-api-key` holds. */
class HeaderScheme extends AuthenticationScheme {
  override readonly name = 'header';

  constructor(private readonly authenticated: string[]) {
    super();
  }

  override find(request: RequestView): Credential | undefined {
    const [text] = request.headers('x-api-key');
    return text === undefined ? undefined : { text, scheme: 'Bearer', source: fromHeader('x-api-key') };
  }

  override authenticate({ text, scheme }: Credential): Authentication {
    this.authenticated.push(text);
    return { user: alice, scheme, credentialId: alice.credential.id, token: null, expiresAtMs: null };
  }

  override challenge(): null {
    return null;
  }
}

/** A plugin that has been opened as an app opens it, with a scheme that accepts the header `x-api-key`. */
class OpenedTransport {
  readonly transports: readonly Transport[];
  readonly transport: Transport;
  readonly authenticated: string[] = [];
  readonly authenticator: RequestAuthenticator;
  private readonly connections: ConnectionWatch;

  constructor(readonly under: TransportUnderTest) {
    const clock = new SystemClock();
    this.authenticator = new RequestAuthenticator({
      schemes: [new HeaderScheme(this.authenticated)],
      sources: [],
      toUser: null,
      clock,
    });
    const report = (): void => {
      // No test reads events.
    };
    this.connections = new ConnectionWatch({
      authenticator: this.authenticator,
      clock,
      timer: new NodeTimer(),
      report,
    });
    const context: TransportContext = { connections: this.connections, findHttpServer: () => undefined, report };
    this.transports = under.plugin.open(context);
    const own = this.transports.find(({ contextType }) => contextType === under.plugin.contextType);
    assert.ok(own !== undefined, `it opens no transport for "${under.plugin.contextType}" contexts`);
    this.transport = own;
  }

  readonly call = (headers: Readonly<Record<string, string>>): CallContext => {
    const args = this.under.createArguments(headers);
    return {
      getType: () => this.under.plugin.contextType,
      getArgs: () => args,
      getClass: () => Handlers,
      getHandler: () => handler,
    };
  };

  async close(): Promise<void> {
    this.connections.onModuleDestroy();
    await this.under.close?.();
  }
}

function withHandler(context: CallContext, other: () => string): CallContext {
  return { ...context, getHandler: () => other };
}

/** Nest hands decorators a context of their own, with the same arguments in another list. */
function copyOf(context: CallContext): CallContext {
  const args = [...context.getArgs()];
  return { ...context, getArgs: () => args };
}
