import type { ExternalIdentity } from './external-identity.js';

/** Where a login leads to, and what binds its answer to it. */
export interface AuthorizationRequest {
  /** The address that the provider calls back, exactly as it is registered there. */
  readonly redirectUri: string;
  readonly state: string;
  /** Sent where the provider puts a nonce into its ID tokens. */
  readonly nonce: string;
  /** The PKCE verifier (RFC 7636 §4.1); its S256 challenge is sent where the provider takes one. */
  readonly codeVerifier: string;
}

/** What a provider sent back, and what the login has kept for it. */
export interface CodeExchange {
  readonly code: string;
  /** As in the `AuthorizationRequest`. */
  readonly redirectUri: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** The tokens of a provider for one person. */
export interface ProviderTokens {
  readonly accessToken: string;
  /** `null` where the provider issues none. */
  readonly refreshToken: string | null;
  /** `null` where the provider does not say it. */
  readonly expiresAt: Date | null;
  /** What the person has granted, which may be less than what was asked for. */
  readonly scopes: readonly string[];
}

/** Somebody who has signed in at a provider. */
export interface ProvenIdentity {
  readonly identity: ExternalIdentity;
  /** Whether the verified address may be relied on: only then is an account linked by it, or made with it. */
  readonly vouchesForEmail: boolean;
  /** The `sid` of the ID token, by which the provider ends the login (OpenID Connect Back-Channel Logout 1.0 §2.1); `null` where there is none. */
  readonly sessionId: string | null;
  readonly tokens: ProviderTokens;
}

/** A logout token whose signature and claims were verified (OpenID Connect Back-Channel Logout 1.0 §2.4). One of the first two is not `null`. */
export interface VerifiedLogout {
  readonly subject: string | null;
  readonly sessionId: string | null;
  /** The `jti`. */
  readonly id: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date | null;
}

/**
 * The client of one provider in a running app: RFC 6749, RFC 7636, RFC 9207 and OpenID Connect Core 1.0 from the side of the app.
 *
 * What the provider or the person declines, and an answer that does not belong to the login, is a `RefusalError`: `LOGIN_REFUSED`, or
 * `LOGIN_STATE` for another issuer than the provider's. Where the provider does not answer, answers with nonsense or does not know this app,
 * it is an `AuthUnavailableError`. A code is exchanged once and never again, whatever happens.
 */
export abstract class ProviderClient {
  abstract readonly id: string;
  /** `form_post`: the provider calls back with a form that its own page sends. */
  abstract readonly responseMode: 'query' | 'form_post';

  /** The address at the provider that the browser is sent to. */
  abstract authorizationUrl(request: AuthorizationRequest): Promise<string>;

  /** Checks the parameter `iss` of an answer, of one with an error too (RFC 9207 §2.4). @param issuer `null` where the answer has none */
  abstract checkIssuer(issuer: string | null): Promise<void>;

  /** Exchanges a code, verifies the ID token, and reads who it is. */
  abstract exchange(exchange: CodeExchange): Promise<ProvenIdentity>;

  /** Gets new tokens. A refresh token that the provider does not return is the earlier one. */
  abstract refresh(refreshToken: string): Promise<ProviderTokens>;

  /** @throws {RefusalError} `INVALID_TOKEN` for a token that does not pass, and `NOT_FOUND` for a provider without ID tokens */
  abstract verifyLogout(logoutToken: string): Promise<VerifiedLogout>;
}
