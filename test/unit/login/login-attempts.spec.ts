import { describe, expect, it } from 'vitest';

import { isRefusal } from '../../../src/errors/auth-error.js';
import { EncryptionKeys } from '../../../src/issuing/encryption-keys.js';
import { MemoryAttemptStore } from '../../../src/issuing/memory-attempt-store.js';
import { type AttemptPlace, LoginAttempts, type LoginPlan } from '../../../src/login/login-attempts.js';
import { createRequestView } from '../../../src/request/request-view.js';
import type { OwnCookie } from '../../../src/sessions/session-cookies.js';
import { ManualClock } from '../../support/manual-clock.js';

const view = createRequestView({}, () => []);
const plan: LoginPlan = {
  provider: 'github',
  redirectUri: 'https://api.example.com/auth/callback/github',
  returnTo: 'https://app.example.com/',
  session: null,
  link: false,
};

/** A browser with its cookies, and the app that it talks to. */
class Stand {
  readonly clock = new ManualClock();
  readonly jar = new Map<string, OwnCookie>();
  readonly attempts: LoginAttempts;
  readonly cookie: AttemptPlace = { in: 'cookie', view, response: {}, sameSite: 'Lax' };

  constructor(
    readonly keys = EncryptionKeys.random(),
    used = new MemoryAttemptStore(),
    context?: string,
  ) {
    this.attempts = new LoginAttempts({
      cookies: {
        cookieNames: (_view, start) => [...this.jar.keys()].filter((name) => name.startsWith(start)),
        readCookie: (_view, name) => [this.jar.get(name)?.value].flatMap((value) => value ?? []),
        setCookie: (_response, cookie) => {
          if (cookie.maxAgeSeconds === 0) this.jar.delete(cookie.name);
          else this.jar.set(cookie.name, cookie);
        },
      },
      clock: this.clock,
      getKeys: () => this.keys,
      getUsed: () => used,
      ...(context !== undefined && { context }),
    });
  }

  find(state: string, sealed: string | null = null, provider = 'github') {
    return this.attempts.find({ provider, state, view, sealed });
  }
}

function refusedWith(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isRefusal(error) && error.code === 'LOGIN_STATE') return error.explanation;
    throw error;
  }
  throw new Error('It was not refused');
}

