import { IssuedTokens } from './issued-tokens.js';
import { IntrospectionEndpoint, UserInfoEndpoint } from './introspection-endpoint.js';
import type { IssuerFault } from './issuer-fault.js';
import {
  documentKinds,
  type IssuerDocument,
  type IssuerDocumentKind,
  type IssuerRequests,
  IssuerServer,
  metadataOf,
} from './issuer-server.js';
import { compactJws, createSigningKey, type SigningKey, type SigningKeys, type TestJwk } from './signing-key.js';
import {
  type IntrospectionClient,
  type LocalIssuerOptions,
  type TestClaims,
  type TestIssuerOptions,
  type TestTokenOptions,
  toSeconds,
} from './test-issuer-options.js';

let keysOf: (issuer: TestIssuer) => SigningKeys;

/**
 * Gives your tests a real identity provider: it listens on 127.0.0.1, publishes its own keys, and signs any token that you
 * request. Set `issuer.url` in your app's configuration and send the tokens; your tests need no mocks.
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
  /** The exact `iss` of its tokens, without a trailing slash: the value of your app's `issuer` option. */
  readonly url: string;
  /** The address of its key set. */
  readonly jwksUri: string;
  /** The credentials for its introspection endpoint: `oidc({ …, introspection: issuer.introspectionClient })`. */
  readonly introspectionClient: IntrospectionClient;

  readonly #options: TestIssuerOptions;
  readonly #server: IssuerServer;
  #key: SigningKey;
  #published: SigningKeys;
  readonly #tokens = new IssuedTokens({ keys: () => this.#published, now: () => this.#now() });
  readonly #introspection: IntrospectionEndpoint;
  readonly #userInfo = new UserInfoEndpoint(this.#tokens);
  #stranger: Promise<SigningKey> | undefined;

  private constructor(origin: string, keys: SigningKeys, server: IssuerServer, options: TestIssuerOptions) {
    this.url = `${origin}${pathOf(options)}`;
    this.jwksUri = `${this.url}/.well-known/jwks.json`;
    this.#options = options;
    this.#server = server;
    this.#key = keys[0];
    this.#published = keys;
    this.introspectionClient = options.introspectionClient ?? { clientId: 'test-api', clientSecret: 'test-secret' };
    this.#introspection = new IntrospectionEndpoint(this.introspectionClient, this.#tokens);
  }

  /**
   * Starts an issuer with new keys. It accepts requests when the promise resolves.
   *
   * @example
   * ```ts
   * const issuer = await TestIssuer.start({ algorithm: 'ES256', path: '/realms/demo' });
   * ```
   */
  static async start(options: TestIssuerOptions = {}): Promise<TestIssuer> {
    const { keys = [await createSigningKey(options.algorithm ?? 'RS256')], findPage } = options as LocalIssuerOptions;
    // No request arrives before `start` has returned the address, so `issuer` is set by then.
    const server = new IssuerServer((path) => issuer.#find(path) ?? findPage?.(path));
    const port = await server.listen(options.port ?? 0);
    const issuer: TestIssuer = new TestIssuer(`http://127.0.0.1:${String(port)}`, keys, server, options);
    return issuer;
  }

  /** The number of requests so far. Each read returns a new copy, so that you can compare two of them. */
  get requests(): IssuerRequests {
    return this.#server.requests;
  }

  /**
   * The current signing key as a JWK, for an issuer that your app describes itself.
   * @throws {Error} when the issuer signs with a shared secret
   */
  get publicKey(): TestJwk {
    return present(this.#key.publicKey, 'signs with a shared secret and has no public key; use issuer.secret');
  }

  /**
   * The current signing key as PEM (SPKI).
   * @throws {Error} when the issuer signs with a shared secret
   */
  get publicKeyPem(): string {
    return present(this.#key.publicKeyPem, 'signs with a shared secret and has no public key; use issuer.secret');
  }

  /**
   * The shared secret, with `algorithm: 'HS256' | 'HS384' | 'HS512'`.
   * @throws {Error} when the issuer signs with a key pair
   */
  get secret(): string {
    return present(this.#key.secret, 'signs with a key pair and has no secret; start it with an HS algorithm');
  }

  /** The current key set. */
  get jwks(): { readonly keys: readonly TestJwk[] } {
    return { keys: this.#published.flatMap(({ publicKey }) => publicKey ?? []) };
  }

  /**
   * Signs a token. Without arguments it is a valid token of the user `test-user` that expires in five minutes. It has no
   * `aud` unless you pass one.
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
    // JSON omits undefined members, so the test can remove a default by passing undefined.
    return compactJws(key, { alg, typ: 'JWT', kid, ...options.header }, this.#claims(claims, options));
  }

  /**
   * Issues an opaque token: a random text, whose claims only the introspection endpoint of this issuer returns (RFC 7662).
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
   * Sets the claims that the userinfo endpoint returns for a token of this user; the default is only `sub`. `null` deletes
   * the user, and the endpoint refuses their tokens.
   *
   * @example
   * ```ts
   * issuer.setUserInfo('alice', { name: 'Alice', email: 'alice@example.com', email_verified: true });
   * ```
   */
  setUserInfo(sub: string, claims: TestClaims | null): void {
    this.#userInfo.set(sub, claims);
  }

  /** Revokes a token, JWT or opaque: introspection and userinfo refuse it from now on. Its signature still verifies. */
  revoke(token: string): void {
    this.#tokens.revoke(token);
  }

  /**
   * Signs a token and returns the value of the `Authorization` header.
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
   * Signs with a new key and a new `kid` from now on. With `keepOld` the old keys stay in the key set, as in a regular
   * rotation; without it, earlier tokens no longer verify. A shared secret is replaced.
   */
  async rotateKeys({ keepOld }: { readonly keepOld: boolean }): Promise<void> {
    this.#key = await createSigningKey(this.#key.algorithm);
    this.#stranger = undefined;
    this.#published = [this.#key, ...(keepOld ? this.#published : [])];
  }

  /**
   * Simulates a fault until {@link TestIssuer.recover}. Tokens can still be signed. A later call replaces an earlier one for
   * the documents that it names.
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

  /** Ends every fault. Requests that already hang continue to do so until their client closes the connection. */
  recover(): void {
    this.#server.recover();
  }

  /** Stops listening and closes all connections, including hanging requests. A second call has no effect. */
  async stop(): Promise<void> {
    await this.#server.close();
  }

  /** Calls {@link TestIssuer.stop}: `await using issuer = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Creates one key for all forged tokens of a signing key, because RSA keys take long to create. */
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
      // RFC 8414 §3.1 inserts the well-known part before the issuer's path, OpenID Connect appends it.
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
    const body = metadataOf(this.url, this.jwksUri, this.#key.algorithm);
    return { kind: 'discovery', body: served ? body : undefined };
  }

  // Gives the private keys to `publishedKeysOf` without a public member that apps would see.
  static {
    keysOf = (issuer) => issuer.#published;
  }
}

/** Gives the current signing key to this project's own tests, which sign parts that no issuer would write. */
export function signingKeyOf(issuer: TestIssuer): SigningKey {
  return keysOf(issuer)[0];
}

/** The keys whose tokens are valid, the signing key first. */
export function publishedKeysOf(issuer: TestIssuer): readonly SigningKey[] {
  return keysOf(issuer);
}

function pathOf({ path = '' }: TestIssuerOptions): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed === '' || trimmed.startsWith('/') ? trimmed : `/${trimmed}`;
}

function present<T>(value: T | undefined, problem: string): T {
  if (value === undefined) {
    throw new Error(`TestIssuer: this issuer ${problem}`);
  }
  return value;
}
