import { createHmac } from 'node:crypto';

import type { Clock } from '../clock/clock.js';
import { isRefusal, RefusalError } from '../errors/auth-error.js';
import type { EncryptionKeys } from '../issuing/encryption-keys.js';
import { askStore } from '../ask-store.js';
import type { AttemptCounter, AttemptStore } from '../issuing/attempt-store.js';
import { BoundedMap } from '../upstream/bounded-map.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How long a network is known from which an account signed in. */
const knownForMs = 30 * dayMs;
/** A network is recorded again when it was last recorded so long ago, so that most sign-ins write nothing. */
const recordedAgainAfterMs = dayMs;
/** How many sign-ins may be under way whose network need not be recorded again. */
const mostRecorded = 1_000;

/** How many attempts of what within which time. */
const limits = {
  'failures of a login and a network': { limit: 10, windowMs: 15 * minuteMs },
  'failures of a passkey and a network': { limit: 100, windowMs: 15 * minuteMs },
  'failures of a network': { limit: 100, windowMs: 15 * minuteMs },
  'failures of a login': { limit: 100, windowMs: hourMs },
  'mails to an address in a minute': { limit: 1, windowMs: minuteMs },
  'mails to an address': { limit: 5, windowMs: hourMs },
  'mails of a network': { limit: 30, windowMs: hourMs },
  'sign-up': { limit: 30, windowMs: hourMs },
  anonymous: { limit: 30, windowMs: hourMs },
  // A page may ask for one each time it is shown, and each is a row for 5 minutes.
  'challenges of passkeys': { limit: 300, windowMs: 5 * minuteMs },
} as const;

/** What an attempt is counted under. */
export interface GuessedLogin {
  /** What failures are counted under, whether or not there is an account: otherwise the count would tell. */
  readonly login: string;
  readonly network: string | null;
  /** The account that it belongs to; `null` where there is none. */
  readonly accountId: string | null;
  /** `false` for what nobody can guess, such as a passkey: strangers must not lock its owner out. @defaultValue true */
  readonly isGuessable?: boolean;
}

export interface GuessingLimitsParts {
  readonly store: AttemptStore;
  readonly encryptionKeys: EncryptionKeys;
  readonly clock: Clock;
}

/**
 * Limits how often passwords and codes can be guessed, how many mails are sent, and how many accounts one network makes. The
 * counts are those of all instances of the app; the store has neither addresses nor networks, but their HMACs with a key that is
 * derived from the encryption key.
 *
 * An attempt is counted before it is judged, and given back when it was none to count: of 100 wrong passwords at once, no more are
 * compared than of 100 one after the other. Every method throws `AuthUnavailableError` when the store does not answer, so that
 * nothing passes uncounted.
 *
 * A network is what `networkOf` gives. Callers whose network is not known count as one.
 */
export class GuessingLimits {
  private readonly store: AttemptStore;
  private readonly clock: Clock;
  private readonly key: Buffer;
  /** Networks that an attempt has found recorded within the last day. `noteSignIn` takes them out. */
  private readonly recorded = new BoundedMap<string, true>(mostRecorded);

  constructor({ store, encryptionKeys, clock }: GuessingLimitsParts) {
    this.store = store;
    this.clock = clock;
    const [key] = encryptionKeys.derive('counts of failures');
    if (key === undefined) throw new TypeError('There is no encryption key');
    this.key = key;
  }

  /**
   * Counts an attempt to guess a password or a code as a failure. Call it before what was given is compared, also for a login that
   * does not exist.
   *
   * A network from which the account signed in lately has a limit of its own: callers of other networks cannot lock the person out there.
   *
   * @param login what the failures are counted under, whether or not there is an account: otherwise the count would tell
   * @param accountId the account that it belongs to; `null` where there is none
   * @param isGuessable whether failures count for the login too, and not for the network alone
   * @throws {RefusalError} `TOO_MANY_ATTEMPTS` when there were too many
   */
  async begin(
    login: string,
    network: string | null,
    accountId: string | null = login,
    isGuessable = true,
  ): Promise<CountedAttempt> {
    const now = this.clock.now();
    const kind = isGuessable ? 'failures of a login and a network' : 'failures of a passkey and a network';
    const own = this.counterOf(kind, login, network);
    const isKnown = await this.isKnownNetwork(accountId, network, now);
    const ofNetwork = this.counterOf('failures of a network', network);
    const ofLogin = [own, this.counterOf('failures of a login', login)];
    const counters = isKnown ? [own] : [ofNetwork, ...(isGuessable ? ofLogin : [])];
    await this.count(counters, now, 'Too many attempts of this login or this network failed');
    const keys = counters.map(({ key }) => key);
    return new CountedAttempt(() => this.ask(() => this.store.giveBack(keys, now)));
  }

