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
/** What the next judgement comes to. */
let verdict: Error | null;
let judged: number;
let watch: ConnectionWatch;

beforeEach(() => {
  clock = new ManualClock();
  timer = new ManualTimer();
  events = [];
  verdict = null;
  judged = 0;
  const authenticator: Authenticator = {
    authenticate: async () => {
      judged += 1;
      if (verdict !== null) throw verdict;
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

async function ringAfter(seconds: number): Promise<void> {
  clock.advanceSeconds(seconds);
  timer.ring();
  await settled();
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a connection whose token ends', () => {
  it('is judged when it ends, and closed when it is refused', async () => {
    const connection = connect(30);
    expect(timer.delayMs).toBe(30_000);
    verdict = expired;
    await ringAfter(30);
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

  it('stays open through the tolerance, and is judged every second of it', async () => {
    const connection = connect(30);
    await ringAfter(30);
    await ringAfter(1);
    expect([judged, timer.delayMs, connection.isOpen]).toEqual([2, 1_000, true]);
    verdict = expired;
    await ringAfter(1);
    expect(connection.closedFor).toBe('expired');
  });

  it('is judged each minute until then, as its key may go before', async () => {
    const connection = connect(3_600);
    expect(timer.delayMs).toBe(60_000);
    await ringAfter(60);
    expect([judged, timer.delayMs, connection.isOpen]).toEqual([1, 60_000, true]);
    verdict = RefusalError.token('key', 'It was withdrawn');
    await ringAfter(60);
    expect(connection.closedFor).toBe('key');
  });

  it('stays open while that cannot be decided, and is judged again', async () => {
    const connection = connect(30);
    verdict = new AuthUnavailableError('the keys cannot be had', 10);
    await ringAfter(30);
    expect([connection.isOpen, events]).toEqual([true, []]);
    verdict = expired;
    await ringAfter(1);
    expect(connection.closedFor).toBe('expired');
  });

  it('is closed a minute after its end, when that cannot be decided all the while', async () => {
    const connection = connect(30);
    verdict = new AuthUnavailableError('the issuer does not answer', 10);
    await ringAfter(30);
    await ringAfter(59);
    expect(connection.isOpen).toBe(true);
    await ringAfter(1);
    expect(connection.closedFor).toBe('expired');
  });

  it('is closed alone', async () => {
    const short = connect(30);
    const long = connect(50);
    verdict = expired;
    await ringAfter(30);
    expect([short.closedFor, long.closedFor]).toEqual(['expired', null]);
    await ringAfter(1);
    expect(timer.delayMs).toBe(19_000);
  });

  it('is what the timer is set to when it ends before all others', () => {
    connect(50);
    connect(10);
    connect(20);
    expect(timer.delayMs).toBe(10_000);
  });
});

describe('a reminder', () => {
  it('has a connection judged that is due, once', async () => {
    const key = {};
    const connection = connect(30, key);
    clock.advanceSeconds(31);
    verdict = expired;
    watch.remind(key);
    watch.remind(key);
    await settled();
    await settled();
    expect([judged, connection.closedFor, events.length]).toEqual([1, 'expired', 1]);
  });

  it('costs nothing before, nor for a connection that anonymousCaller watches', async () => {
    const key = {};
    connect(30, key);
    watch.remind(key);
    watch.remind({});
    await settled();
    expect(judged).toBe(0);
  });
});

describe('a connection that has closed by itself', () => {
  it('is forgotten, and anonymousCaller is told', async () => {
    const connection = connect(30);
    connection.isOpen = false;
    verdict = expired;
    await ringAfter(30);
    expect([judged, events, timer.delayMs]).toEqual([0, [], null]);
  });
});

describe('an app that stops', () => {
  it('rings no more', () => {
    connect(30);
    watch.onModuleDestroy();
    expect(timer.delayMs).toBeNull();
  });
});

it("judges a connection that is due, also where fake timers have been in the place of Node's meanwhile", async () => {
  const key = {};
  const connection = connect(30, key);
  verdict = expired;
  clock.advanceSeconds(30);
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  watch.remind(key);
  vi.useRealTimers();
  await settled();
  expect(connection.closedFor).toBe('expired');
});

describe('connections of which any may have been revoked', () => {
  it('are judged again as soon as what runs now is done, and those that are refused are closed', async () => {
    const [one, other] = [connect(600), connect(600)];
    watch.recheckAll();
    expect(timer.delayMs).toBe(0);
    expect(judged).toBe(0);
    verdict = RefusalError.token('revoked', 'It was revoked');
    await ringAfter(0);
    expect([one.closedFor, other.closedFor]).toEqual(['revoked', 'revoked']);
  });

  it('stay when it cannot be said, and are judged at their usual time', async () => {
    const connection = connect(600);
    watch.recheckAll();
    verdict = new AuthUnavailableError('The store does not answer', 2);
    await ringAfter(0);
    expect(judged).toBe(1);
    expect(connection.isOpen).toBe(true);
    expect(timer.delayMs).toBe(60_000);
  });

  it('set no timer where there are none', () => {
    watch.recheckAll();
    expect(timer.delayMs).toBeNull();
  });
});
