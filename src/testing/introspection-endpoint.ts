import type { IssuedTokens } from './issued-tokens.js';
import type { IssuerQuestion, IssuerReply } from './issuer-server.js';
import type { IntrospectionClient } from './test-issuer-options.js';

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
