import type { JsonObject } from './json-object.js';

/** The protected header (RFC 7515 §4), of which only these members mean anything here. */
export interface TokenHeader extends JsonObject {
  readonly alg: string;
  readonly kid?: string;
  readonly typ?: string;
}

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

/** The one implementation: what a token was turned into when it had passed. */
class PassedToken implements VerifiedToken {
  declare readonly expiresAt: Date;
  // A private field of a frozen object can still be written.
  #made: object | undefined;

  constructor(
    readonly issuer: string,
    readonly header: TokenHeader,
    readonly claims: JsonObject,
  ) {
    Object.defineProperty(this, 'expiresAt', expiresAtOfClaims);
    Object.freeze(this);
  }

  static once<Made extends object, Source>(token: VerifiedToken, make: (source: Source) => Made, source: Source): Made {
    if (!(#made in token)) return make(source);
    token.#made ??= make(source);
    return token.#made as Made;
  }
}

/**
 * A Date cannot be frozen, and these objects are handed to many: each reader gets one of their own. One
 * getter serves all objects, which then keep the same shape.
 */
export const expiresAtOfClaims: PropertyDescriptor & ThisType<{ readonly claims: JsonObject }> = {
  enumerable: true,
  get() {
    return new Date(Number(this.claims['exp']) * 1_000);
  },
};

/** Header and claims have to be frozen, down to their last member. */
export function toVerifiedToken(issuer: string, header: TokenHeader, claims: JsonObject): VerifiedToken {
  return new PassedToken(issuer, header, claims);
}

/**
 * What is made of a verified token once and kept with it, as long as it lives: what it proves, with its user. One app makes one
 * kind of thing of its tokens. `source` is handed to `make`, so that no closure is needed for each look-up.
 */
export function madeOnceOf<Made extends object, Source>(
  token: VerifiedToken,
  make: (source: Source) => Made,
  source: Source,
): Made {
  return PassedToken.once(token, make, source);
}
