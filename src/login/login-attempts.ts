import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import { askStore } from '../ask-store.js';
import { type Clock, readMilliseconds } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import type { AttemptStore } from '../issuing/attempt-store.js';
import type { EncryptionKeys } from '../issuing/encryption-keys.js';
import type { RequestView } from '../request/request-view.js';
import type { OwnCookie } from '../sessions/session-cookies.js';

/** What a login leads to, and who began it. */
export interface LoginPlan {
  /** The id of the provider. */
  readonly provider: string;
  /** The address that the provider calls back. */
  readonly redirectUri: string;
  /** The page that the browser is sent to in the end; `null` where the frontend is called back itself. */
  readonly returnTo: string | null;
  /** The session in which it began; `null` where there was none. */
  readonly session: { readonly id: string; readonly userId: string } | null;
  /** Whether the identity is linked to the user of that session. */
  readonly link: boolean;
}

/** A login that has begun. Only the browser, or the client, in which it began has its secrets. */
export interface LoginAttempt extends LoginPlan {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The cookies that logins are kept in. Names are without the prefix of the app. `RouteGate` is one. */
interface AttemptCookies {
  /** The names of the cookies of a request that begin so, in the order in which they came. */
  cookieNames(view: RequestView, startsWith: string): readonly string[];
  readCookie(view: RequestView, name: string): readonly string[];
  setCookie(response: object, cookie: OwnCookie): void;
}

export interface LoginAttemptsParts {
  readonly cookies: AttemptCookies;
  readonly clock: Clock;
  /** Looked up at the first use, because any module of the app may provide them. */
  readonly getKeys: () => EncryptionKeys;
  readonly getUsed: () => AttemptStore;
  /**
   * What the attempts are sealed for, so that nothing else that the app has sealed passes for one, such as an attempt of another module.
   *
   * @defaultValue 'login attempt'
   */
  readonly context?: string;
}

/** Where an attempt is kept: in a cookie of the browser, or by the client itself. */
export type AttemptPlace =
  | { readonly in: 'cookie'; readonly view: RequestView; readonly response: object; readonly sameSite: 'Lax' | 'None' }
  | { readonly in: 'body' };

/** What comes back with the answer of a provider. */
export interface ReturnedAttempt {
  readonly provider: string;
  readonly state: string;
  readonly view: RequestView;
  /** What the client has kept; `null` where a cookie has it. */
  readonly sealed: string | null;
}

const lifetimeSeconds = 600;
/** A browser that begins logins and never ends them would send ever more cookies, until servers refuse its requests. */
const mostCookies = 5;
/** More than any browser has, each of which is looked up in the header. */
const mostCookiesRead = 20;
/** All of them together: some servers refuse a header of 8 KB, which another site could make a browser send otherwise. */
const mostCookieBytes = 5_000;
const namePrefix = 'login.';

/**
 * Keeps logins while their people are at the provider: each has secrets of its own, is bound to the browser or the client in which it
 * began, is good for ten minutes, and can be used once (RFC 6749 §10.12, RFC 9700 §4.7).
 */
export class LoginAttempts {
  private readonly context: string;

  constructor(private readonly parts: LoginAttemptsParts) {
    this.context = parts.context ?? 'login attempt';
  }

  /** Begins a login. @returns also what the client has to keep, where no cookie does */
  begin(plan: LoginPlan, place: AttemptPlace): { readonly attempt: LoginAttempt; readonly sealed: string | null } {
    const attempt: LoginAttempt = {
      ...plan,
      state: randomText(),
      nonce: randomText(),
      codeVerifier: randomText(),
      expiresAt: readMilliseconds(this.parts.clock) + lifetimeSeconds * 1_000,
    };
    const sealed = this.seal(attempt);
    if (place.in === 'body') return { attempt, sealed };
    const { cookies } = this.parts;
    const { view, response, sameSite } = place;
    for (const name of this.namesToDrop(view, sealed.length)) this.clear(response, name);
    cookies.setCookie(response, {
      name: cookieName(attempt.state),
      value: sealed,
      maxAgeSeconds: lifetimeSeconds,
      sameSite,
    });
    return { attempt, sealed: null };
  }

