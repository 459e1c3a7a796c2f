import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import type { RequestView } from '../request/request-view.js';
import type { SessionGate } from '../sessions/session-gate.js';

const cookieName = 'sign-up';
/** As long as the code of a sign-up is valid. */
const maxAgeSeconds = 86_400;

/** Recognizes the browser in which somebody signed up or asked for another address, by a random value in a cookie. */
export class BrowserBinding {
  constructor(private readonly gate: SessionGate) {}

  /**
   * Binds the browser: sets the cookie, or prolongs the one that is there.
   *
   * @returns the SHA-256 of its value, as base64url; `null` for a client that takes its tokens in the body
   */
  bind(view: RequestView, response: object): string | null {
    if (!this.gate.deliversCookies(view)) return null;
    const [given] = this.gate.readCookie(view, cookieName).filter((value) => /^[\w-]{22}$/.test(value));
    const value = given ?? randomBytes(16).toString('base64url');
    this.gate.setCookie(response, { name: cookieName, value, maxAgeSeconds });
    return hash(value).toString('base64url');
  }

  /** Whether the request comes from the browser that was bound. */
  isBound(view: RequestView, browser: string | null | undefined): boolean {
    if (typeof browser !== 'string') return false;
    const bound = Buffer.from(browser, 'base64url');
    return this.gate
      .readCookie(view, cookieName)
      .some((value) => bound.length === 32 && timingSafeEqual(hash(value), bound));
  }
}

function hash(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
