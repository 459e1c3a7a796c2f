import type { IssuedTokens } from './issued-tokens.js';
import type { IssuerQuestion, IssuerReply } from './issuer-server.js';
import type { TestClaims } from './test-issuer-options.js';

const invalidToken = { error: 'invalid_token' };

/** Tells who shows a good token about themselves (OpenID Connect Core 5.3). */
export class UserInfoEndpoint {
  readonly #tokens: IssuedTokens;
  readonly #users = new Map<string, TestClaims | null>();

  constructor(tokens: IssuedTokens) {
    this.#tokens = tokens;
  }

  /** `null`: the user is gone. */
  set(sub: string, claims: TestClaims | null): void {
    this.#users.set(sub, claims);
  }

  readonly reply = ({ headers: { authorization = '' } }: IssuerQuestion): IssuerReply => {
    const [, token] = /^Bearer (\S+)$/i.exec(authorization) ?? [];
    // RFC 6750 3.1: who shows no token is only told that one is wanted.
    if (token === undefined) return { status: 401, body: {}, headers: { 'www-authenticate': 'Bearer' } };
    const sub = this.#tokens.find(token)?.['sub'];
    const user = typeof sub === 'string' ? this.#users.get(sub) : null;
    if (user !== null) return { status: 200, body: { sub, ...user } };
    return { status: 401, body: invalidToken, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
  };
}
