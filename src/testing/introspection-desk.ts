import { randomBytes } from 'node:crypto';

import type { IssuerQuestion, IssuerReply } from './issuer-server.js';
import { hasSigned, type SigningKey } from './signing-key.js';
import type { IntrospectionClient, TestClaims } from './test-issuer-options.js';

/** What the desk has to know of its issuer. */
export interface IntrospectionDeskParts {
  readonly client: IntrospectionClient;
  /** The keys whose tokens are good. */
  readonly keys: () => readonly SigningKey[];
  /** The issuer's time, in seconds. */
  readonly now: () => number;
}

const unknown: IssuerReply = { status: 200, body: { active: false } };

/** Answers questions about tokens (RFC 7662): those that the issuer has signed, and opaque ones, which only it can read. */
export class IntrospectionDesk {
  readonly #parts: IntrospectionDeskParts;
  readonly #opaque = new Map<string, TestClaims>();
  readonly #revoked = new Set<string>();

  constructor(parts: IntrospectionDeskParts) {
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

  readonly reply = ({ headers, form }: IssuerQuestion): IssuerReply => {
    if (!this.#knows(headers.authorization)) {
      return { status: 401, body: { error: 'invalid_client' }, headers: { 'www-authenticate': 'Basic' } };
    }
    const token = form.get('token');
    if (token === null) return { status: 400, body: { error: 'invalid_request' } };
    const claims = this.#revoked.has(token) ? undefined : (this.#opaque.get(token) ?? this.#read(token));
    const { exp } = claims ?? {};
    if (claims === undefined || (typeof exp === 'number' && exp <= this.#parts.now())) return unknown;
    return { status: 200, body: { token_type: 'Bearer', ...claims, active: true } };
  };

  #read(token: string): TestClaims | undefined {
    if (token.split('.').length !== 3 || !this.#parts.keys().some((key) => hasSigned(key, token))) return undefined;
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as TestClaims;
  }

  /** RFC 6749 2.3.1: name and password are form-encoded each, then joined, then in base64. */
  #knows(authorization = ''): boolean {
    const { clientId, clientSecret } = this.#parts.client;
    const [, credentials = ''] = /^Basic (\S+)$/i.exec(authorization) ?? [];
    const [id, secret, ...rest] = Buffer.from(credentials, 'base64').toString().split(':');
    return rest.length === 0 && decode(id) === clientId && decode(secret) === clientSecret;
  }
}

function decode(formEncoded = ''): string | null {
  return new URLSearchParams(`value=${formEncoded.replaceAll('&', '%26')}`).get('value');
}
