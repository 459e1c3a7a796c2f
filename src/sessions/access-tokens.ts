import { randomBytes } from 'node:crypto';

import type { JwtSigner } from '../issuing/jwt-signer.js';
import type { SessionTerms } from './session-options.js';
import type { NewSession } from './session-store.js';
import type { SessionSubject } from './session-subject.js';

/** An access token, and until when it is valid. */
export interface IssuedAccessToken {
  readonly accessToken: string;
  readonly expiresIn: number;
  readonly expiresAt: Date;
}

/** Issues the access tokens of sessions (RFC 9068). */
export class AccessTokens {
  constructor(
    private readonly terms: SessionTerms,
    private readonly signer: JwtSigner,
  ) {}

  /**
   * @param now milliseconds since 1970
   * @throws {AuthUnavailableError} when the signing keys cannot be read.
   */
  async issue(
    session: Pick<NewSession, 'id' | 'authTime' | 'amr'>,
    subject: SessionSubject,
    now: number,
  ): Promise<IssuedAccessToken> {
    const { issuer, audience, clientId, lifetimeSeconds } = this.terms;
    const issuedAt = Math.floor(now / 1_000);
    const expiresAt = issuedAt + lifetimeSeconds;
    const accessToken = await this.signer.sign('at+jwt', {
      ...subject.claims,
      ...this.personalClaims(subject),
      iss: issuer,
      // RFC 7519 §4.1.3: a single audience may be a text, which more verifiers read.
      aud: audience.length === 1 ? (audience[0] ?? issuer) : audience,
      sub: subject.id,
      exp: expiresAt,
      iat: issuedAt,
      jti: randomBytes(16).toString('base64url'),
      client_id: clientId,
      sid: session.id,
      auth_time: Math.floor(session.authTime.getTime() / 1_000),
      amr: session.amr,
      ...authorityClaims(subject),
    });
    return { accessToken, expiresIn: lifetimeSeconds, expiresAt: new Date(expiresAt * 1_000) };
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
function authorityClaims({ roles = [], scopes = [], isAnonymous = false }: SessionSubject) {
  return {
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(roles.length > 0 && { roles }),
    ...(isAnonymous && { is_anonymous: true }),
  };
}
