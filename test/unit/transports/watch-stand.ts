/** A watch of connections whose verifications and time the test controls. */
import { setImmediate } from 'node:timers/promises';
import type { Authenticator } from '../../../src/authentication/authenticator.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { ConnectionWatch } from '../../../src/transports/connection-watch.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import type { ConnectionSource, WatchedConnection } from '../../../src/transports/watched-connection.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ManualTimer } from '../../support/manual-timer.js';

/** A manual timer that knows when it is due. */
class TimerOfClock extends ManualTimer {
  private setAt = 0;

  constructor(private readonly clock: ManualClock) {
    super();
  }

  get dueAt(): number {
    return this.delayMs === null ? Number.POSITIVE_INFINITY : this.setAt + this.delayMs;
  }

  override set(delayMs: number, onElapsed: () => void): void {
    super.set(delayMs, onElapsed);
    this.setAt = this.clock.now().getTime();
  }
}

export interface StandConnection {
  isOpen: boolean;
  closedFor: string | null;
  /** Ends it as a client does. */
  end(): void;
}

export class WatchStand {
  readonly clock = new ManualClock();
  readonly timer = new TimerOfClock(this.clock);
  readonly events: AuthEvent[] = [];
  /** What the next verifications throw; `null` if the token is accepted. */
  refusal: Error | null = null;
  verifications = 0;
  /** How often the issuer was asked. */
  confirmations = 0;
  /** How often connections were looked at. */
  looks = 0;
  readonly watch: ConnectionWatch;
  /** Hand over the connections of the source. */
  private kept: (() => void)[] = [];

  constructor() {
    const verify = async (): Promise<AuthUser> => {
      if (this.refusal !== null) throw this.refusal;
      return {} as AuthUser;
    };
    const authenticator: Authenticator = {
      authenticate: () => {
        this.verifications += 1;
        return verify();
      },
      authenticateOnline: () => {
        this.confirmations += 1;
        return verify();
      },
      toAppUser: (_, user) => user,
    };
    const { clock, timer, events } = this;
    this.watch = new ConnectionWatch({ authenticator, clock, timer, report: (event) => events.push(event) });
    this.watch.addSource(this.sourceOf());
  }

  connect(seconds: number, { key = {}, online = false }: { key?: object; online?: boolean } = {}): StandConnection {
    const [watched, connection] = this.make(seconds, online);
    this.watch.watch(key, watched);
    return connection;
  }

  /** A connection that a source of the watch keeps until it is asked for it. */
  connectToSource(seconds: number): StandConnection {
    const [watched, connection] = this.make(seconds, false);
    const dueAt = this.watch.expect(watched.user);
    this.kept.push(() => {
      this.watch.watch({}, watched, dueAt);
    });
    return connection;
  }

  private make(seconds: number, online: boolean): [WatchedConnection, StandConnection] {
    const listeners: (() => void)[] = [];
    const connection: StandConnection = {
      isOpen: true,
      closedFor: null,
      end: () => {
        connection.isOpen = false;
        for (const listener of listeners) listener();
      },
    };
    const watched: WatchedConnection = {
      request: viewHttpRequest({}),
      user: { id: 'alice', expiresAt: new Date(this.clock.now().getTime() + seconds * 1_000) } as AuthUser,
      handler: 'ChatGateway.send',
      online,
      isOpen: () => {
        this.looks += 1;
        return connection.isOpen;
      },
      onClose: (listener) => listeners.push(listener),
      close: ({ reason }) => {
        connection.isOpen = false;
        connection.closedFor = reason;
      },
    };
    return [watched, connection];
  }

  private sourceOf(): ConnectionSource {
    const kept = (): (() => void)[] => this.kept;
    return {
      get size() {
        return kept().length;
      },
      handOver: () => {
        for (const handOver of this.kept.splice(0)) handOver();
      },
    };
  }

  async advance(seconds: number): Promise<void> {
    this.clock.advanceSeconds(seconds);
    this.timer.ring();
    await this.finish();
  }

  /** Waits until the verifications that have begun are over. */
  async finish(): Promise<void> {
    do await setImmediate();
    while (this.timer.delayMs === null && this.watch.size > 0);
  }

  /** Lets time pass, in which the timer rings as often as it is set, at the time that it was set for. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.clock.now().getTime() + milliseconds;
    while (this.timer.dueAt <= end) await this.advance((this.timer.dueAt - this.clock.now().getTime()) / 1_000);
    this.clock.advanceSeconds((end - this.clock.now().getTime()) / 1_000);
  }
}
