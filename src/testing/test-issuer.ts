import { IssuedTokens } from './issued-tokens.js';
import { IntrospectionEndpoint, UserInfoEndpoint } from './introspection-endpoint.js';
import type { IssuerFault } from './issuer-fault.js';
import {
  documentKinds,
  type IssuerDocument,
  type IssuerDocumentKind,
  type IssuerRequests,
  IssuerServer,
} from './issuer-server.js';
import { compactJws, createSigningKey, type SigningKey, type TestJwk } from './signing-key.js';
import {
  type IntrospectionClient,
  type TestClaims,
  type TestIssuerOptions,
  type TestTokenOptions,
  toSeconds,
} from './test-issuer-options.js';

let keyOf: (issuer: TestIssuer) => SigningKey;

/**
 * Gives your tests an identity provider that is real: it listens on 127.0.0.1, has keys of its own, publishes them, and signs
 * whatever token you ask for. Point your app's configuration at `issuer.url` and send the tokens; nothing has to be mocked.
 *
 * @example
 * ```ts
 * const issuer = await TestIssuer.start();
 * const app = await createApp({ issuers: oidc({ issuer: issuer.url, audience: 'my-api' }) });
 *
 * await request(app.getHttpServer())
 *   .get('/me')
 *   .set('authorization', await issuer.authorization({ sub: 'alice', aud: 'my-api' }))
 *   .expect(200);
 *
 * await issuer.stop();
 * ```
 */
export class TestIssuer {
  /** The exact `iss` of its tokens, without a slash at the end: what goes into your app's `issuer` option. */
  readonly url: string;
  /** Where its key set lies. */
  readonly jwksUri: string;
  /** What it knows the caller of its introspection by: `oidc({ …, introspection: issuer.introspectionClient })`. */
  readonly introspectionClient: IntrospectionClient;

  readonly #options: TestIssuerOptions;
  readonly #server: IssuerServer;
  #key: SigningKey;
  #published: readonly SigningKey[];
  readonly #tokens = new IssuedTokens({ keys: () => this.#published, now: () => this.#now() });
  readonly #introspection: IntrospectionEndpoint;
  readonly #userInfo = new UserInfoEndpoint(this.#tokens);
  #stranger: Promise<SigningKey> | undefined;

  private constructor(origin: string, key: SigningKey, server: IssuerServer, options: TestIssuerOptions) {
    this.url = `${origin}${pathOf(options)}`;
    this.jwksUri = `${this.url}/.well-known/jwks.json`;
    this.#options = options;
    this.#server = server;
    this.#key = key;
    this.#published = [key];
    this.introspectionClient = options.introspectionClient ?? { clientId: 'test-api', clientSecret: 'test-secret' };
    this.#introspection = new IntrospectionEndpoint(this.introspectionClient, this.#tokens);
  }

