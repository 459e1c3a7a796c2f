import { bearerChallenge, type Challenge } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import {
  checkCredential,
  type Credential,
  findCredential,
  findCredentialFault,
  acceptsEveryJwt,
} from '../request/find-credential.js';
import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import { hasThreeParts } from '../token/parse-token.js';
import { chain, type MaybePromise, recover } from '../token/maybe-promise.js';
import type { TokenVerifier, Verdict } from '../token/token-verifier.js';
import { deriveOnce, type VerifiedToken } from '../token/verified-token.js';
import type { AuthUser } from '../user/auth-user.js';
import type { ClaimMap } from '../user/claim-map.js';
import { findTokenOf, findVerifiedTokenOf, toAuthUser } from '../user/verified-user.js';
import { type Authentication, AuthenticationScheme } from './authentication-scheme.js';

export interface BearerSchemeParts {
  readonly sources: readonly TokenSource[];
  readonly verifier: TokenVerifier;
  /** The claim map of each issuer, by the issuer's name. */
  readonly claimMaps: ReadonlyMap<string, ClaimMap>;
  /**
   * Refuses a token that needs more than this scheme can check, such as one that is bound to a key. Called once for each token.
   *
   * @returns the thumbprint of the client certificate that the token is bound to (RFC 8705 §3.1); `null` for none
   */
  readonly checkUser?: (user: AuthUser) => string | null;
  /** Refuses a request without the client certificate that has the thumbprint. Called for each request with a token that is bound to one. */
  readonly checkCertificate?: (thumbprint: string, request: RequestView) => void;
}

/** Access tokens (RFC 6750): JWTs, and opaque tokens where an issuer accepts them. */
export class BearerScheme extends AuthenticationScheme {
  override readonly name = 'Bearer';

  constructor(private readonly parts: BearerSchemeParts) {
    super();
  }

  override find(request: RequestView): Credential | undefined {
    return findCredential(request, this.parts.sources);
  }

  override recall(credential: Credential): Authentication | undefined {
    const entry = this.parts.verifier.findVerified(credential.text);
    if (entry === undefined) return undefined;
    const authentication = this.toAuthentication(entry);
    // What depends on the connection is checked by `authenticate`, which has the request.
    return authentication.certificate === null ? authentication : undefined;
  }

  override authenticate(credential: Credential, request: RequestView): MaybePromise<Authentication> {
    const { text } = credential;
    // A valid JWT satisfies the grammar of most places, so there the grammar is checked only after the token was
    // refused.
    if (!acceptsEveryJwt(credential) || !hasThreeParts(text)) checkCredential(credential);
    return recover(
      () =>
        chain(
          this.parts.verifier.findVerified(text) ?? this.parts.verifier.verifyUncached(text, () => networkOf(request)),
          (verdict) => this.accept(verdict, request),
        ),
      (error) => {
        // A text that violates the grammar of its place is answered with 400 instead of 401.
        throw findCredentialFault(credential) ?? error;
      },
    );
  }

  override async authenticateOnline(
    credential: Credential,
    request: RequestView,
    earlier?: Authentication,
  ): Promise<Authentication> {
    const isIntrospected = earlier instanceof BearerAuthentication && earlier.verdict.key === null;
    if (isIntrospected && this.holds(earlier)) return earlier;
    checkCredential(credential);
    return this.accept(await this.parts.verifier.verifyOnline(credential.text, () => networkOf(request)), request);
  }

  override holds(authentication: Authentication): boolean {
    return authentication instanceof BearerAuthentication && this.parts.verifier.holds(authentication.verdict);
  }

  /**
   * A connection that a session has opened stays open while the session is active, where the issuer of the token can be
   * asked about sessions. Only a token that was verified before it expired is extended.
   */
  override extend({ text }: Credential, user: AuthUser): MaybePromise<Date | null> {
    const token = findVerifiedTokenOf(user);
    if (token === undefined || findTokenOf(user) !== text) return null;
    return this.parts.verifier.sessions.extend(token);
  }

  override challenge(error: AuthError): Challenge | null {
    return bearerChallenge(error, error.scheme === null || error.scheme === 'Bearer');
  }

  /** @throws {RefusalError} reason `proof` when the token is bound to a certificate that the request has not come with. */
  private accept(verdict: Verdict, request: RequestView): Authentication {
    const authentication = this.toAuthentication(verdict);
    const { certificate } = authentication;
    if (certificate !== null) this.parts.checkCertificate?.(certificate, request);
    return authentication;
  }

  /**
   * A cached token has the same `VerifiedToken` each time, and therefore the same authentication and the same frozen
   * user.
   */
  private readonly toAuthentication = (verdict: Verdict): BearerAuthentication =>
    deriveOnce(verdict.token, this.createAuthentication, verdict);

  private readonly createAuthentication = (verdict: Verdict): BearerAuthentication => {
    const user = this.toUser(verdict);
    return new BearerAuthentication(user, verdict, this.parts.checkUser?.(user) ?? null);
  };

  private toUser({ text, token }: Verdict): AuthUser {
    const claimMap = this.parts.claimMaps.get(token.issuer);
    if (claimMap === undefined) throw new Error('A trusted issuer has no claim map');
    return toAuthUser(this.parts.verifier.toDetachedString(text), token, claimMap);
  }
}

/** The authentication by a verified token. */
export abstract class TokenAuthentication implements Authentication {
  abstract readonly scheme: 'Bearer' | 'DPoP';
  readonly token: VerifiedToken;

  constructor(
    readonly user: AuthUser,
    readonly verdict: Verdict,
  ) {
    this.token = verdict.token;
  }

  get credentialId(): string | null {
    return this.user.credential.id;
  }

  get expiresAtMs(): number {
    return this.verdict.validity.expiresAt * 1_000;
  }
}

class BearerAuthentication extends TokenAuthentication {
  readonly scheme = 'Bearer';

  constructor(
    user: AuthUser,
    verdict: Verdict,
    /** The thumbprint of the client certificate that the token is bound to; `null` for none. */
    readonly certificate: string | null,
  ) {
    super(user, verdict);
  }
}
