import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import type { Authenticator } from '../../../src/authentication/authenticator.js';
import { ConnectionWatch } from '../../../src/transports/connection-watch.js';
import { type RequestView, viewHttpRequest } from '../../../src/request/request-view.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { ManualTimer } from '../../support/manual-timer.js';
import { ManualClock } from '../../support/manual-clock.js';

let clock: ManualClock;
let timer: ManualTimer;
let events: AuthEvent[];
/** What the next verifications throw; `null` if the token is accepted. */
let refusal: Error | null;
let verifications: number;
let watch: ConnectionWatch;

beforeEach(() => {
  clock = new ManualClock();
  timer = new ManualTimer();
  events = [];
  refusal = null;
  verifications = 0;
  const authenticator: Authenticator = {
    authenticate: async () => {
      verifications += 1;
      if (refusal !== null) throw refusal;
      return {} as AuthUser;
    },
    toAppUser: (_, user) => user,
  };
  watch = new ConnectionWatch({ authenticator, clock, timer, report: (event) => events.push(event) });
});

interface Connection {
  isOpen: boolean;
  closedFor: string | null;
}

const request: RequestView = viewHttpRequest({});
const expired = RefusalError.token('expired', 'It expired 1 s ago');

function connect(seconds: number, key: object = {}): Connection {
  const connection: Connection = { isOpen: true, closedFor: null };
  const expiresAt = new Date(clock.now().getTime() + seconds * 1_000);
  watch.watch(key, {
    request,
    user: { id: 'alice', expiresAt } as AuthUser,
    handler: 'ChatGateway.send',
    isOpen: () => connection.isOpen,
    close: ({ reason }) => {
      connection.isOpen = false;
      connection.closedFor = reason;
    },
  });
  return connection;
}

async function advance(seconds: number): Promise<void> {
  clock.advanceSeconds(seconds);
  timer.ring();
  await settled();
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a connection whose token ends', () => {
  it('is verified when the token expires, and closed when it is refused', async () => {
    const connection = connect(30);
    expect(timer.delayMs).toBe(30_000);
    refusal = expired;
    await advance(30);
    expect(connection.closedFor).toBe('expired');
    expect(events).toEqual([
      {
        type: 'refused',
        code: 'INVALID_TOKEN',
        reason: 'expired',
        explanation: 'It expired 1 s ago',
        handler: 'ChatGateway.send',
        anonymous: false,
      },
    ]);
  });

  it('stays open during the clock tolerance, and is verified every second of it', async () => {
    const connection = connect(30);
    await advance(30);
    await advance(1);
    expect([verifications, timer.delayMs, connection.isOpen]).toEqual([2, 1_000, true]);
    refusal = expired;
    await advance(1);
    expect(connection.closedFor).toBe('expired');
  });

  it('is verified each minute before that, because its key may be withdrawn', async () => {
    const connection = connect(3_600);
    expect(timer.delayMs).toBe(60_000);
    await advance(60);
    expect([verifications, timer.delayMs, connection.isOpen]).toEqual([1, 60_000, true]);
    refusal = RefusalError.token('key', 'It was withdrawn');
    await advance(60);
    expect(connection.closedFor).toBe('key');
  });

  it('stays open while the token cannot be verified, and is verified again', async () => {
    const connection = connect(30);
    refusal = new AuthUnavailableError('the keys cannot be had', 10);
    await advance(30);
    expect([connection.isOpen, events]).toEqual([true, []]);
    refusal = expired;
    await advance(1);
    expect(connection.closedFor).toBe('expired');
  });

  it('is closed a minute after it expired, when it cannot be verified all the while', async () => {
    const connection = connect(30);
    refusal = new AuthUnavailableError('the issuer does not answer', 10);
    await advance(30);
    await advance(59);
    expect(connection.isOpen).toBe(true);
    await advance(1);
    expect(connection.closedFor).toBe('expired');
  });

  it('is closed without the others', async () => {
    const short = connect(30);
    const long = connect(50);
    refusal = expired;
    await advance(30);
    expect([short.closedFor, long.closedFor]).toEqual(['expired', null]);
    await advance(1);
    expect(timer.delayMs).toBe(19_000);
  });

  it('determines the time of the timer if its token expires before all others', () => {
    connect(50);
    connect(10);
    connect(20);
    expect(timer.delayMs).toBe(10_000);
  });
});

describe('recheckIfDue', () => {
  it('verifies a connection that is due, once', async () => {
    const key = {};
    const connection = connect(30, key);
    clock.advanceSeconds(31);
    refusal = expired;
    watch.recheckIfDue(key);
    watch.recheckIfDue(key);
    await settled();
    await settled();
    expect([verifications, connection.closedFor, events.length]).toEqual([1, 'expired', 1]);
  });

  it('does nothing for a connection that is not due, or that is not watched', async () => {
    const key = {};
    connect(30, key);
    watch.recheckIfDue(key);
    watch.recheckIfDue({});
    await settled();
    expect(verifications).toBe(0);
  });
});

describe('a connection that has closed by itself', () => {
  it('is no longer watched, and nothing is reported', async () => {
    const connection = connect(30);
    connection.isOpen = false;
    refusal = expired;
    await advance(30);
    expect([verifications, events, timer.delayMs]).toEqual([0, [], null]);
  });
});

describe('an app that stops', () => {
  it('clears the timer', () => {
    connect(30);
    watch.onModuleDestroy();
    expect(timer.delayMs).toBeNull();
  });
});

it('recheckIfDue verifies a connection although fake timers replaced those of Node when it was called', async () => {
  const key = {};
  const connection = connect(30, key);
  refusal = expired;
  clock.advanceSeconds(30);
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  watch.recheckIfDue(key);
  vi.useRealTimers();
  await settled();
  expect(connection.closedFor).toBe('expired');
});

describe('recheckAll', () => {
  it('verifies all connections as soon as the timer runs, and closes those that are refused', async () => {
    const [one, other] = [connect(600), connect(600)];
    watch.recheckAll();
    expect(timer.delayMs).toBe(0);
    expect(verifications).toBe(0);
    refusal = RefusalError.token('revoked', 'It was revoked');
    await advance(0);
    expect([one.closedFor, other.closedFor]).toEqual(['revoked', 'revoked']);
  });

  it('leaves connections open that cannot be verified, and verifies them again at the usual time', async () => {
    const connection = connect(600);
    watch.recheckAll();
    refusal = new AuthUnavailableError('The store does not answer', 2);
    await advance(0);
    expect(verifications).toBe(1);
    expect(connection.isOpen).toBe(true);
    expect(timer.delayMs).toBe(60_000);
  });

  it('sets no timer without connections', () => {
    watch.recheckAll();
    expect(timer.delayMs).toBeNull();
  });
});
