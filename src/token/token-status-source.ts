import type { JsonObject } from './json-object.js';

/**
 * How an issuer's tokens are judged: by signature and claims alone, by asking the issuer about each, or both: the
 * signature first, so that anonymousCaller is asked about a forged token.
 */
export type Verification = (typeof verifications)[number];

/** All of them, as an option may be written. */
export const verifications = ['local', 'online', 'hybrid'] as const;

/** A way to ask an issuer whether it stands by a token now. */
export interface TokenStatusSource {
  /** Whether tokens that are no JWT, and so name no issuer, are for it to judge. */
  readonly acceptsOpaqueTokens: boolean;

  /**
   * Asks, each time: that many who ask about one token make one call is seen to elsewhere.
   *
   * @param claims what the token itself says, of which nothing may have been proven; `null` for an opaque one
   * @returns the claims that the issuer vouches for, and of which those of the token are checked again;
   * `null` when it stands by the token as it is
   * @throws {RefusalError} when the issuer does not stand by the token.
   * @throws {AuthUnavailableError} when it does not say, or cannot be understood.
   */
  ask(token: string, claims: JsonObject | null): Promise<JsonObject | null>;
}

/** What an app has to write so that an issuer can be asked: said in a `ConfigurationError`. */
export interface MissingOption {
  /** The option: `oidc({ introspection })`. */
  readonly option: string;
  /** A sentence without its full stop. */
  readonly fix: string;
}