describe('an attempt to log in', () => {
  it('comes back from its cookie with all that it was begun with, and with secrets of its own', () => {
    const stand = new Stand();
    const session = { id: 's1', userId: 'u1' };
    const one = stand.attempts.begin({ ...plan, session, link: true }, stand.cookie);
    const other = stand.attempts.begin(plan, stand.cookie);
    expect(one.sealed).toBeNull();
    expect(stand.find(one.attempt.state)).toEqual({ ...plan, ...one.attempt, session, link: true });
    expect(stand.find(other.attempt.state)).toEqual({ ...plan, ...other.attempt });
    const secrets = [one, other].flatMap(({ attempt }) => [attempt.state, attempt.nonce, attempt.codeVerifier]);
    expect(new Set(secrets).size).toBe(6);
    for (const secret of secrets) expect(secret).toMatch(/^[\w-]{43}$/);
  });

  it('is no attempt of another module with the same keys', () => {
    const one = new Stand();
    const other = new Stand(one.keys, undefined, 'stack-auth login');
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const { attempt, sealed } = from.attempts.begin(plan, { in: 'body' });
      expect(from.find(attempt.state, sealed).state).toBe(attempt.state);
      expect(refusedWith(() => to.find(attempt.state, sealed))).toContain('another one');
    }
  });

  it('has a cookie in which nothing can be read, and that fits into a browser with the longest addresses', () => {
    const stand = new Stand();
    const long = `https://app.example.com/${'a'.repeat(976)}`;
    const session = { id: '0198f2a0-0000-7000-8000-000000000000', userId: 'u'.repeat(255) };
    const longest = {
      ...plan,
      provider: 'p'.repeat(64),
      redirectUri: `${plan.redirectUri}${'x'.repeat(940)}`,
      returnTo: long,
      session,
    };
    const { attempt } = stand.attempts.begin(longest, stand.cookie);
    const [cookie] = [...stand.jar.values()];
    expect(cookie).toMatchObject({ maxAgeSeconds: 600, sameSite: 'Lax' });
    expect(cookie?.name).toMatch(/^login\.[\w-]{8}$/);
    const raw = Buffer.from(cookie?.value ?? '', 'base64url').toString('latin1');
    for (const text of [attempt.state, attempt.nonce, attempt.codeVerifier, 'github', 'example.com'])
      expect(raw).not.toContain(text);
    expect(`__Secure-${'n'.repeat(64)}-${cookie?.name ?? ''}${cookie?.value ?? ''}`.length).toBeLessThanOrEqual(4_096);
    expect(stand.find(attempt.state, null, longest.provider).returnTo).toBe(long);
  });

  it('is kept by a client without cookies itself', async () => {
    const stand = new Stand();
    const { attempt, sealed } = stand.attempts.begin(plan, { in: 'body' });
    expect(stand.jar.size).toBe(0);
    expect(stand.find(attempt.state, sealed)).toEqual(attempt);
    await stand.attempts.use(attempt, null);
    await expect(stand.attempts.use(attempt, null)).rejects.toMatchObject({ code: 'LOGIN_STATE' });
  });

  it('is refused in another browser, with another state, at another provider and with another one’s attempt', () => {
    const stand = new Stand();
    const { attempt } = stand.attempts.begin(plan, stand.cookie);
    const { attempt: other, sealed } = stand.attempts.begin(plan, { in: 'body' });
    expect(refusedWith(() => new Stand(stand.keys).find(attempt.state))).toContain('no cookie of a login');
    expect(refusedWith(() => stand.find(''))).toContain('no state');
    expect(refusedWith(() => stand.find(`${attempt.state}x`))).toContain('no cookie of a login');
    expect(refusedWith(() => stand.find(attempt.state, null, 'google'))).toContain('another provider');
    expect(refusedWith(() => stand.find(attempt.state, sealed))).toContain('another one');
    expect(stand.find(other.state, sealed)).toEqual(other);
  });

  it('is refused when it was changed, or sealed by another app, or is nonsense', () => {
    const stand = new Stand();
    const { attempt, sealed } = stand.attempts.begin(plan, { in: 'body' });
    const text = sealed ?? '';
    const changed = [...text].map(
      (character, at) => text.slice(0, at) + (character === 'A' ? 'B' : 'A') + text.slice(at + 1),
    );
    // The last character of base64url may have bits that mean nothing.
    for (const one of changed.slice(0, -1))
      expect(refusedWith(() => stand.find(attempt.state, one))).toContain('changed');
    expect(refusedWith(() => new Stand().find(attempt.state, text))).toContain('changed');
    for (const junk of ['x', '{}', 'a'.repeat(9_000), '../..']) {
      expect(refusedWith(() => stand.find(attempt.state, junk))).toContain('changed');
    }
  });

  it('is good for ten minutes', () => {
    const stand = new Stand();
    const { attempt } = stand.attempts.begin(plan, stand.cookie);
    stand.clock.advanceSeconds(599.999);
    expect(stand.find(attempt.state)).toEqual(attempt);
    stand.clock.advanceSeconds(0.001);
    expect(refusedWith(() => stand.find(attempt.state))).toContain('too long ago');
  });

  it('is used once, of 50 uses at once in two instances, and its cookie is removed', async () => {
    const used = new MemoryAttemptStore();
    const keys = EncryptionKeys.random();
    const stands = [new Stand(keys, used), new Stand(keys, used)] as const;
    const { attempt } = stands[0].attempts.begin(plan, stands[0].cookie);
    const uses = Array.from({ length: 50 }, (_, at) => stands[at % 2 === 0 ? 0 : 1].attempts.use(attempt, {}));
    const outcomes = await Promise.allSettled(uses);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(stands[0].jar.size).toBe(0);
  });

  it('keeps as many in one browser as fit into a header', () => {
    const stand = new Stand();
    const long = { ...plan, returnTo: `https://app.example.com/${'a'.repeat(970)}` };
    const begun = Array.from({ length: 4 }, () => stand.attempts.begin(long, stand.cookie).attempt);
    const length = [...stand.jar.values()].reduce((sum, { value }) => sum + value.length, 0);
    expect([stand.jar.size, length <= 5_000]).toEqual([3, true]);
    expect(stand.find(begun.at(-1)?.state ?? '')).toEqual(begun.at(-1));
    stand.attempts.begin(plan, stand.cookie);
    expect(stand.jar.size).toBeGreaterThanOrEqual(2);
  });

  it('keeps the latest five in one browser', () => {
    const stand = new Stand();
    const begun = Array.from({ length: 7 }, () => stand.attempts.begin(plan, stand.cookie).attempt);
    expect(stand.jar.size).toBe(5);
    for (const { state } of begun.slice(0, 2)) expect(refusedWith(() => stand.find(state))).toContain('no cookie');
    for (const attempt of begun.slice(2)) expect(stand.find(attempt.state)).toEqual(attempt);
  });
});
