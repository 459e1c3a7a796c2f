import { deepFreeze, type JsonObject } from '../token/json-object.js';
import { expiresAtOfClaims, type VerifiedToken } from '../token/verified-token.js';
import type { AuthUser, ProviderName, UserCredential, Organization } from './auth-user.js';
import { type ClaimMap, readTextClaim } from './claim-map.js';

/** The one implementation of `AuthUser`: what a verified token was turned into. */
class VerifiedUser implements AuthUser {
  readonly id: string;
  readonly issuer: string;
  readonly provider: ProviderName;
  readonly isAnonymous: boolean;
  readonly email: string | null;
  readonly emailVerified: boolean | null;
  readonly name: string | null;
  readonly sessionId: string | null;
  readonly clientId: string | null;
  readonly impersonatorId: string | null;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly organizations: readonly Organization[];
  readonly claims: JsonObject;
  readonly credential: UserCredential;
  declare readonly expiresAt: Date;
  // A private field is out of reach of JSON, of inspection, of spreading and of structuredClone.
  readonly #token: string;

  constructor(text: string, token: VerifiedToken, claimMap: ClaimMap) {
    const mapped = claimMap.map(token.claims);
    this.id = mapped.id;
    this.issuer = token.issuer;
    this.provider = claimMap.provider;
    this.isAnonymous = mapped.isAnonymous;
    this.email = mapped.email;
    this.emailVerified = mapped.emailVerified;
    this.name = mapped.name;
    this.sessionId = mapped.sessionId;
    this.clientId = mapped.clientId ?? null;
    this.impersonatorId = mapped.impersonatorId;
    this.roles = mapped.roles;
    this.scopes = mapped.scopes;
    this.permissions = mapped.permissions;
    this.organizations = mapped.organizations;
    this.claims = token.claims;
    this.credential = Object.freeze({ kind: 'access-token', id: readTextClaim(token.claims, 'jti'), scheme: 'Bearer' });
    Object.defineProperty(this, 'expiresAt', expiresAtOfClaims);
    this.#token = text;
    // The claims are frozen already. Not by deepFreeze as a whole, which would make a date to freeze it.
    for (const list of [this.roles, this.scopes, this.permissions]) Object.freeze(list);
    deepFreeze(this.organizations);
    Object.freeze(this);
  }

  static tokenOf(user: unknown): string | undefined {
    // The engine's own error for `in` on a text repeats the text, which may be the token itself.
    return typeof user === 'object' && user !== null && #token in user ? user.#token : undefined;
  }
}

/** Reads the token of a user; `undefined` for any other value. */
type TokenReader = (user: unknown) => string | undefined;

const readersKey = Symbol.for('nest-gatehouse.tokenReaders');
const registry = globalThis as Record<symbol, TokenReader[] | undefined>;
// Of all loaded copies of the package: a user that the guard of one copy has made may be given to tokenOf of another.
const tokenReaders = (registry[readersKey] ??= []);
tokenReaders.push((user) => VerifiedUser.tokenOf(user));

function readToken(user: unknown): string | undefined {
  const own = VerifiedUser.tokenOf(user);
  if (own !== undefined || tokenReaders.length === 1) return own;
  return tokenReaders.map((read) => read(user)).find((token) => token !== undefined);
}

/** Turns a verified token into the user it speaks of. `text` is the token itself, kept for `tokenOf`. */
export function toAuthUser(text: string, token: VerifiedToken, claimMap: ClaimMap): AuthUser {
  return new VerifiedUser(text, token, claimMap);
}

/** Whether two users are the same one, as two verdicts on one token make two of it. */
export function areOfOneToken(one: AuthUser, other: AuthUser): boolean {
  if (one === other) return true;
  const token = findTokenOf(one);
  return token !== undefined && token === findTokenOf(other);
}

/** The same as `tokenOf`, where there may be none: an app's tests make users by hand. */
export function findTokenOf(user: AuthUser): string | undefined {
  return readToken(user);
}

/**
 * The raw access token that a user came with, to call another service on their behalf. Keep it out of logs
 * and answers.
 *
 * @throws {TypeError} for anything but the very object that the guard made: a copy carries no token.
 */
export function tokenOf(user: AuthUser): string {
  const token = readToken(user);
  if (token === undefined) {
    throw new TypeError('tokenOf() takes the AuthUser that the guard made; a copy of it carries no token');
  }
  return token;
}

/** What an `AuthUser` needs at least; what is left out is `null`, `[]` or `{}`. */
export type AuthUserParts = Pick<AuthUser, 'id' | 'issuer' | 'provider' | 'credential'> & Partial<AuthUser>;

/**
 * Makes the user of a credential that is no token, for an `AuthenticationScheme` of an app. The user is frozen as those of
 * tokens are; `tokenOf` does not accept it.
 */
export function createAuthUser(parts: AuthUserParts): AuthUser {
  const { expiresAt = null, ...given } = parts;
  const expiresAtMs = expiresAt?.getTime() ?? null;
  const user = {
    isAnonymous: false,
    email: null,
    emailVerified: null,
    name: null,
    sessionId: null,
    impersonatorId: null,
    roles: [],
    scopes: [],
    permissions: [],
    organizations: [],
    claims: {},
    ...given,
  };
  // A Date cannot be frozen, so each reader gets one of its own.
  Object.defineProperty(user, 'expiresAt', {
    enumerable: true,
    get: () => (expiresAtMs === null ? null : new Date(expiresAtMs)),
  });
  for (const list of [user.roles, user.scopes, user.permissions, user.credential]) Object.freeze(list);
  deepFreeze(user.organizations);
  deepFreeze(user.claims);
  return Object.freeze(user) as unknown as AuthUser;
}
