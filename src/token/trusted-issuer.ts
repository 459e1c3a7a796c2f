import type { RefusalError } from '../errors/auth-error.js';
import type { Algorithm } from '../keys/algorithm.js';
import type { KeySource } from '../keys/key-source.js';
import type { MissingOption } from '../upstream/auth-context.js';
import type { JsonObject } from './json-object.js';
import type { TokenHeader } from './verified-token.js';

/**
 * Written in the place of an audience, it accepts tokens for whatever audience, or for none. Any token of
 * the issuer then opens this app, also one that a user gave to somebody else's; so it is a symbol, which
 * no configuration file can write.
 */
export const acceptAnyAudience: unique symbol = Symbol.for('nest-gatehouse.accept-any-audience');

/**
 * The audiences of this app, of which the token must name one; or `acceptAnyAudience`, and no other symbol. The type is
 * not that of the constant, because two loaded copies of the package have two constants of one value.
 */
export type AudienceRule = readonly string[] | symbol;

/**
 * Looks at what the issuer says, when everything else about the token is right. Never throws. An opaque token has no
 * header.
 */
export type FindFault = (claims: JsonObject, header: TokenHeader | null) => RefusalError | undefined;

/** What must hold for a token of one issuer. */
export interface IssuerTerms {
  /** The exact `iss` of its tokens. */
  readonly issuer: string;
  readonly audience: AudienceRule;
  readonly algorithms: ReadonlySet<Algorithm>;
  /** The `typ` that is asked for, lower case and without `application/`; `null` for any or none. */
  readonly tokenType: string | null;
  /** Seconds a token may be past its end or ahead of its start, for clocks that differ. */
  readonly clockToleranceSeconds: number;
  /** Seconds since `iat` after which a token is too old, whatever its `exp`; `null` for no such limit. */
  readonly maxTokenAgeSeconds: number | null;
  /** The claim that names the user. */
  readonly subjectClaim: string;
  /** What else must hold for its tokens: the refusal of one for which it does not, or `undefined`. */
  readonly findFault?: FindFault;
}

/** An issuer whose tokens are accepted, with the keys that they are checked against. */
export interface TrustedIssuer {
  readonly terms: IssuerTerms;
  readonly keys: KeySource;
  readonly verification: Verification;
  /** How it is asked about a token; `null` where it cannot be, and `verification` is `local`. */
  readonly statusSource: TokenStatusSource | null;
  /** The option to set when it cannot be asked. */
  readonly statusSourceHint: MissingOption;
}

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