  /**
   * Judges what was given for a login. It counts as a failure if it is refused; otherwise, or when it could not be judged, it does not.
   *
   * @throws {RefusalError} `TOO_MANY_ATTEMPTS` before it is judged; and what `judge` throws.
   */
  async judge<Result>(
    { login, network, accountId, isGuessable }: GuessedLogin,
    judge: () => Promise<Result>,
  ): Promise<Result> {
    const attempt = await this.begin(login, network, accountId, isGuessable);
    let result: Result;
    try {
      result = await judge();
    } catch (error) {
      if (!isRefusal(error)) await attempt.giveBack();
      throw error;
    }
    await attempt.giveBack();
    return result;
  }

  /** Remembers that an account signed in from a network, in whatever way. */
  async noteSignIn(accountId: string, network: string | null): Promise<void> {
    const [ofLogin, ofNetwork] = this.networkKeys(accountId, network);
    if (this.recorded.delete(ofLogin + ofNetwork)) return;
    const expiresAt = new Date(this.clock.now().getTime() + knownForMs);
    await this.ask(() => this.store.rememberNetwork(ofLogin, ofNetwork, expiresAt));
  }

  /**
   * Counts a mail. Do not call it for those that tell of a change of the password or the address, which are always sent.
   *
   * @param address the normalized address that it is sent to, with or without an account
   * @returns whether it is sent. If not, the answer is the same, and earlier codes stay valid.
   */
  async takeMail(address: string, network: string | null): Promise<boolean> {
    const counters = [
      this.counterOf('mails to an address in a minute', address),
      this.counterOf('mails to an address', address),
      this.counterOf('mails of a network', network),
    ];
    const now = this.clock.now();
    return (await this.ask(() => this.store.take(counters, now))) === null;
  }

  /**
   * Counts a request that makes an account.
   *
   * @throws {RefusalError} `TOO_MANY_ATTEMPTS` after too many of one network
   */
  async takeNewAccount(route: 'sign-up' | 'anonymous', network: string | null): Promise<void> {
    await this.count(
      [this.counterOf(route, network)],
      this.clock.now(),
      `Too many requests of this network to ${route}`,
    );
  }

  /** Counts the challenge of a sign-in with a passkey. @throws {RefusalError} `TOO_MANY_ATTEMPTS` after too many of one network */
  async takeChallenge(network: string | null): Promise<void> {
    const counter = this.counterOf('challenges of passkeys', network);
    await this.count([counter], this.clock.now(), 'Too many challenges for passkeys were asked for by this network');
  }

  /** Whether an account signed in from a network within the last 30 days. One question to the store where it did in the last day. */
  private async isKnownNetwork(accountId: string | null, network: string | null, now: Date): Promise<boolean> {
    const [ofLogin, ofNetwork] = this.networkKeys(accountId, network);
    const knowsAt = (at: Date): Promise<boolean> => this.ask(() => this.store.knowsNetwork(ofLogin, ofNetwork, at));
    if (await knowsAt(new Date(now.getTime() + knownForMs - recordedAgainAfterMs))) {
      this.recorded.set(ofLogin + ofNetwork, true);
      return true;
    }
    return await knowsAt(now);
  }

  private networkKeys(accountId: string | null, network: string | null): readonly [login: string, network: string] {
    return [this.hash('login', accountId), this.hash('network', network)];
  }

  private async count(counters: readonly AttemptCounter[], now: Date, explanation: string): Promise<void> {
    const roomFrom = await this.ask(() => this.store.take(counters, now));
    if (roomFrom === null) return;
    throw RefusalError.tooMany((roomFrom.getTime() - now.getTime()) / 1_000, explanation);
  }

  private counterOf(kind: keyof typeof limits, ...of: readonly (string | null)[]): AttemptCounter {
    return { key: this.hash(kind, ...of), ...limits[kind] };
  }

  private hash(kind: string, ...parts: readonly (string | null)[]): string {
    return createHmac('sha256', this.key)
      .update(JSON.stringify([kind, ...parts]))
      .digest('base64url');
  }

  private ask<Result>(call: () => Promise<Result>): Promise<Result> {
    return askStore('of the counts of failures', call);
  }
}

/** An attempt that counts as a failure until it turns out to be none. */
export class CountedAttempt {
  private isGivenBack = false;

  constructor(private readonly forget: () => Promise<void>) {}

  /** Counts it no longer, since it succeeded or was not judged at all. Called again, it does nothing. */
  async giveBack(): Promise<void> {
    if (this.isGivenBack) return;
    this.isGivenBack = true;
    await this.forget();
  }
}
