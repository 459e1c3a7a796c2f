import { askStore } from '../ask-store.js';
import { type Clock, readMilliseconds, type Timer } from '../clock/clock.js';
import { AuthUnavailableError, isRefusal, RefusalError } from '../errors/auth-error.js';
import type { EncryptionKeys } from '../issuing/encryption-keys.js';
import { SingleFlight } from '../upstream/single-flight.js';
import type { ProviderClient, ProviderTokens } from './provider-client.js';
import type { ProviderTokenStore, StoredProviderTokens } from './provider-token-store.js';

export interface KeptTokensParts {
  /** Looked up at the first use, because any module of the app may provide them. */
  readonly findStore: () => ProviderTokenStore;
  readonly findEncryptionKeys: () => EncryptionKeys;
  readonly clock: Clock;
  readonly createTimer: () => Timer;
}

/** A token that expires sooner is replaced, so that the caller has the time to use it. */
const leastValidMs = 30_000;
/** Longer than a call to a provider takes, so that no two instances refresh at once. After a process has died while it refreshed, others wait as long. */
const claimMs = 60_000;
/** How long a caller waits for the instance that refreshes. */
const longestWaitMs = 10_000;
const firstPauseMs = 50;
const longestPauseMs = 500;
/** How often refreshed tokens are stored where the store does not answer: the provider may not accept the earlier ones any more. */
const mostSaves = 4;
/** How often a refresh begins again, each time because the entry was replaced meanwhile. */
const mostRounds = 5;

/** An entry of the store, and the tokens in it. */
interface OpenedTokens {
  readonly entry: StoredProviderTokens;
  readonly tokens: ProviderTokens;
}

/** Keeps tokens of providers, encrypted, and refreshes them when they are asked for: once for all callers and instances that ask meanwhile. */
export class KeptTokens {
  private readonly refreshes = new SingleFlight<string>();

  constructor(private readonly parts: KeptTokensParts) {}

  /** Keeps the tokens of a user, in the place of earlier ones of the same provider. */
  async save(userId: string, provider: string, tokens: ProviderTokens): Promise<void> {
    const sealed = this.seal(userId, provider, tokens);
    await this.ask((store) => store.save(userId, provider, sealed, this.parts.clock.now()));
  }

  /** Forgets the tokens of a user at a provider, or at all of them. */
  async remove(userId: string, provider: string | null): Promise<void> {
    await this.ask((store) => store.remove(userId, provider));
  }

  /**
   * An access token of a user at a provider that is valid for another 30 seconds. One whose expiry the provider does not state is given as long
   * as it is kept, and one that cannot be refreshed until it expires.
   *
   * @throws {RefusalError} `NOT_FOUND` where none is kept; `LOGIN_REFUSED` where the provider gives no further one, and the person has to sign
   *   in there again
   * @throws {AuthUnavailableError} when the provider or the store does not answer; what is kept stays
   */
  async accessTokenOf(userId: string, client: ProviderClient): Promise<string> {
    const usable = this.findUsable(await this.get(userId, client.id));
    return usable ?? this.refreshes.run(() => this.refresh(userId, client), JSON.stringify([userId, client.id]));
  }

  /** Refreshes, or gives what another instance has refreshed. */
  private async refresh(userId: string, client: ProviderClient): Promise<string> {
    for (let round = 0; round < mostRounds; round += 1) {
      const claimed = await this.claim(userId, client.id);
      if (typeof claimed === 'string') return claimed;
      const token = await this.refreshClaimed(claimed, client);
      if (token !== null) return token;
    }
    throw new AuthUnavailableError('The kept tokens are replaced as fast as they are refreshed', 1);
  }

