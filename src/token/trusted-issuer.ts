import type { RefusalError } from '../errors/refusal-error.js';
import type { Algorithm } from '../keys/algorithm.js';
import type { KeySource } from '../keys/key-source.js';
import type { JsonObject } from './json-object.js';
import type { MissingOption, TokenStatusSource, Verification } from './token-status-source.js';
import type { TokenHeader } from './token-header.js';

/**
 * Written in the place of an audience, it accepts tokens for whatever audience, or for none. Any token of
 * the issuer then opens this app, also one that a user gave to somebody else's; so it is a symbol, which
 * no configuration file can write.
 */
export const acceptAnyAudience: unique symbol = Symbol.for('nest-gatehouse.accept-any-audience');

/** The audiences that this app answers to: one of them must be in the token. */
export type AudienceRule = readonly string[] | typeof acceptAnyAudience;

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
  readonly statusSourceHint: MissingOption;
}
