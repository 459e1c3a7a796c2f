import type { AuthError } from '../errors/auth-error.js';
import type { Challenge } from '../challenge/error-answers.js';
import type { Credential } from '../request/find-credential.js';
import type { RequestView } from '../request/request-view.js';
import type { MaybePromise } from '../token/maybe-promise.js';
import type { VerifiedToken } from '../token/verified-token.js';
import type { AuthUser } from '../user/auth-user.js';

/** What one request proved. */
export interface Authentication {
  readonly user: AuthUser;
  /** The HTTP authentication scheme that the credential was presented with. */
  readonly scheme: string;
  /** The token's `jti`, the key's id: what revocation, audits and logs name. `null` where the credential has none. */
  readonly credentialId: string | null;
  /** The verified token; `null` for a credential that is no token. */
  readonly token: VerifiedToken | null;
  /** When the credential expires, in milliseconds since 1970; `null` when it does not expire by itself. */
  readonly expiresAtMs: number | null;
}

/**
 * One kind of credential: access tokens, API keys, a signed request. An app adds one by
 * `AuthModule.forRoot({ schemes: [new MyScheme()] })`; the guard, the decorators and all transports work with it as they do
 * with access tokens.
 *
 * The schemes of an app are asked in order, those of the app first and `Bearer` last. A request may carry one credential:
 * two different ones are refused with `INVALID_REQUEST`. Where two schemes find the same text, the first one verifies it,
 * and no other is asked.
 *
 * ```ts
 * class ApiKeyScheme extends AuthenticationScheme {
 *   readonly name = 'api-key';
 *   find(request) { … }                   // the credential of the request, or undefined
 *   async authenticate(credential) { … }  // an Authentication, or a RefusalError
 *   challenge() { return null; }          // no challenge of its own
 * }
 * ```
 */
export abstract class AuthenticationScheme {
  /** Names it in the log and in configuration errors; different for each scheme of an app. */
  abstract readonly name: string;

  /**
   * The credential of this scheme that the request carries. Reads headers only; performs no I/O.
   *
   * @throws {RefusalError} `INVALID_REQUEST` for a credential that is malformed.
   */
  abstract find(request: RequestView): Credential | undefined;

  /**
   * Proves a credential that `find` returned. Called once for a request and a credential, however many guards run.
   *
   * @throws {RefusalError} when the credential does not pass.
   * @throws {AuthUnavailableError} when that cannot be decided, through no fault of the caller.
   */
  abstract authenticate(credential: Credential, request: RequestView): MaybePromise<Authentication>;

  /**
   * The challenge of this scheme in an answer to an error (RFC 9110 §11.6.1); `null` for none. `error.scheme` is the HTTP
   * scheme of the credential that the error is about: its challenge carries the error, the others carry none.
   */
  abstract challenge(error: AuthError, request: RequestView | null): Challenge | null;

  /**
   * The authentication of a credential that was proven before, when memory alone can confirm it; else `undefined`, and
   * `authenticate` is called. Called for each guard of each request.
   *
   * @throws {RefusalError} when it has expired or was withdrawn.
   */
  recall?(credential: Credential): Authentication | undefined;

  /**
   * Whether an authentication that was made earlier for the same request still holds. The object that stands for a request
   * may live long, as a socket does. Left out, an authentication holds for five seconds, and not beyond `expiresAtMs`.
   *
   * @throws {RefusalError} when it has expired or was withdrawn.
   */
  holds?(authentication: Authentication): boolean;

  /**
   * The same as `authenticate`, with a confirmation by the issuer that was given for this request: what a route under
   * `@VerifyOnline()` requires. Left out, such routes refuse the credentials of this scheme.
   *
   * @param earlier what `authenticate` gave for this request and credential, where it was called before
   */
  authenticateOnline?(
    credential: Credential,
    request: RequestView,
    earlier?: Authentication,
  ): MaybePromise<Authentication>;
}

/** The schemes of an app. */
export class AuthenticationSchemes {
  /** In the order in which they are asked for a credential: those of the app, then `Bearer`. */
  readonly inOrder: readonly AuthenticationScheme[];
  /** In the order of their challenges: `Bearer` first. */
  readonly challengers: readonly AuthenticationScheme[];

  constructor(ofApp: readonly AuthenticationScheme[], bearer: AuthenticationScheme) {
    this.inOrder = [...ofApp, bearer];
    this.challengers = [bearer, ...ofApp];
  }
}
