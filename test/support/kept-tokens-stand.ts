/** Kept tokens over a store and a provider that the test watches, stops and lets answer. */
import { RefusalError } from '../../src/errors/auth-error.js';
import { EncryptionKeys } from '../../src/issuing/encryption-keys.js';
import { KeptTokens } from '../../src/login/kept-tokens.js';
import { MemoryProviderTokenStore } from '../../src/login/memory-provider-token-store.js';
import { ProviderClient, type ProviderTokens } from '../../src/login/provider-client.js';
import { ManualClock } from './manual-clock.js';
import { ManualTimer } from './manual-timer.js';
import { settle } from './shared-signing-keys.js';

const startMs = new ManualClock().now().getTime();
export const tokens = (parts: Partial<ProviderTokens> = {}): ProviderTokens => ({
  accessToken: 'access-1',
  refreshToken: 'refresh-1',
  expiresAt: new Date(startMs + 3_600_000),
  scopes: ['email', 'calendar'],
  ...parts,
});

/** A provider that replaces each refresh token, and accepts it once. Its answers wait until the test lets them through. */
export class RotatingProvider extends ProviderClient {
  override readonly id: string = 'corp';
  override readonly responseMode = 'query';
  current = 1;
  readonly asked: string[] = [];
  fault: Error | null = null;
  /** Resolves with what is to be waited for; `null`: it answers at once. */
  gate: Promise<void> | null = null;

  override async refresh(refreshToken: string): Promise<ProviderTokens> {
    this.asked.push(refreshToken);
    await this.gate;
    if (this.fault !== null) throw this.fault;
    if (refreshToken !== `refresh-${this.current}`) throw RefusalError.of('LOGIN_REFUSED', 'invalid_grant');
    this.current += 1;
    const expiresAt = new Date(startMs + this.current * 3_600_000);
    return tokens({ accessToken: `access-${this.current}`, refreshToken: `refresh-${this.current}`, expiresAt });
  }

  override authorizationUrl = unused;
  override checkIssuer = unused;
  override exchange = unused;
  override verifyLogout = unused;
}

function unused(): never {
  throw new Error('Nobody signs in here');
}

/** A promise, and what resolves it. */
export function createGate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** A store that answers later, as a database does, and that counts and fails as the test says. */
class WatchedStore extends MemoryProviderTokenStore {
  calls: string[] = [];
  failing: readonly string[] = [];

  override find = this.watched('find', super.find);
  override save = this.watched('save', super.save);
  override claim = this.watched('claim', super.claim);
  override replace = this.watched('replace', super.replace);
  override release = this.watched('release', super.release);
  override discard = this.watched('discard', super.discard);

  private watched<Given extends unknown[], Result>(name: string, call: (...given: Given) => Promise<Result>) {
    return async (...given: Given): Promise<Result> => {
      this.calls.push(name);
      await new Promise((resolve) => setImmediate(resolve));
      if (this.failing.includes(name)) throw new Error('connect ECONNREFUSED db:secret@10.0.0.1');
      return await call.apply(this, given);
    };
  }
}

export function openKeptTokens({ store = new WatchedStore(), encryptionKeys = EncryptionKeys.random() } = {}) {
  const clock = new ManualClock();
  const provider = new RotatingProvider();
  const timers: ManualTimer[] = [];
  /** An instance of the app. */
  const start = (keys = encryptionKeys) => {
    const kept = new KeptTokens({
      findStore: () => store,
      findEncryptionKeys: () => keys,
      clock,
      createTimer: () => {
        const timer = new ManualTimer();
        timers.push(timer);
        return timer;
      },
    });
    return { kept, get: (userId = 'anna', client: ProviderClient = provider) => kept.accessTokenOf(userId, client) };
  };
  /** Ends the pauses of all instances. @returns how long they were, in milliseconds */
  const ring = async (): Promise<readonly number[]> => {
    await settle();
    const waiting = timers.splice(0);
    const delays = waiting.map(({ delayMs }) => delayMs ?? -1);
    for (const timer of waiting) timer.ring();
    await settle();
    return delays;
  };
  return { store, clock, provider, encryptionKeys, start, ring, ...start() };
}
