import type { RefusalError, RefusalReason } from '../errors/auth-error.js';
import type { Algorithm } from '../keys/algorithm.js';
import type { KeySource } from '../keys/key-source.js';
import type { MissingOption } from '../upstream/auth-context.js';
import type { JsonObject } from './json-object.js';
import type { MaybePromise } from './maybe-promise.js';
import type { TokenHeader, VerifiedToken } from './verified-token.js';

/**
 * Accepts tokens of any audience or of none, when it is set as an issuer's `audience`. Every token of the issuer is
 * then valid for this app, including one that was issued for another app, which could use it here. It is a symbol, so
 * that it cannot come from a configuration file by mistake.
 */
export const acceptAnyAudience: unique symbol = Symbol.for('nest-gatehouse.accept-any-audience');

/**
 * The audiences of this app, of which a token must name at least one; or `acceptAnyAudience`, the only accepted symbol.
 * The type is `symbol`, because the constants of two loaded copies of the package have different types but the same
 * value.
 */
export type AudienceRule = readonly string[] | symbol;

/**
 * Checks the claims and the header of a token after all other checks, and returns the refusal, or `undefined` to accept
 * the token. It must not throw. `header` is `null` for an opaque token.
 */
export type FindFault = (claims: JsonObject, header: TokenHeader | null) => RefusalError | undefined;

/**
 * Returns what is known about refused tokens of a provider, for the log: why its tokens are like this and what to change. It
 * is called for the reasons `audience`, `claim` (where the user's id is missing) and `signature`; with `signature` nothing in
 * the token is verified. It must not throw, and must not return a part of the token.
 */
export type ExplainRefusal = (
  reason: RefusalReason,
  claims: JsonObject,
  header: TokenHeader | null,
) => string | undefined;

/** The conditions that tokens of one issuer must satisfy. */
export interface IssuerTerms {
  /** The exact `iss` of its tokens. */
  readonly issuer: string;
  readonly audience: AudienceRule;
  readonly algorithms: ReadonlySet<Algorithm>;
  /** The required `typ`, in lower case and without `application/`; `null` to accept any and none. */
  readonly tokenType: string | null;
  /** How many seconds a token is accepted before its start and after its expiry, because clocks differ. */
  readonly clockToleranceSeconds: number;
  /** How many seconds after its `iat` a token is refused, even before its `exp`; `null` for no limit. */
  readonly maxTokenAgeSeconds: number | null;
  /** The claim with the id of the user. */
  readonly subjectClaim: string;
  /** Claims of which one has the id of the caller where `subjectClaim` is missing or empty, as in tokens of programs. */
  readonly otherSubjectClaims?: readonly string[];
  /** An additional check for this issuer's tokens. */
  readonly findFault?: FindFault;
  /** Adds to the explanation of a refusal what is known about this issuer's tokens. */
  readonly explain?: ExplainRefusal;
}

/** An issuer whose tokens are accepted. */
export interface TrustedIssuer {
  readonly terms: IssuerTerms;
  readonly keys: KeySource;
  readonly verification: Verification;
  /** Introspects a token; `null` for an issuer without introspection, whose `verification` is `local`. */
  readonly statusSource: TokenStatusSource | null;
  /** Tells whether sessions are active; `null` or absent for an issuer whose connections end with their tokens. */
  readonly sessions?: SessionStatusSource | null;
  /** The option that enables introspection, for the error where it is required and missing. */
  readonly statusSourceHint: MissingOption;
}

/**
 * How the tokens of an issuer are verified: `local` by signature and claims, `online` by introspection, `hybrid` by
 * both. In `hybrid` the signature is checked first, so that forged tokens cause no introspection.
 */
export type Verification = (typeof verifications)[number];

/** The values of the option `verify`. */
export const verifications = ['local', 'online', 'hybrid'] as const;

/** Introspects tokens: asks an issuer whether a token is active. */
export interface TokenStatusSource {
  /** Whether it introspects opaque tokens, which name no issuer. */
  readonly acceptsOpaqueTokens: boolean;

  /**
   * Makes a call to the issuer each time. The caller shares calls for the same token.
   *
   * @param claims the claims in the token, which may not be verified; `null` for an opaque token
   * @param about whether the token is known: its signature is verified, or the issuer has confirmed it before. A pause
   * that the issuer asks for because of unknown tokens should not concern known ones.
   * @returns the claims that the issuer states, which are merged with those of the token and checked again; `null` when
   * the issuer confirms the token without claims
   * @throws {RefusalError} when the token is not active.
   * @throws {AuthUnavailableError} when the issuer does not answer, or its answer is invalid.
   */
  ask(token: string, claims: JsonObject | null, about?: { readonly isKnown: boolean }): Promise<JsonObject | null>;
}

/**
 * Tells whether the sessions in which an issuer has issued tokens are active. Where an issuer has it, connections (a
 * WebSocket, a GraphQL subscription, a stream of gRPC) that were opened with a token of a session stay open after the
 * token has expired, until the session has ended.
 */
export interface SessionStatusSource {
  /**
   * Called when a token has expired with which a connection is open, and again when the returned date has passed. Calls
   * for the same token are shared. Only tokens that were verified before they expired are passed. Until the returned
   * date, the connection is closed early only by a revocation of the token, its session, its user or its client, so an
   * issuer that ends sessions also revokes them (`RevocationService.revokeSession`), or returns a date that is not far.
   *
   * @returns until when the session can be regarded as active without another call; `null` when it has ended
   * @throws {AuthUnavailableError} when it is not known now. Connections then stay open for a minute, in which the call
   * is repeated each second, and are closed after it.
   */
  stillActive(token: VerifiedToken): MaybePromise<Date | null>;
}
