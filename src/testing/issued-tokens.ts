import { randomBytes } from 'node:crypto';
import { hasSigned, type SigningKey } from './signing-key.js';
import type { TestClaims } from './test-issuer-options.js';

/** The parts of the issuer that `IssuedTokens` needs. */
export interface IssuedTokensParts {
  /** The keys whose tokens are valid. */
  readonly keys: () => readonly SigningKey[];
  /** The issuer's time in seconds since 1970. */
  readonly now: () => number;
}

/** Stores the issuer's opaque tokens and revocations, and finds the claims of its valid tokens. */
export class IssuedTokens {
  readonly #parts: IssuedTokensParts;
  readonly #opaque = new Map<string, TestClaims>();
  readonly #revoked = new Set<string>();

  constructor(parts: IssuedTokensParts) {
    this.#parts = parts;
  }

  /** Creates an opaque token for these claims. */
  issueOpaque(claims: TestClaims): string {
    const token = randomBytes(24).toString('base64url');
    this.#opaque.set(token, claims);
    return token;
  }

  revoke(token: string): void {
    this.#revoked.add(token);
  }

  /** Finds the claims of a token that the issuer has issued and not revoked, and that has not expired. */
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
