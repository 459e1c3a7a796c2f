import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import type { Authenticator } from '../../../src/authentication/authenticator.js';
import { ConnectionWatch } from '../../../src/transports/connection-watch.js';
import { type RequestView, viewHttpRequest } from '../../../src/request/request-view.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { ManualTimer } from '../../support/manual-timer.js';
import { ManualClock } from '../../support/manual-clock.js';

/** A manual timer that knows when it is due. */
class TimerOfClock extends ManualTimer {
  private setAt = 0;

  override set(delayMs: number, onElapsed: () => void): void {
    super.set(delayMs, onElapsed);
    this.setAt = clock.now().getTime();
  }

  dueAt(): number {
    return this.delayMs === null ? Number.POSITIVE_INFINITY : this.setAt + this.delayMs;
  }
}

let clock: ManualClock;
let timer: TimerOfClock;
let events: AuthEvent[];
/** What the next verifications throw; `null` if the token is accepted. */
let refusal: Error | null;
let verifications: number;
/** How often the issuer was asked. */
let confirmations: number;
/** How often connections were looked at. */
let looks: number;
let watch: ConnectionWatch;

beforeEach(() => {
  clock = new ManualClock();
  timer = new TimerOfClock();
  events = [];
  refusal = null;
  verifications = 0;
  confirmations = 0;
  looks = 0;
  const authenticator: Authenticator = {
    authenticate: async () => {
      verifications += 1;
      if (refusal !== null) throw refusal;
      return {} as AuthUser;
    },
    authenticateOnline: async () => {
      confirmations += 1;
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
  /** Ends it as a client does. */
  end(): void;
}

const request: RequestView = viewHttpRequest({});
const expired = RefusalError.token('expired', 'It expired 1 s ago');

function connect(seconds: number, key: object = {}, online = false): Connection {
  const listeners: (() => void)[] = [];
  const connection: Connection = {
    isOpen: true,
    closedFor: null,
    end: () => {
      connection.isOpen = false;
      for (const listener of listeners) listener();
    },
  };
  const expiresAt = new Date(clock.now().getTime() + seconds * 1_000);
  watch.watch(key, {
    request,
    user: { id: 'alice', expiresAt } as AuthUser,
    handler: 'ChatGateway.send',
    online,
    isOpen: () => {
      looks += 1;
      return connection.isOpen;
    },
    onClose: (listener) => listeners.push(listener),
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

describe('a connection that is closed', () => {
  it('is dropped at once, and not verified again', async () => {
    const connection = connect(30);
    expect(watch.size).toBe(1);
    connection.end();
    expect(watch.size).toBe(0);
    await advance(30);
    expect([verifications, timer.delayMs]).toEqual([0, null]);
  });

  it('is not kept by a verification that ends after it', async () => {
    const connection = connect(30);
    refusal = expired;
    clock.advanceSeconds(30);
    timer.ring();
    connection.end();
    await settled();
    expect([watch.size, events, connection.closedFor]).toEqual([0, [], null]);
  });
});

describe('many connections', () => {
  const number = 4_000;

  /** Lets time pass, in which the timer rings as often as it is set, at the time that it was set for. */
  async function pass(milliseconds: number): Promise<void> {
    const end = clock.now().getTime() + milliseconds;
    while (timer.dueAt() <= end) {
      clock.advanceSeconds((timer.dueAt() - clock.now().getTime()) / 1_000);
      timer.ring();
      while (timer.delayMs === null) await settled();
    }
    clock.advanceSeconds((end - clock.now().getTime()) / 1_000);
  }

  it('cost a constant number of steps each, for one minute', async () => {
    for (let opened = 0; opened < number; opened += 1) {
      connect(3_600);
      await pass(3);
    }
    looks = 0;
    await pass(120_000);
    expect(verifications).toBeGreaterThanOrEqual(2 * number);
    expect(verifications).toBeLessThan(2.5 * number);
    expect(looks).toBeLessThan(3 * number);
  });

  it('are verified over several turns of the event loop, and over several seconds', async () => {
    for (let opened = 0; opened < number; opened += 1) connect(3_600);
    clock.advanceSeconds(51);
    timer.ring();
    expect(verifications).toBe(100);
    while (timer.delayMs === null) await settled();
    expect([verifications, timer.delayMs]).toEqual([number / 10, 1_000]);
  });

  it('are all verified after a revocation, over several turns', async () => {
    for (let opened = 0; opened < number; opened += 1) connect(3_600);
    watch.recheckAll();
    timer.ring();
    expect(verifications).toBe(100);
    watch.recheckAll();
    while (timer.delayMs === null) await settled();
    // The second revocation came when a part had been verified, so these are verified again, and each at most twice.
    expect(verifications).toBe(2 * number);
    expect(timer.delayMs).toBe(51_000);
  });
});

describe('a connection whose handler requires that the issuer confirms the token', () => {
  it('is confirmed by the issuer each minute, and closed when the issuer does not', async () => {
    const connection = connect(3_600, {}, true);
    await advance(60);
    expect([verifications, confirmations, connection.isOpen]).toEqual([0, 1, true]);
    refusal = RefusalError.token('revoked', 'The issuer says so');
    await advance(60);
    expect(connection.closedFor).toBe('revoked');
  });

  it('stays so when another handler does not require it', async () => {
    const key = {};
    connect(3_600, key, true);
    connect(3_600, key, false);
    await advance(60);
    expect([verifications, confirmations]).toEqual([0, 1]);
  });

  it('is verified without the issuer when something was revoked here', async () => {
    connect(3_600, {}, true);
    watch.recheckAll();
    await advance(0);
    expect([verifications, confirmations]).toEqual([1, 0]);
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
