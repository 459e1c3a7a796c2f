import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { type LoginProvider, openIdProvider } from 'nest-gatehouse/login';
import { IssuedCodes } from './issued-codes.js';
import { json, LocalServer, redirect, type Reply, send } from './local-server.js';
import { createSigningKey, publicJwk, signToken } from './signing-key.js';

const misdeeds = ['state', 'issuer', 'nonce', 'status', 'no-email', 'slow', 'down'] as const;

/** What the provider does otherwise than it should. */
export type Misdeed = (typeof misdeeds)[number];

export function isMisdeed(value: unknown): value is Misdeed {
  return misdeeds.some((misdeed) => misdeed === value);
}

const id = 'misbehaving';
const clientId = 'playground-app';
const person = { sub: 'rhea', name: 'Rhea Castell', email: 'rhea@demo.example', email_verified: true };
/** Longer than the app waits for any answer. */
const tooLateMs = 8_000;

/** An OpenID provider without screens, which signs everybody in as one person, and does one thing wrong. */
export class MisbehavingProvider {
  readonly loginProvider: LoginProvider;
  misdeed: Misdeed = 'state';
  private readonly codes = new IssuedCodes<typeof person>();
  private readonly key = createSigningKey();

  static async start(pageUrl: string): Promise<MisbehavingProvider> {
    return new MisbehavingProvider(await LocalServer.start(0), `${pageUrl}/auth/callback/${id}`);
  }

  private constructor(
    private readonly server: LocalServer,
    private readonly callbackUrl: string,
  ) {
    this.loginProvider = openIdProvider({ id, issuer: server.origin, clientId, trustEmail: true });
    server.answerBy(async (request, response) => {
      send(response, await this.answer(request));
    });
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  private async answer(request: IncomingMessage): Promise<Reply> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.server.origin);
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return json(200, this.metadata());
      case '/jwks':
        return json(200, { keys: [publicJwk(this.key)] });
      case '/authorize':
        return this.sendBack(searchParams);
      case '/token':
        return this.answerToken(new URLSearchParams(await text(request)));
      case '/userinfo':
        return json(200, this.person());
      default:
        return json(404, {});
    }
  }

  private metadata(): Record<string, unknown> {
    const { origin } = this.server;
    return {
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      userinfo_endpoint: `${origin}/userinfo`,
      jwks_uri: `${origin}/jwks`,
      response_types_supported: ['code'],
      authorization_response_iss_parameter_supported: true,
    };
  }

  private sendBack(query: URLSearchParams): Reply {
    return redirect(this.callbackUrl, {
      code: this.codes.issue(person, query),
      state: this.misdeed === 'state' ? randomBytes(32).toString('base64url') : (query.get('state') ?? ''),
      iss: this.misdeed === 'issuer' ? 'https://another.example' : this.server.origin,
    });
  }

  private async answerToken(form: URLSearchParams): Promise<Reply> {
    const issued = this.codes.redeem(form);
    if (this.misdeed === 'down') return json(503, { error: 'temporarily_unavailable' });
    if (this.misdeed === 'status') return json(200, { error: 'invalid_grant' });
    if (issued === undefined) return json(400, { error: 'invalid_grant' });
    // The app has ended the connection by then.
    if (this.misdeed === 'slow') await setTimeout(tooLateMs, undefined, { ref: false });
    return json(200, {
      access_token: randomBytes(16).toString('hex'),
      token_type: 'Bearer',
      expires_in: 300,
      id_token: this.idToken(issued.query.get('nonce') ?? ''),
    });
  }

  private idToken(nonce: string): string {
    const iat = Math.floor(Date.now() / 1_000);
    return signToken(this.key, 'JWT', {
      iss: this.server.origin,
      aud: clientId,
      iat,
      exp: iat + 300,
      nonce: this.misdeed === 'nonce' ? 'of-another-login' : nonce,
      ...this.person(),
    });
  }

  private person(): Record<string, unknown> {
    const { sub, name } = person;
    return this.misdeed === 'no-email' ? { sub, name } : person;
  }
}
