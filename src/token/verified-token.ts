import type { JsonObject } from './json-object.js';

/** The protected header of a token (RFC 7515 §4). Members other than these are not used. */
export interface TokenHeader extends JsonObject {
  readonly alg: string;
  readonly kid?: string;
  readonly typ?: string;
}

/** A token that has passed all checks. It is deeply frozen. */
export interface VerifiedToken {
  /** The exact name of the trusted issuer, equal to the claim `iss`. */
  readonly issuer: string;
  readonly header: TokenHeader;
  /** The claims of the payload; for an introspected token, merged with the claims in the issuer's answer. */
  readonly claims: JsonObject;
  /** When the token expires by its `exp`, without the clock tolerance. Each read returns a new `Date`. */
  readonly expiresAt: Date;
}

/** Implements `VerifiedToken`, and stores the object that was derived from it. */
class FrozenToken implements VerifiedToken {
  declare readonly expiresAt: Date;
  // Freezing an object does not freeze its private fields.
  #derived: object | undefined;

  constructor(
    readonly issuer: string,
    readonly header: TokenHeader,
    readonly claims: JsonObject,
  ) {
    Object.defineProperty(this, 'expiresAt', expiresAtOfClaims);
    Object.freeze(this);
  }

  static deriveOnce<Derived extends object, Source>(
    token: VerifiedToken,
    derive: (source: Source) => Derived,
    source: Source,
  ): Derived {
    if (!(#derived in token)) return derive(source);
    token.#derived ??= derive(source);
    return token.#derived as Derived;
  }
}

/**
 * Defines `expiresAt` as a getter that returns a new `Date` to each reader: a `Date` cannot be frozen, and the object
 * is shared by many readers. All objects have the same getter, so that they keep the same hidden class.
 */
export const expiresAtOfClaims: PropertyDescriptor & ThisType<{ readonly claims: JsonObject }> = {
  enumerable: true,
  get() {
    return new Date(Number(this.claims['exp']) * 1_000);
  },
};

/** Creates a verified token. Header and claims must be deeply frozen. */
export function toVerifiedToken(issuer: string, header: TokenHeader, claims: JsonObject): VerifiedToken {
  return new FrozenToken(issuer, header, claims);
}

/**
 * Derives an object from a verified token at the first call, and returns the same object for this token from then on. A
 * token has one such object, so all calls must pass the same `derive`. `source` is its argument, so that callers need
 * no closure for each look-up.
 */
export function deriveOnce<Derived extends object, Source>(
  token: VerifiedToken,
  derive: (source: Source) => Derived,
  source: Source,
): Derived {
  return FrozenToken.deriveOnce(token, derive, source);
}
