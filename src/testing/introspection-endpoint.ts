import type { IssuedTokens } from './issued-tokens.js';
import type { IssuerRequest, IssuerReply } from './issuer-server.js';
import type { IntrospectionClient, TestClaims } from './test-issuer-options.js';

const inactive: IssuerReply = { status: 200, body: { active: false } };

/** The introspection endpoint (RFC 7662) of a test issuer, for its signed and its opaque tokens. */
export class IntrospectionEndpoint {
  readonly #client: IntrospectionClient;
  readonly #tokens: IssuedTokens;

  constructor(client: IntrospectionClient, tokens: IssuedTokens) {
    this.#client = client;
    this.#tokens = tokens;
  }

  readonly reply = ({ headers, form }: IssuerRequest): IssuerReply => {
    if (!this.#authenticates(headers.authorization)) {
      return { status: 401, body: { error: 'invalid_client' }, headers: { 'www-authenticate': 'Basic' } };
    }
    const token = form.get('token');
    if (token === null) return { status: 400, body: { error: 'invalid_request' } };
    const claims = this.#tokens.find(token);
    return claims === undefined ? inactive : { status: 200, body: { token_type: 'Bearer', ...claims, active: true } };
  };

  /** RFC 6749 §2.3.1: id and secret are each form-encoded, then joined by a colon and base64-encoded. */
  #authenticates(authorization = ''): boolean {
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

/** The userinfo endpoint (OpenID Connect Core §5.3) of a test issuer. */
export class UserInfoEndpoint {
  readonly #tokens: IssuedTokens;
  readonly #users = new Map<string, TestClaims | null>();

  constructor(tokens: IssuedTokens) {
    this.#tokens = tokens;
  }

  /** Sets the claims of a user; `null` deletes the user. */
  set(sub: string, claims: TestClaims | null): void {
    this.#users.set(sub, claims);
  }

  readonly reply = ({ headers: { authorization = '' } }: IssuerRequest): IssuerReply => {
    const [, token] = /^Bearer (\S+)$/i.exec(authorization) ?? [];
    // RFC 6750 §3.1: the challenge for a request without a token has no error code.
    if (token === undefined) return { status: 401, body: {}, headers: { 'www-authenticate': 'Bearer' } };
    const sub = this.#tokens.find(token)?.['sub'];
    const user = typeof sub === 'string' ? this.#users.get(sub) : null;
    if (user !== null) return { status: 200, body: { sub, ...user } };
    return { status: 401, body: invalidToken, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
  };
}
