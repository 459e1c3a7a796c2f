import type { JsonObject } from './json-object.js';
import type { TokenHeader } from './parse-token.js';

/** A token that has passed every check. Frozen, down to the last claim. */
export interface VerifiedToken {
  /** The trusted issuer's exact name, equal to the claim `iss`. */
  readonly issuer: string;
  readonly header: TokenHeader;
  /** The payload as the issuer signed it. */
  readonly claims: JsonObject;
  /** When it ends, by its `exp`; the tolerance is not added. */
  readonly expiresAt: Date;
}
