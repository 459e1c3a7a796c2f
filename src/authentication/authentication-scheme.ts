import type { AuthError } from '../errors/auth-error.js';
import type { Challenge, HeaderLines } from '../challenge/error-answers.js';
import type { Credential } from '../request/find-credential.js';
import type { RequestView } from '../request/request-view.js';
import type { MaybePromise } from '../token/maybe-promise.js';
import type { VerifiedToken } from '../token/verified-token.js';
import type { AuthUser } from '../user/auth-user.js';

/** The result of authenticating one request. */
export interface Authentication {
  readonly user: AuthUser;
  /** The HTTP authentication scheme that the credential was presented with. */
  readonly scheme: string;
  /**
   * The token's `jti` or the API key's id, which identifies the credential in revocations, audit records and logs;
   * `null` when it has none.
   */
  readonly credentialId: string | null;
  /** The verified token; `null` for a credential that is not a token. */
  readonly token: VerifiedToken | null;
  /** When the credential expires, in milliseconds since 1970; `null` when it does not expire by itself. */
  readonly expiresAtMs: number | null;
}

/** A security scheme as OpenAPI writes it: `{ type: 'http', scheme: 'basic' }`. */
export interface SecurityScheme {
  readonly type: 'http' | 'apiKey' | 'oauth2' | 'openIdConnect';
  readonly [member: string]: unknown;
}

/**
 * One kind of credential, for example access tokens, API keys or signed requests. An app adds one by
 * `AuthModule.forRoot({ schemes: [new MyScheme()] })`. The guard, the decorators and all transports support it in the
 * same way as access tokens.
 *
 * Each request is passed to `find` of all schemes, first those of the app in their order, then `Bearer`. A request may
 * carry one credential: two different ones are refused with `INVALID_REQUEST`. If two schemes find the same text, only
 * the first one verifies it.
 *
 * ```ts
 * class ApiKeyScheme extends AuthenticationScheme {
 *   readonly name = 'api-key';
 *   find(request) { … }                   // returns the credential of the request, or undefined
 *   async authenticate(credential) { … }  // returns an Authentication, or throws a RefusalError
 *   challenge() { return null; }          // sends no challenge
 * }
 * ```
 */
export abstract class AuthenticationScheme {
  /** The name of the scheme in the log and in configuration errors. It must be unique in the app. */
  abstract readonly name: string;

  /**
   * What every credential of the scheme begins with, if that is how `find` recognizes it: `['acme_']`. Two schemes of an app with
   * the same beginning are a `ConfigurationError`.
   */
  readonly prefixes?: readonly string[];

  /**
   * Finds the credential of this scheme in a request. It must perform no I/O.
   *
   * @throws {RefusalError} `INVALID_REQUEST` for a credential that is malformed.
   */
  abstract find(request: RequestView): Credential | undefined;

  /**
   * Verifies a credential that `find` returned. It is called once for each request and credential, even if several
   * guards run.
   *
   * @throws {RefusalError} when the credential is not accepted.
   * @throws {AuthUnavailableError} when the credential cannot be verified now, for example because a database does not
   * answer.
   */
  abstract authenticate(credential: Credential, request: RequestView): MaybePromise<Authentication>;

  /**
   * Returns the challenge of this scheme for the response to an error (RFC 9110 §11.6.1), or `null` to send none.
   * `error.scheme` is the HTTP scheme of the refused credential. Only the challenge of that scheme should describe the
   * error.
   */
  abstract challenge(error: AuthError, request: RequestView | null): Challenge | null;

  /**
   * Returns the authentication of a credential that was verified before, if it can be confirmed without I/O; otherwise
   * `undefined`, and `authenticate` is called. It is called for each guard of each request.
   *
   * @throws {RefusalError} when the credential has expired or was revoked.
   */
  recall?(credential: Credential): Authentication | undefined;

  /**
   * Whether an earlier authentication of the same request still holds. The object of a request may live long, as a
   * socket does. Without this method, an authentication holds for five seconds, and not beyond its `expiresAtMs`.
   *
   * @throws {RefusalError} when the credential has expired or was revoked.
   */
  holds?(authentication: Authentication): boolean;

  /**
   * Verifies a credential with a confirmation by its issuer that is requested for this request, as routes with
   * `@VerifyOnline()` require. Without this method, such routes refuse the credentials of this scheme.
   *
   * @param earlier the authentication of this request and credential, when `authenticate` was called before
   */
  authenticateOnline?(
    credential: Credential,
    request: RequestView,
    earlier?: Authentication,
  ): MaybePromise<Authentication>;

  /**
   * The security schemes that OpenAPI documents list for this kind of credential, by their names, besides those for the places
   * of access tokens.
   *
   * @param scopes all scopes that routes of the app require
   * @param kinds for the operation of a route with `@AcceptCredentials`: the kinds that it accepts. A scheme whose kind is not among
   *   them returns `{}`. `null` for all kinds
   */
  securitySchemes?(
    scopes: readonly string[],
    kinds: readonly string[] | null,
  ): Readonly<Record<string, SecurityScheme>>;

  /**
   * Until when an open connection (a WebSocket, a GraphQL subscription, a stream of gRPC) may stay open although its
   * credential has expired, for example because the session that the credential belongs to is still active; `null` when
   * the connection must be closed. It is called when the credential has expired, and then at least once a minute for
   * each such connection, so it should remember its answers. Until the returned date, messages on the connection are
   * accepted as those of `user`. New connections and all other requests with the credential are refused.
   *
   * Without this method, a connection is closed when its credential has expired.
   *
   * @param user the user of the authentication that this scheme returned for the credential before it expired
   * @throws {RefusalError} when the credential was revoked; the connection is closed.
   * @throws {AuthUnavailableError} when it is not known now; the connection stays open for a minute at most.
   */
  extend?(credential: Credential, user: AuthUser): MaybePromise<Date | null>;
}

/** Gives the headers of a successful answer to a request. */
export type HeadersOfSuccess = (request: RequestView) => HeaderLines;

/** A scheme whose successful answers have headers. */
interface BoundScheme extends AuthenticationScheme {
  /** `null` where there are never any. */
  readonly headersOfSuccess: HeadersOfSuccess | null;
}

/** The schemes of an app. */
export class AuthenticationSchemes {
  /** In the order in which `find` is called: the schemes of the app, then `Bearer`. */
  readonly inOrder: readonly AuthenticationScheme[];
  /** In the order in which their challenges are sent: `Bearer` first. */
  readonly challengers: readonly AuthenticationScheme[];

  /** The headers of a successful answer to a request; `null` where no scheme has any. */
  readonly headersOfSuccess: HeadersOfSuccess | null;

  /** @param dpop that of bound tokens; `null` where it is off. It finds a token with a proof before Bearer does */
  constructor(ofApp: readonly AuthenticationScheme[], bearer: AuthenticationScheme, dpop: BoundScheme | null = null) {
    this.headersOfSuccess = dpop?.headersOfSuccess ?? null;
    const bound = dpop === null ? [] : [dpop];
    this.inOrder = [...ofApp, ...bound, bearer];
    this.challengers = [bearer, ...bound, ...ofApp];
  }
}
