import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import type { RequestView } from '../request/request-view.js';
import type { SessionGate } from '../sessions/session-gate.js';

/** The cookie that a browser is bound by. */
export interface BindingCookie {
  /** Without its prefix. */
  readonly name: string;
  readonly maxAgeSeconds: number;
}

/** Recognizes the browser in which a step of signing in began, by a random value in a cookie. */
export class BrowserBinding {
  constructor(
    private readonly gate: SessionGate,
    private readonly cookie: BindingCookie,
  ) {}

  /**
   * Binds the browser: sets the cookie, or prolongs the one that is there.
   *
   * @returns the SHA-256 of its value, as base64url; `null` for a client that takes its tokens in the body
   */
  bind(view: RequestView, response: object): string | null {
    if (!this.gate.deliversCookies(view)) return null;
    const [given] = this.gate.readCookie(view, this.cookie.name).filter((value) => /^[\w-]{22}$/.test(value));
    const value = given ?? randomBytes(16).toString('base64url');
    this.gate.setCookie(response, { ...this.cookie, value });
    return hash(value).toString('base64url');
  }

  /** Whether the request comes from the browser that was bound. */
  isBound(view: RequestView, browser: string | null | undefined): boolean {
    if (typeof browser !== 'string') return false;
    const bound = Buffer.from(browser, 'base64url');
    return this.gate
      .readCookie(view, this.cookie.name)
      .some((value) => bound.length === 32 && timingSafeEqual(hash(value), bound));
  }
}

function hash(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