  /**
   * Starts an issuer with fresh keys; it answers when the promise is done.
   *
   * @example
   * ```ts
   * const issuer = await TestIssuer.start({ algorithm: 'ES256', path: '/realms/demo' });
   * ```
   */
  static async start(options: TestIssuerOptions = {}): Promise<TestIssuer> {
    const key = await createSigningKey(options.algorithm ?? 'RS256');
    // Requests come only after `start` has given out the address, when the issuer exists.
    const server = new IssuerServer((path) => issuer.#find(path));
    const port = await server.listen(options.port ?? 0);
    const issuer: TestIssuer = new TestIssuer(`http://127.0.0.1:${String(port)}`, key, server, options);
    return issuer;
  }

  /** How many requests have reached it so far. A copy: take one before and one after, and compare. */
  get requests(): IssuerRequests {
    return this.#server.requests;
  }

  /**
   * The key that signs now, as a JWK, for an issuer that your app describes by hand.
   * @throws {Error} when the issuer signs with a shared secret
   */
  get publicKey(): TestJwk {
    return present(this.#key.publicKey, 'signs with a shared secret and has no public key; take issuer.secret');
  }

  /**
   * The key that signs now, as PEM (SPKI).
   * @throws {Error} when the issuer signs with a shared secret
   */
  get publicKeyPem(): string {
    return present(this.#key.publicKeyPem, 'signs with a shared secret and has no public key; take issuer.secret');
  }

  /**
   * The shared secret, with `algorithm: 'HS256' | 'HS384' | 'HS512'`.
   * @throws {Error} when the issuer signs with a key pair
   */
  get secret(): string {
    return present(this.#key.secret, 'signs with a key pair and has no secret; start it with an HS algorithm');
  }

  /** The key set that it serves now. */
  get jwks(): { readonly keys: readonly TestJwk[] } {
    return { keys: this.#published.flatMap(({ publicKey }) => publicKey ?? []) };
  }

  /**
   * Signs a token. Without arguments it is a good one for the user `test-user`, five minutes long; it has no `aud` until you
   * give one.
   *
   * @example
   * ```ts
   * const token = await issuer.token({ sub: 'alice', aud: 'my-api', scope: 'read write' });
   * const expired = await issuer.token({ aud: 'my-api' }, { expiresIn: '-10s' });
   * const forged = await issuer.token({ aud: 'my-api' }, { signWith: 'stranger' });
   * const withoutSubject = await issuer.token({ aud: 'my-api', sub: undefined });
   * ```
   */
  async token(claims: TestClaims = {}, options: TestTokenOptions = {}): Promise<string> {
    const { algorithm: alg, kid } = this.#key;
    const key = options.signWith === 'stranger' ? await this.#strangerKey() : this.#key;
    // JSON leaves out what is undefined, and so takes away defaults that the caller does not want.
    return compactJws(key, { alg, typ: 'JWT', kid, ...options.header }, this.#claims(claims, options));
  }

  /**
   * Gives out a token that is no JWT: random text, which only this issuer can read, when it is asked (RFC 7662).
   *
   * @example
   * ```ts
   * const token = issuer.opaqueToken({ sub: 'alice', aud: 'my-api' }, { expiresIn: '10m' });
   * ```
   */
  opaqueToken(claims: TestClaims = {}, options: Pick<TestTokenOptions, 'expiresIn' | 'notBefore'> = {}): string {
    return this.#tokens.issueOpaque(this.#claims(claims, options));
  }

  /**
   * What its userinfo endpoint tells to who shows a token of this user; before, that is the `sub` alone. `null`: the user is
   * gone, and their tokens are refused there.
   *
   * @example
   * ```ts
   * issuer.setUserInfo('alice', { name: 'Alice', email: 'alice@example.com', email_verified: true });
   * ```
   */
  setUserInfo(sub: string, claims: TestClaims | null): void {
    this.#userInfo.set(sub, claims);
  }

  /** Takes a token back, JWT or opaque: whoever asks the issuer is told so. Its signature stays what it is. */
  revoke(token: string): void {
    this.#tokens.revoke(token);
  }

  /**
   * Signs a token and gives the whole value of the `Authorization` header.
   *
   * @example
   * ```ts
   * await request(server).get('/me').set('authorization', await issuer.authorization({ aud: 'my-api' }));
   * ```
   */
  async authorization(claims: TestClaims = {}, options: TestTokenOptions = {}): Promise<string> {
    return `Bearer ${await this.token(claims, options)}`;
  }

  /**
   * Signs with a new key from now on, under a new `kid`. With `keepOld` the old keys stay in the key set, as in an orderly
   * rotation; without, tokens that were signed before lose their key. A shared secret is just replaced.
   */
  async rotateKeys({ keepOld }: { readonly keepOld: boolean }): Promise<void> {
    this.#key = await createSigningKey(this.#key.algorithm);
    this.#stranger = undefined;
    this.#published = [this.#key, ...(keepOld ? this.#published : [])];
  }

  /**
   * Breaks the answers until {@link TestIssuer.recover}; tokens can still be signed. A later call takes the place of an
   * earlier one for the documents that it names.
   *
   * @example
   * ```ts
   * issuer.fail('503');
   * issuer.fail('hang', { only: 'jwks' });
   * ```
   */
  fail(fault: IssuerFault, { only }: { readonly only?: IssuerDocumentKind | undefined } = {}): void {
    this.#server.fail(fault, only === undefined ? documentKinds : [only]);
  }

  /** Ends every fault; requests that hang already keep hanging until their client gives up. */
  recover(): void {
    this.#server.recover();
  }

  /** Stops listening and cuts what is open, hanging requests too. Calling it again does nothing. */
  async stop(): Promise<void> {
    await this.#server.close();
  }

  /** The same as {@link TestIssuer.stop}, for `await using issuer = await TestIssuer.start()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // One per key: each forged token needs a key that is unknown, not one that is new, and RSA keys are slow to make.
  #strangerKey(): Promise<SigningKey> {
    this.#stranger ??= createSigningKey(this.#key.algorithm, this.#key.kid);
    return this.#stranger;
  }

  #now(): number {
    return Math.floor((this.#options.clock?.now() ?? new Date()).getTime() / 1000);
  }

  #claims(claims: TestClaims, { expiresIn, notBefore }: TestTokenOptions): TestClaims {
    const now = this.#now();
    const times = {
      iat: now,
      exp: now + toSeconds(expiresIn ?? '5m'),
      nbf: notBefore === undefined ? undefined : now + toSeconds(notBefore),
    };
    return { iss: this.url, sub: 'test-user', ...times, ...claims };
  }

  #find(path: string): IssuerDocument | undefined {
    const ownPath = pathOf(this.#options);
    const { cacheControl, discovery = 'both', keyDelayMs } = this.#options;
    switch (path) {
      case `${ownPath}/.well-known/jwks.json`:
        return {
          kind: 'jwks',
          body: this.jwks,
          headers: cacheControl === undefined ? {} : { 'cache-control': cacheControl },
          delayMs: keyDelayMs,
        };
      case `${ownPath}/.well-known/openid-configuration`:
        return this.#discoveryDocument(discovery === 'both' || discovery === 'oidc');
      // RFC 8414 3.1 puts the well-known part before the issuer's path, OpenID Connect behind it.
      case `/.well-known/oauth-authorization-server${ownPath}`:
        return this.#discoveryDocument(discovery === 'both' || discovery === 'oauth');
      case `${ownPath}/introspect`:
        return { kind: 'introspection', reply: this.#introspection.reply, methods: ['POST'] };
      case `${ownPath}/userinfo`:
        return { kind: 'userinfo', reply: this.#userInfo.reply, methods: ['GET', 'POST'] };
      default:
        return undefined;
    }
  }

  #discoveryDocument(served: boolean): IssuerDocument {
    const body = {
      issuer: this.url,
      jwks_uri: this.jwksUri,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      userinfo_endpoint: `${this.url}/userinfo`,
      introspection_endpoint: `${this.url}/introspect`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [this.#key.algorithm],
    };
    return { kind: 'discovery', body: served ? body : undefined };
  }

  // Hands the key to `signingKeyOf` alone: apps are not meant to see private keys among the members.
  static {
    keyOf = (issuer) => issuer.#key;
  }
}

/** The key that signs now, for this project's own tests, which need signatures over parts that no issuer would write. */
export function signingKeyOf(issuer: TestIssuer): SigningKey {
  return keyOf(issuer);
}

function pathOf({ path = '' }: TestIssuerOptions): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed === '' || trimmed.startsWith('/') ? trimmed : `/${trimmed}`;
}

function present<T>(value: T | undefined, otherwise: string): T {
  if (value === undefined) {
    throw new Error(`TestIssuer: this issuer ${otherwise}`);
  }
  return value;
}
