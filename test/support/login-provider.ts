/** An OpenID provider on loopback that answers as it should, unless a test tells it otherwise, and a person at it. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { endAfterwards } from './app.js';
import { ManualClock } from './manual-clock.js';

type Claims = Readonly<Record<string, unknown>>;

/** Somebody who has an account at the provider. */
export interface PersonAtProvider {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
  readonly [claim: string]: unknown;
}

/** What the provider does otherwise than it should. */
export interface Misbehaviour {
  /** Changes the claims of ID tokens. */
  readonly claims?: (claims: Claims) => Claims;
  /** Signs ID tokens with a key that it has not published. */
  readonly strangeKey?: boolean;
  /** In place of the answer of the token endpoint. */
  readonly token?: (answer: Claims) => RawAnswer;
  /** Added to the answer of the userinfo endpoint. */
  readonly userinfo?: Claims;
  /** Which endpoints answer with 503. */
  readonly down?: readonly string[];
  /** Added to the metadata. */
  readonly metadata?: Claims;
}

interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

interface IssuedCode {
  readonly query: URLSearchParams;
  readonly person: PersonAtProvider;
  readonly sid: string;
}

export const loginClient = { clientId: 'nest app', clientSecret: 'a secret: +%&' };

export class LoginProviderStand {
  /** What its browser says: who signs in. `null`: the person declines. */
  person: PersonAtProvider | null = { sub: 'p-1', email: 'ada@example.com', email_verified: true, name: 'Ada' };
  faults: Misbehaviour = {};
  /** The bodies that the token endpoint has received. */
  readonly exchanges: URLSearchParams[] = [];
  /** The access, refresh, ID and logout tokens that it has issued. */
  readonly tokens: string[] = [];
  /** All requests, as `POST /token`. */
  readonly requests: string[] = [];
  sid = randomBytes(8).toString('hex');
  private readonly codes = new Map<string, IssuedCode>();
  private readonly people = new Map<string, PersonAtProvider>();
  private refreshes = 0;
  private key = newKey();

  private constructor(
    readonly issuer: string,
    readonly clock: ManualClock,
  ) {}

