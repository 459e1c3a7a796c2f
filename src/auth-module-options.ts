import type { DpopMode, DpopOptions } from './dpop/dpop-options.js';
import type { ClientCertificateSource } from './mtls/client-certificate.js';
import type { OptionalAuthOptions } from './access/route-metadata.js';
import type { RouteAuditOptions } from './audit/route-audit-options.js';
import type { AuthenticationScheme } from './authentication/authentication-scheme.js';
import type { Clock } from './clock/clock.js';
import type { TransportPlugin } from './transports/transport.js';
import type { ToUser } from './authentication/request-authenticator.js';
import type { IdentityProvider } from './issuers/identity-provider.js';
import type { ModuleIssuer } from './issuers/module-issuer.js';
import type { AsyncModuleOptions } from './provide-async-options.js';
import type { ProfileOptions } from './profiles/profile-options.js';
import type { ResourceOptions } from './resource-metadata/read-resources.js';
import type { TokenSource } from './request/token-sources.js';
import type { ReportEvent } from './telemetry/auth-event.js';
import type { RevocationOptions } from './revocation/revocation-options.js';
import type { ClaimsClass } from './token/claims-class.js';
import type { WarmUp } from './token/issuer-keys.js';
import type { Fetch } from './upstream/http-exchange.js';

/** How `AuthModule` verifies tokens. Read, checked and frozen once, when the app starts. */
export interface AuthModuleOptions {
  /**
   * Who may sign tokens: what `stackAuth()`, `propelAuth()`, `oidc()`, `jwtIssuer()` or another preset gives, or a list of
   * these. `ownTokens()` of `nest-gatehouse/sessions` stands for the app itself.
   */
  readonly issuers: IdentityProvider | ModuleIssuer | readonly (IdentityProvider | ModuleIssuer)[];
  /**
   * Where requests send their token: a source, or a list. All places are read: the same token in two of them is one token,
   * two different ones are a 400; with `firstOf(…)` the first place with a token counts.
   *
   * @defaultValue what the issuers' presets name; for most, `[fromBearer()]`
   */
  readonly tokenFrom?: TokenSource | readonly TokenSource[];
  /**
   * Kinds of credentials in addition to access tokens: instances of classes that extend `AuthenticationScheme`. They are asked in this
   * order, before access tokens.
   *
   * @defaultValue []
   */
  readonly schemes?: readonly AuthenticationScheme[];
  /** What `@OptionalAuth()` does where it does not say so itself. */
  readonly optionalAuth?: OptionalAuthOptions;
  /**
   * How many verified tokens are remembered, 0 to 1,000,000. A token is remembered when it comes for the second
   * time, and costs no signature check from then on; it is forgotten when it ends or its key is withdrawn.
   * `false`, or 0 entries, checks every signature again.
   *
   * @defaultValue { maxEntries: 10_000 }
   */
  readonly verifiedTokenCache?: { readonly maxEntries: number } | false;
  /**
   * Seconds for which an issuer's yes to a token is taken again, where issuers are asked (`verify`, `@VerifyOnline()`,
   * opaque tokens); 0 to 3600. A token that is revoked passes for that long. It never passes beyond its own end.
   *
   * @defaultValue 0: asked for every request; requests that come at once share a question
   */
  readonly onlineVerdictSeconds?: number;
  /** A class with class-validator decorators: a token whose claims fail it is refused with reason `claim`. */
  readonly claims?: ClaimsClass;
  /**
   * Makes of the verified user what `@CurrentUser()` gives; once per request, after the token has passed.
   * `null` or `undefined` says that the app knows no such user: 403, or `null` on an optional route. An
   * `HttpException` goes out as it is; anything else that it throws is a 500.
   */
  readonly toUser?: ToUser;
  /**
   * Fetches the issuers' keys before the app listens. `true`: an app whose issuer does not answer starts all
   * the same, says so in the log, and answers 503 to its tokens until it does. `'required'`: it does not start. An app of
   * `createApplicationContext` (commands, workers) serves no callers, and fetches keys only when it verifies a token.
   *
   * @defaultValue false: the first token has them fetched
   */
  readonly warmUp?: WarmUp;
  /**
   * Transports other than HTTP and GraphQL on which handlers are called: `[webSockets(), microservices()]`, each from the
   * subpath of its name. The guard refuses every call on a transport that is not listed here.
   */
  readonly transports?: readonly TransportPlugin[];
  /**
   * Types of execution contexts of other libraries in which handlers need no user: `['rmq']` for golevelup's RabbitMQ. Handlers
   * without decorators of this package then run, although `guardEverything` is on; those with one are refused, because nothing
   * can be read of their callers. The audit lists the handlers.
   *
   * @defaultValue []: `guardEverything` refuses calls of every context that no transport serves; `@Public()` opens a handler
   */
  readonly unguardedContexts?: readonly string[];
  /**
   * The outside address of the app's `/`, such as `https://api.example.com/v1`: https, or http on this machine, without a
   * query and a fragment. Its path is what a proxy strips; a global prefix is not part of it. Its origin is the app's own:
   * pages of this origin may send cookies.
   *
   * @defaultValue the app's own origin is what the HTTP adapter reports by its proxy setting (`trust proxy` of Express,
   * `trustProxy` of Fastify); forwarding headers do not count without that setting
   */
  readonly publicUrl?: string;
  /**
   * Whether access tokens that are bound to a key of their client are accepted (DPoP, RFC 9449): such a token is worthless to whoever
   * steals it without the key. A bound token never passes without its proof, also where this is `'off'`.
   *
   * Without a `DpopReplayStore` (`nest-gatehouse/redis`) each process remembers the proofs that were used, up to 300,000, and up to a tenth of
   * that for one key: its further requests are answered with 429 until some expire. While all 300,000 are in use, proofs are answered with 503.
   *
   * @defaultValue 'off'
   */
  readonly dpop?: DpopMode | DpopOptions;
  /**
   * Where the certificate of a client is, behind a proxy that ends TLS: `fromProxyHeader('x-client-cert', { … })`. A token that is bound
   * to a certificate (`cnf['x5t#S256']`, RFC 8705 §3) passes only with it.
   *
   * @defaultValue the certificate that the client has shown to the TLS server of the app; no header is read
   */
  readonly clientCertificate?: ClientCertificateSource;
  /**
   * Origins of other pages, such as `https://app.example.com`, that may change something or open a WebSocket by a token in
   * a cookie (or by `Basic`). A browser sends these with the requests of every page, so requests of all other pages are
   * answered with 403 `ACCESS_DENIED`. Tokens that a page adds itself (`Authorization: Bearer`) are not concerned.
   *
   * @defaultValue []
   */
  readonly trustedOrigins?: readonly string[];
  /** @deprecated The name of `trustedOrigins` in version 0.1.0. Together they are a `ConfigurationError`. */
  readonly socketOrigins?: readonly string[];
  /**
   * The address of the app, or of a part of it such as an MCP server, as a protected resource (RFC 9728); a list for several, of
   * which the one with the longest path counts for a request. Clients that know only this address find the issuers: metadata is
   * published below `/.well-known/oauth-protected-resource`, and challenges name it. Tokens must name the resource as their
   * audience, and nobody else; outside of all resources the `audience` of their issuer is enough. An issuer whose `audience` does
   * not accept the resource is a `ConfigurationError`.
   *
   * @defaultValue none: no metadata, and the `audience` of the issuers everywhere
   */
  readonly resource?: ResourceOptions | readonly ResourceOptions[];
  /**
   * Scopes that include others: with `{ admin: ['read', 'write'] }` a token or an API key with `admin` may do what requires `read`.
   * What an included scope includes counts as well. A scope that includes itself is a `ConfigurationError`.
   *
   * @defaultValue {}: each scope counts for itself
   */
  readonly scopeImplies?: Readonly<Record<string, string | readonly string[]>>;
  /**
   * Called with each event (a refusal, an outage, a mistake in the configuration) after it was logged: to write events as
   * JSON, or to count them. Events are plain data without tokens. What it throws is logged and changes no answer.
   */
  readonly onEvent?: ReportEvent;
  /**
   * For development: the body of a refusal on HTTP has a member `explanation`, with what the log says of it. It may repeat texts of the
   * token. With `NODE_ENV=production` it has no effect, and a warning is logged at the start.
   *
   * @defaultValue false
   */
  readonly explainInAnswers?: boolean;
  /**
   * Refuses tokens that were revoked before they expire: `RevocationService` revokes a token, a session, a user or a
   * client. Costs a remembered token one comparison, and no I/O for any. A `RevocationStore`, if a module of the app
   * provides one, shares revocations between processes; without one each process knows its own, until it ends.
   *
   * @defaultValue false; with `SessionsModule` true, because the end of a session revokes its access tokens
   */
  readonly revocation?: boolean | RevocationOptions;
  /** Where "now" comes from. @defaultValue the machine's clock */
  readonly clock?: Clock;
  /** How issuers and providers are called. */
  readonly http?: HttpOptions;
  /**
   * How long `UserProfileService` and `@CurrentProfile()` keep what a provider tells of a user, and where.
   *
   * @defaultValue { freshForSeconds: 60, staleForSeconds: 600, notFoundForSeconds: 10, maxEntries: 10_000 }
   */
  readonly profiles?: ProfileOptions;
  /**
   * Writes every handler of the app to the log when it starts (HTTP routes, resolvers, gateway messages, microservice
   * patterns): protected, with what is demanded; optional; public; or unguarded. `{ strict: true }` stops the app
   * when one is unguarded. Not in an app of `createApplicationContext`, which serves no callers.
   *
   * @defaultValue false
   */
  readonly routeAudit?: boolean | RouteAuditOptions;
}