  /**
   * Claims the refreshing of an entry. While another instance has claimed it, waits for what comes of that.
   *
   * @returns a token that is valid, so that nothing has to be refreshed
   */
  private async claim(userId: string, provider: string): Promise<OpenedTokens | string> {
    let pauseMs = firstPauseMs;
    for (let waitedMs = 0; waitedMs <= longestWaitMs; ) {
      const opened = await this.get(userId, provider);
      const usable = this.findUsable(opened);
      if (usable !== null) return usable;
      if (await this.claimVersion(opened.entry)) return opened;
      await this.pause(pauseMs);
      waitedMs += pauseMs;
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
    throw new AuthUnavailableError('Another instance has been refreshing the kept tokens for too long', 1);
  }

  private claimVersion({ userId, provider, version }: StoredProviderTokens): Promise<boolean> {
    const now = this.parts.clock.now();
    return this.ask((store) => store.claim(userId, provider, version, now, new Date(now.getTime() + claimMs)));
  }

  /** @returns `null` where the entry was replaced or removed meanwhile */
  private async refreshClaimed({ entry, tokens }: OpenedTokens, client: ProviderClient): Promise<string | null> {
    const { refreshToken } = tokens;
    if (refreshToken === null)
      return this.discard(entry, 'It has expired, and the provider has issued no refresh token');
    try {
      const refreshed = await client.refresh(refreshToken);
      return (await this.replace(entry, refreshed)) ? refreshed.accessToken : null;
    } catch (error) {
      if (isRefusal(error)) return this.discard(entry, error.explanation);
      await this.release(entry);
      throw error;
    }
  }

  /** Stores refreshed tokens, and tries so several times. @returns `false` where the entry has another version */
  private async replace(entry: StoredProviderTokens, tokens: ProviderTokens): Promise<boolean> {
    const { userId, provider, version } = entry;
    const sealed = this.seal(userId, provider, tokens);
    for (let pauseMs = firstPauseMs, saves = 1; ; pauseMs *= 2, saves += 1) {
      try {
        return await this.ask((store) => store.replace(userId, provider, version, sealed, this.parts.clock.now()));
      } catch (error) {
        if (saves === mostSaves) throw error;
        await this.pause(pauseMs);
      }
    }
  }

  /**
   * Removes tokens that are of no use any more.
   *
   * @returns `null` where the entry has another version: the person has signed in again meanwhile
   * @throws {RefusalError} `LOGIN_REFUSED` otherwise
   */
  private async discard({ userId, provider, version }: StoredProviderTokens, explanation: string): Promise<null> {
    if (!(await this.ask((store) => store.discard(userId, provider, version)))) return null;
    throw signInAgain(explanation);
  }

  /** Lets others refresh. Where the store does not answer, the claim ends by itself. */
  private async release({ userId, provider, version }: StoredProviderTokens): Promise<void> {
    await this.ask((store) => store.release(userId, provider, version)).catch(() => undefined);
  }

  private findUsable({ tokens: { accessToken, refreshToken, expiresAt } }: OpenedTokens): string | null {
    if (expiresAt === null) return accessToken;
    const leastMs = refreshToken === null ? 0 : leastValidMs;
    return expiresAt.getTime() - readMilliseconds(this.parts.clock) > leastMs ? accessToken : null;
  }

  private async get(userId: string, provider: string): Promise<OpenedTokens> {
    const entry = await this.ask((store) => store.find(userId, provider));
    if (entry === null) throw RefusalError.of('NOT_FOUND', 'No tokens of this provider are kept for the user');
    return { entry, tokens: this.open(entry) };
  }

  private seal(
    userId: string,
    provider: string,
    { accessToken, refreshToken, expiresAt, scopes }: ProviderTokens,
  ): Buffer {
    const text = JSON.stringify({ accessToken, refreshToken, expiresAt, scopes });
    return this.parts.findEncryptionKeys().seal(Buffer.from(text), contextOf(userId, provider));
  }

  /** The entry stays: it may be that an encryption key is missing for a while. */
  private open({ userId, provider, sealed }: StoredProviderTokens): ProviderTokens {
    let text: string;
    try {
      text = this.parts.findEncryptionKeys().open(sealed, contextOf(userId, provider)).toString();
    } catch {
      throw signInAgain('The tokens were encrypted with a key that is not configured any more');
    }
    const { expiresAt, ...tokens } = JSON.parse(text) as Omit<ProviderTokens, 'expiresAt'> & {
      expiresAt: string | null;
    };
    return { ...tokens, expiresAt: expiresAt === null ? null : new Date(expiresAt) };
  }

  private ask<Result>(call: (store: ProviderTokenStore) => Promise<Result>): Promise<Result> {
    return askStore('of the tokens of providers', () => call(this.parts.findStore()));
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.parts.createTimer().set(ms, resolve);
    });
  }
}

function contextOf(userId: string, provider: string): string {
  return JSON.stringify(['provider tokens', userId, provider]);
}

function signInAgain(explanation: string): RefusalError {
  return RefusalError.of('LOGIN_REFUSED', `The person has to sign in at the provider again: ${explanation}`);
}