  static async start(clock = new ManualClock()): Promise<LoginProviderStand> {
    const server = createServer((request, response) => {
      stand.answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const stand = new LoginProviderStand(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, clock);
    endAfterwards(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return stand;
  }

  /** Its keys are replaced at once. */
  rotateKeys(): void {
    this.key = newKey();
  }

  /** What a browser does at the provider: the address that it is sent back to. */
  authorize(url: string): URL {
    const { origin, pathname, searchParams: query } = new URL(url);
    if (`${origin}${pathname}` !== `${this.issuer}/authorize`) throw new Error(`The browser was sent to ${url}`);
    const back = new URL(query.get('redirect_uri') ?? '');
    back.searchParams.set('state', query.get('state') ?? '');
    if (this.faults.metadata?.['authorization_response_iss_parameter_supported'] === true) {
      back.searchParams.set('iss', this.issuer);
    }
    if (this.person === null) {
      back.searchParams.set('error', 'access_denied');
      return back;
    }
    const code = randomBytes(8).toString('hex');
    this.codes.set(code, { query, person: this.person, sid: this.sid });
    back.searchParams.set('code', code);
    return back;
  }

  /** A logout token for its only client. */
  logoutToken(claims: Claims): string {
    const iat = Math.floor(this.clock.now().getTime() / 1_000);
    return this.signed({
      iss: this.issuer,
      aud: loginClient.clientId,
      iat,
      exp: iat + 120,
      jti: randomBytes(8).toString('hex'),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      ...claims,
    });
  }

  signed(claims: Claims, key = this.key): string {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${part({ alg: 'RS256', kid: key.kid, typ: 'JWT' })}.${part(claims)}`;
    const token = `${input}.${sign('RSA-SHA256', Buffer.from(input), key.privateKey).toString('base64url')}`;
    this.tokens.push(token);
    return token;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '', this.issuer).pathname;
    this.requests.push(`${request.method ?? ''} ${path}`);
    const isDown = this.faults.down?.includes(path) === true;
    const given = isDown ? asJson(503, { error: 'down' }) : await this.answerTo(path, request);
    response.writeHead(given.status, { 'content-type': given.type }).end(given.body);
  }

  private async answerTo(path: string, request: IncomingMessage): Promise<RawAnswer> {
    switch (path) {
      case '/.well-known/openid-configuration':
        return asJson(200, this.metadata());
      case '/jwks':
        return asJson(200, { keys: [this.key.jwk] });
      case '/token':
        return this.exchange(request, new URLSearchParams(await text(request)));
      case '/userinfo': {
        const person = this.people.get((request.headers.authorization ?? '').replace('Bearer ', ''));
        return person === undefined ? asJson(401, {}) : asJson(200, { ...person, ...this.faults.userinfo });
      }
      default:
        return asJson(404, {});
    }
  }

  private metadata(): Claims {
    const at = (path: string): string => this.issuer + path;
    return {
      issuer: this.issuer,
      authorization_endpoint: at('/authorize'),
      token_endpoint: at('/token'),
      userinfo_endpoint: at('/userinfo'),
      jwks_uri: at('/jwks'),
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
      ...this.faults.metadata,
    };
  }

  private exchange(request: IncomingMessage, form: URLSearchParams): RawAnswer {
    this.exchanges.push(form);
    const refuse = (error: string): RawAnswer => asJson(400, { error });
    if (!isOurClient(request)) return refuse('invalid_client');
    const answer = form.get('grant_type') === 'refresh_token' ? this.refresh(form) : this.redeem(form);
    if (answer === null) return refuse('invalid_grant');
    for (const name of ['access_token', 'refresh_token']) this.tokens.push(String(answer[name]));
    return this.faults.token?.(answer) ?? asJson(200, answer);
  }

  private redeem(form: URLSearchParams): Claims | null {
    const code = form.get('code') ?? '';
    const issued = this.codes.get(code);
    this.codes.delete(code);
    if (issued === undefined) return null;
    const { query, person, sid } = issued;
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (challenge !== query.get('code_challenge') || form.get('redirect_uri') !== query.get('redirect_uri'))
      return null;
    const accessToken = this.issueAccessToken(person);
    const iat = Math.floor(this.clock.now().getTime() / 1_000);
    const claims: Claims = {
      iss: this.issuer,
      aud: loginClient.clientId,
      sub: person.sub,
      iat,
      exp: iat + 300,
      nonce: query.get('nonce') ?? undefined,
      sid,
    };
    const given = this.faults.claims?.(claims) ?? claims;
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: 60,
      refresh_token: `refresh-${person.sub}-${this.refreshes}`,
      scope: 'openid email profile',
      id_token: this.signed(given, this.faults.strangeKey === true ? newKey() : this.key),
    };
  }

  /** Each refresh token is good for one use. */
  private refresh(form: URLSearchParams): Claims | null {
    const [, sub = '', number] = /^refresh-(.+)-(\d+)$/.exec(form.get('refresh_token') ?? '') ?? [];
    if (Number(number) !== this.refreshes) return null;
    this.refreshes += 1;
    const person = [...this.people.values()].find((one) => one.sub === sub);
    if (person === undefined) return null;
    return {
      access_token: this.issueAccessToken(person),
      token_type: 'Bearer',
      expires_in: 60,
      refresh_token: `refresh-${sub}-${this.refreshes}`,
    };
  }

  private issueAccessToken(person: PersonAtProvider): string {
    const token = randomBytes(16).toString('hex');
    this.people.set(token, person);
    return token;
  }
}

function isOurClient({ headers }: IncomingMessage): boolean {
  const [, credentials = ''] = (headers.authorization ?? '').split(' ');
  const parts = Buffer.from(credentials, 'base64').toString().split(':');
  const [id, secret] = parts.map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
  return id === loginClient.clientId && secret === loginClient.clientSecret;
}

export function asJson(status: number, body: unknown): RawAnswer {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}

interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

function newKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const kid = randomBytes(4).toString('hex');
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' } };
}
