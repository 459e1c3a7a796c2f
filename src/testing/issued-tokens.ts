import { randomBytes } from 'node:crypto';
import { hasSigned, type SigningKey } from './signing-key.js';
import type { TestClaims } from './test-issuer-options.js';

/** What has to be known of the issuer. */
export interface IssuedTokensParts {
  /** The keys whose tokens are good. */
  readonly keys: () => readonly SigningKey[];
  /** The issuer's time, in seconds. */
  readonly now: () => number;
}

/** The issuer's memory of its tokens: which are good, and what opaque ones stand for. */
export class IssuedTokens {
  readonly #parts: IssuedTokensParts;
  readonly #opaque = new Map<string, TestClaims>();
  readonly #revoked = new Set<string>();

  constructor(parts: IssuedTokensParts) {
    this.#parts = parts;
  }

  /** A new token that says nothing to whoever cannot ask. */
  issueOpaque(claims: TestClaims): string {
    const token = randomBytes(24).toString('base64url');
    this.#opaque.set(token, claims);
    return token;
  }

  revoke(token: string): void {
    this.#revoked.add(token);
  }

  /** The claims of a token that the issuer gave out, has not taken back, and that has not ended. */
  find(token: string): TestClaims | undefined {
    const claims = this.#revoked.has(token) ? undefined : (this.#opaque.get(token) ?? this.#read(token));
    const { exp } = claims ?? {};
    return typeof exp === 'number' && exp <= this.#parts.now() ? undefined : claims;
  }

  #read(token: string): TestClaims | undefined {
    if (token.split('.').length !== 3 || !this.#parts.keys().some((key) => hasSigned(key, token))) return undefined;
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as TestClaims;
  }
}