/** How the module calls key servers and providers. */
export interface HttpOptions {
  /**
   * The longest that one call may take, from its start to the last byte, in milliseconds; 1 to 60,000. A look-up
   * of a profile has no more than that either, with all repetitions.
   *
   * @defaultValue 5000
   */
  readonly timeoutMs?: number;
  /**
   * Carries the calls out; hand in one of your own for a proxy or a private CA.
   *
   * @defaultValue the global `fetch` for keys; for a provider's API, connections that are kept
   */
  readonly fetch?: Fetch;
}

/** What is known before any option is read. */
export interface AuthModuleExtras {
  /** Guards every route of the app, without `@UseGuards`; `@Public()` opens one. @defaultValue false */
  readonly guardEverything?: boolean;
  /** Whether all modules of the app can use the guard and the services without importing this one. @defaultValue true */
  readonly isGlobal?: boolean;
}

/** Makes the options, where a class is more handy than a function. */
export interface AuthOptionsFactory {
  createAuthOptions(): AuthModuleOptions | Promise<AuthModuleOptions>;
}

/** The options of `AuthModule.forRootAsync`: exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface AuthModuleAsyncOptions
  extends AuthModuleExtras,
    AsyncModuleOptions<AuthModuleOptions, AuthOptionsFactory> {}
