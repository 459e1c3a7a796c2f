import type { IssuedTokens } from './issued-tokens.js';
import type { IssuerQuestion, IssuerReply } from './issuer-server.js';
import type { IntrospectionClient, TestClaims } from './test-issuer-options.js';

const unknown: IssuerReply = { status: 200, body: { active: false } };

/** Answers questions about tokens (RFC 7662): those that the issuer has signed, and opaque ones, which only it can read. */
export class IntrospectionEndpoint {
  readonly #client: IntrospectionClient;
  readonly #tokens: IssuedTokens;

  constructor(client: IntrospectionClient, tokens: IssuedTokens) {
    this.#client = client;
    this.#tokens = tokens;
  }

  readonly reply = ({ headers, form }: IssuerQuestion): IssuerReply => {
    if (!this.#knows(headers.authorization)) {
      return { status: 401, body: { error: 'invalid_client' }, headers: { 'www-authenticate': 'Basic' } };
    }
    const token = form.get('token');
    if (token === null) return { status: 400, body: { error: 'invalid_request' } };
    const claims = this.#tokens.find(token);
    return claims === undefined ? unknown : { status: 200, body: { token_type: 'Bearer', ...claims, active: true } };
  };

  /** RFC 6749 2.3.1: name and password are form-encoded each, then joined, then in base64. */
  #knows(authorization = ''): boolean {
    const { clientId, clientSecret } = this.#client;
    const [, credentials = ''] = /^Basic (\S+)$/i.exec(authorization) ?? [];
    const [id, secret, ...rest] = Buffer.from(credentials, 'base64').toString().split(':');
    return rest.length === 0 && decode(id) === clientId && decode(secret) === clientSecret;
  }
}

function decode(formEncoded = ''): string | null {
  return new URLSearchParams(`value=${formEncoded.replaceAll('&', '%26')}`).get('value');
}

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
