import { randomBytes } from 'node:crypto';

import type { JwtSigner } from '../issuing/jwt-signer.js';
import type { JsonObject } from '../token/json-object.js';
import type { SessionTerms } from './session-options.js';
import type { NewSession } from './session-store.js';
import type { SessionSubject } from './session-subject.js';

/** An access token, and until when it is valid. */
export interface IssuedAccessToken {
  readonly accessToken: string;
  readonly expiresIn: number;
  readonly expiresAt: Date;
}

/** What a client is granted without a session. */
export interface ClientGrant {
  /** The user for whom it acts: the `sub`. */
  readonly userId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly isAnonymous: boolean;
  readonly audience: readonly string[];
  /** The thumbprint of the key that the token is bound to (RFC 9449 §6.1); `null` for a token that is not bound. */
  readonly jkt: string | null;
  /** The token expires then at the latest, in milliseconds since 1970; `null` where only its lifetime counts. */
  readonly notAfterMs: number | null;
}

/** Issues the access tokens of sessions and of clients (RFC 9068). */
export class AccessTokens {
  constructor(
    private readonly terms: SessionTerms,
    private readonly signer: JwtSigner,
  ) {}

  get issuer(): string {
    return this.terms.issuer;
  }

  /** What tokens may be meant for. */
  get audience(): readonly string[] {
    return this.terms.audience;
  }

  /**
   * @param now milliseconds since 1970
   * @throws {AuthUnavailableError} when the signing keys cannot be read.
   */
  async issue(
    session: Pick<NewSession, 'id' | 'authTime' | 'amr'>,
    subject: SessionSubject,
    now: number,
  ): Promise<IssuedAccessToken> {
    const { audience, clientId, lifetimeSeconds } = this.terms;
    const issuedAt = Math.floor(now / 1_000);
    const expiresAt = issuedAt + lifetimeSeconds;
    const accessToken = await this.signer.sign('at+jwt', {
      ...subject.claims,
      ...this.personalClaims(subject),
      ...this.requiredClaims({ audience, userId: subject.id, clientId }, issuedAt, expiresAt),
      sid: session.id,
      auth_time: Math.floor(session.authTime.getTime() / 1_000),
      amr: session.amr,
      ...authorityClaims(subject),
    });
    return { accessToken, expiresIn: lifetimeSeconds, expiresAt: new Date(expiresAt * 1_000) };
  }

  /**
   * Issues a token to a client without a session: it has neither `sid` nor `auth_time`.
   *
   * @param now milliseconds since 1970
   * @throws {AuthUnavailableError} when the signing keys cannot be read.
   */
  async issueToClient(grant: ClientGrant, now: number): Promise<IssuedAccessToken> {
    const issuedAt = Math.floor(now / 1_000);
    const latest = grant.notAfterMs === null ? Number.POSITIVE_INFINITY : Math.floor(grant.notAfterMs / 1_000);
    // A key that ends within this second gives a token of one second, as RFC 9068 requires `exp` to be later than `iat`.
    const expiresAt = Math.max(issuedAt + 1, Math.min(issuedAt + this.terms.lifetimeSeconds, latest));
    const accessToken = await this.signer.sign('at+jwt', {
      ...this.requiredClaims(grant, issuedAt, expiresAt),
      ...authorityClaims(grant),
      ...(grant.jkt !== null && { cnf: { jkt: grant.jkt } }),
    });
    return { accessToken, expiresIn: expiresAt - issuedAt, expiresAt: new Date(expiresAt * 1_000) };
  }

  /** RFC 9068 §2.2. */
  private requiredClaims(
    { audience, userId, clientId }: Pick<ClientGrant, 'audience' | 'userId' | 'clientId'>,
    issuedAt: number,
    expiresAt: number,
  ): JsonObject {
    return {
      iss: this.terms.issuer,
      // RFC 7519 §4.1.3: a single audience may be a text, which more verifiers read.
      aud: audience.length === 1 ? (audience[0] ?? this.terms.issuer) : audience,
      sub: userId,
      exp: expiresAt,
      iat: issuedAt,
      jti: randomBytes(16).toString('base64url'),
      client_id: clientId,
    };
  }

  private personalClaims({ email, emailVerified, name }: SessionSubject): Readonly<Record<string, string | boolean>> {
    const { include } = this.terms;
    return {
      ...(include.includes('email') && typeof email === 'string' && { email, email_verified: emailVerified ?? false }),
      ...(include.includes('name') && typeof name === 'string' && { name }),
    };
  }
}

/** RFC 9068 §2.2.3. What a user does not have is not in the token. */
function authorityClaims({
  roles = [],
  scopes = [],
  isAnonymous = false,
}: Pick<SessionSubject, 'roles' | 'scopes' | 'isAnonymous'>) {
  return {
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(roles.length > 0 && { roles }),
    ...(isAnonymous && { is_anonymous: true }),
  };
}