  /** Finds the login that an answer belongs to. It is not used up by that. @throws {RefusalError} `LOGIN_STATE` */
  find({ provider, state, view, sealed }: ReturnedAttempt): LoginAttempt {
    if (state === '') throw refuse('The answer has no state');
    const candidates = sealed === null ? this.parts.cookies.readCookie(view, cookieName(state)) : [sealed];
    for (const candidate of candidates) {
      const attempt = this.open(candidate);
      if (attempt === null || !isEqual(attempt.state, state)) continue;
      if (attempt.provider !== provider) throw refuse(`The login began at another provider than ${provider}`);
      if (attempt.expiresAt <= readMilliseconds(this.parts.clock)) throw refuse('The login began too long ago');
      return attempt;
    }
    throw refuse(
      candidates.length === 0
        ? 'The browser has no cookie of a login with this state: it was not begun here, was used already, or has expired'
        : 'The login that the client has kept is another one, or was changed',
    );
  }

  /**
   * Uses a login up, in all instances of the app, and removes its cookie.
   *
   * @param response `null` where no cookie keeps it
   * @throws {RefusalError} `LOGIN_STATE` for all callers but one
   */
  async use({ state }: LoginAttempt, response: object | null): Promise<void> {
    if (response !== null) this.clear(response, cookieName(state));
    const key = createHash('sha256').update(`login ${state}`).digest('base64url');
    // A little longer than it is valid, because the clocks of two instances may differ.
    const windowMs = (lifetimeSeconds + 60) * 1_000;
    const roomFrom = await askStore('of the attempts', () =>
      this.parts.getUsed().take([{ key, limit: 1, windowMs }], this.parts.clock.now()),
    );
    if (roomFrom !== null) throw refuse('The login was used already');
  }

  /** The cookies of earlier logins for which there is no room together with a new one, the oldest first. */
  private namesToDrop(view: RequestView, newLength: number): readonly string[] {
    const { cookies } = this.parts;
    // Browsers send the oldest cookie first (RFC 6265 §5.4).
    // A browser has a few of them. A client that sends many has no use of being rid of them all at once.
    const names = cookies.cookieNames(view, namePrefix).slice(0, mostCookiesRead);
    const known = names.map((name) => ({
      name,
      length: cookies.readCookie(view, name).reduce((sum, value) => sum + value.length, 0),
    }));
    let count = known.length + 1;
    let length = known.reduce((sum, cookie) => sum + cookie.length, newLength);
    const dropped = known.filter((cookie) => {
      if (count <= mostCookies && length <= mostCookieBytes) return false;
      count -= 1;
      length -= cookie.length;
      return true;
    });
    return dropped.map(({ name }) => name);
  }

  private clear(response: object, name: string): void {
    this.parts.cookies.setCookie(response, { name, value: '', maxAgeSeconds: 0, sameSite: 'Lax' });
  }

  private seal({ session, ...attempt }: LoginAttempt): string {
    const { provider, redirectUri, returnTo, link, state, nonce, codeVerifier, expiresAt } = attempt;
    // Without names, because a cookie has room for 4,096 bytes in all.
    const values = [
      ...[provider, redirectUri, returnTo, link, state, nonce, codeVerifier, expiresAt],
      ...(session === null ? [] : [session.id, session.userId]),
    ];
    return this.parts
      .getKeys()
      .seal(Buffer.from(JSON.stringify(values)), this.context)
      .toString('base64url');
  }

  /** `null` for anything that this app has not sealed. */
  private open(sealed: string): LoginAttempt | null {
    if (!/^[\w-]{1,4000}$/.test(sealed)) return null;
    const keys = this.parts.getKeys();
    let text: string;
    try {
      text = keys.open(Buffer.from(sealed, 'base64url'), this.context).toString('utf8');
    } catch {
      return null;
    }
    // Nothing but `seal` makes it.
    const values = JSON.parse(text) as [
      string,
      string,
      string | null,
      boolean,
      string,
      string,
      string,
      number,
      ...string[],
    ];
    const [provider, redirectUri, returnTo, link, state, nonce, codeVerifier, expiresAt, id, userId] = values;
    const session = id === undefined || userId === undefined ? null : { id, userId };
    return { provider, redirectUri, returnTo, link, state, nonce, codeVerifier, expiresAt, session };
  }
}

function cookieName(state: string): string {
  return namePrefix + createHash('sha256').update(state).digest('base64url').slice(0, 8);
}

function randomText(): string {
  return randomBytes(32).toString('base64url');
}

function isEqual(one: string, other: string): boolean {
  const bytes = Buffer.from(one);
  const others = Buffer.from(other);
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}

function refuse(explanation: string): RefusalError {
  return RefusalError.of('LOGIN_STATE', explanation);
}
