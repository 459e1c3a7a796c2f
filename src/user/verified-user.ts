import { deepFreeze, type JsonObject } from '../token/json-object.js';
import { expiresAtOfClaims, type TokenHeader, toVerifiedToken, type VerifiedToken } from '../token/verified-token.js';
import type { AuthUser, ProviderName, UserCredential, Organization } from './auth-user.js';
import { type ClaimMap, readTextClaim } from './claim-map.js';

/** Implements `AuthUser` for a verified token. */
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
  // A private field does not appear in JSON, in `inspect`, in a spread copy or in a structured clone.
  readonly #token: string;
  // Not the verified token, whose authentication keeps the text of the request in memory.
  readonly #header: TokenHeader;
  // Freezing an object does not freeze its private fields.
  #passed: object | null = null;

  constructor(text: string, token: VerifiedToken, claimMap: ClaimMap, scheme: UserCredential['scheme']) {
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
    this.credential = Object.freeze({ kind: 'access-token', id: readTextClaim(token.claims, 'jti'), scheme });
    Object.defineProperty(this, 'expiresAt', expiresAtOfClaims);
    this.#token = text;
    this.#header = token.header;
    // The claims are frozen already. deepFreeze on the whole user would read `expiresAt` and create a Date for it.
    for (const list of [this.roles, this.scopes, this.permissions]) Object.freeze(list);
    deepFreeze(this.organizations);
    Object.freeze(this);
  }

  static checkOnce<Key extends object>(user: AuthUser, key: Key, check: (user: AuthUser, key: Key) => void): void {
    const isVerified = #passed in user;
    if (isVerified && user.#passed === key) return;
    check(user, key);
    if (isVerified) user.#passed = key;
  }

  static tokenOf(user: unknown): string | undefined {
    // `in` on a text throws an error that repeats the text, which may be the token itself.
    return typeof user === 'object' && user !== null && #token in user ? user.#token : undefined;
  }

  static verifiedTokenOf(user: AuthUser): VerifiedToken | undefined {
    return #header in user ? toVerifiedToken(user.issuer, user.#header, user.claims) : undefined;
  }
}

/** Reads the token of a user; `undefined` for any other value. */
type TokenReader = (user: unknown) => string | undefined;

const readersKey = Symbol.for('nest-gatehouse.tokenReaders');
const registry = globalThis as Record<symbol, TokenReader[] | undefined>;
// The readers of all loaded copies of the package, because a user of one copy may be passed to `tokenOf` of another.
const tokenReaders = (registry[readersKey] ??= []);
tokenReaders.push((user) => VerifiedUser.tokenOf(user));

function readToken(user: unknown): string | undefined {
  const own = VerifiedUser.tokenOf(user);
  if (own !== undefined || tokenReaders.length === 1) return own;
  return tokenReaders.map((read) => read(user)).find((token) => token !== undefined);
}

/** Creates the user of a verified token. `text` is the raw token, kept for `tokenOf`. */
export function toAuthUser(
  text: string,
  token: VerifiedToken,
  claimMap: ClaimMap,
  scheme: UserCredential['scheme'] = 'Bearer',
): AuthUser {
  return new VerifiedUser(text, token, claimMap, scheme);
}

/** Whether two users were created from the same token, as two verifications of one token create two users. */
export function areOfOneToken(one: AuthUser, other: AuthUser): boolean {
  if (one === other) return true;
  const token = findTokenOf(one);
  return token !== undefined && token === findTokenOf(other);
}

/**
 * Checks the claims of a user. A check that the user of a token has passed is not repeated for the same key until it was made for
 * another one: claims never change, and reading them for each request costs more than to remember the last result.
 */
export function checkOnce<Key extends object>(
  user: AuthUser,
  key: Key,
  check: (user: AuthUser, key: Key) => void,
): void {
  VerifiedUser.checkOnce(user, key, check);
}

/** Returns the token of a user; `undefined` for a user that was created by hand, for example in a test of the app. */
export function findTokenOf(user: AuthUser): string | undefined {
  return readToken(user);
}

/**
 * Returns what the verified token of a user contained, with the same object as its claims; `undefined` for a user that
 * was not created from a token.
 */
export function findVerifiedTokenOf(user: AuthUser): VerifiedToken | undefined {
  return VerifiedUser.verifiedTokenOf(user);
}

/**
 * Returns the raw access token of a user, to call another service on their behalf. Keep it out of logs and responses.
 *
 * @throws {TypeError} for an object other than the one that the guard created, because a copy has no token.
 */
export function tokenOf(user: AuthUser): string {
  const token = readToken(user);
  if (token === undefined) {
    throw new TypeError('tokenOf() requires the AuthUser that the guard created; a copy of it has no token');
  }
  return token;
}

/** Whether a user was authenticated by an API key, so that there is no token. */
export function isOfApiKey({ provider, credential }: AuthUser): boolean {
  return provider === 'api-key' && credential.kind === 'api-key';
}

/** The properties of a user to create. An omitted optional property is `null`, `[]`, `{}` or `false`. */
export type AuthUserParts = Pick<AuthUser, 'id' | 'issuer' | 'provider' | 'credential'> & Partial<AuthUser>;

/**
 * Creates the user of a credential that is not a token, for an `AuthenticationScheme` of an app. The user is deeply
 * frozen, like the user of a token, but `tokenOf` does not accept it.
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
    clientId: null,
    impersonatorId: null,
    roles: [],
    scopes: [],
    permissions: [],
    organizations: [],
    claims: {},
    ...given,
  };
  // A Date cannot be frozen, so each read returns a new one.
  Object.defineProperty(user, 'expiresAt', {
    enumerable: true,
    get: () => (expiresAtMs === null ? null : new Date(expiresAtMs)),
  });
  for (const list of [user.roles, user.scopes, user.permissions, user.credential]) Object.freeze(list);
  deepFreeze(user.organizations);
  deepFreeze(user.claims);
  return Object.freeze(user) as unknown as AuthUser;
}
