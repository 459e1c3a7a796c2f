import { RefusalError } from '../errors/refusal-error.js';
import { checkCredential, findCredential } from '../request/find-credential.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-source.js';
import type { TokenVerifier } from '../token/token-verifier.js';
import type { VerifiedToken } from '../token/verified-token.js';
import type { AuthUser } from '../user/auth-user.js';
import type { ClaimMap } from '../user/claim-map.js';
import { toAuthUser } from '../user/verified-user.js';
import { Authenticator } from './authenticator.js';
import { isThenable } from './is-thenable.js';

/**
 * What an app makes of a verified user: a row of its database, an object of its own, or the user as is.
 * `request` is the framework's own request object, for whoever resolves request-scoped providers:
 * `moduleRef.resolve(Accounts, ContextIdFactory.getByRequest(request))`.
 */
export type ToUser = (user: AuthUser, request: object) => unknown;

export interface TokenAuthenticatorParts {
  readonly sources: readonly TokenSource[];
  readonly verifier: TokenVerifier;
  /** How each issuer's claims are read, by the issuer's name. */
  readonly claimMaps: ReadonlyMap<string, ClaimMap>;
  readonly toUser: ToUser | null;
}

/** Walks a request through the stations: credential, token, user. */
export class TokenAuthenticator extends Authenticator {
  /** Users whose tokens are being judged, by request: two guards on one route wait for the same verdict. */
  private readonly users = new WeakMap<object, Promise<AuthUser>>();
  private readonly appUsers = new WeakMap<object, { readonly appUser: unknown }>();
  /** A token that comes again is the same VerifiedToken, and so the same frozen user. */
  private readonly usersOfTokens = new WeakMap<VerifiedToken, AuthUser>();

  constructor(private readonly parts: TokenAuthenticatorParts) {
    super();
  }

  override authenticate(request: RequestView): AuthUser | Promise<AuthUser> {
    const credential = findCredential(request, this.parts.sources);
    if (credential === undefined) throw this.missing();
    const text = credential.token;
    const verified = this.parts.verifier.findVerified(text);
    if (verified !== undefined) return this.userOf(text, verified);
    const running = this.users.get(request.carrier);
    if (running !== undefined) return running;
    checkCredential(credential);
    const user = this.parts.verifier.verify(text).then((token) => this.userOf(text, token));
    this.users.set(request.carrier, user);
    return user;
  }

  override toAppUser(request: RequestView, user: AuthUser): unknown {
    const { toUser } = this.parts;
    if (toUser === null) return user;
    const known = this.appUsers.get(request.carrier);
    if (known !== undefined) return known.appUser;
    // Awaited as what it is: a query builder is a promise only by its `then`.
    const made = toUser(user, request.carrier);
    const appUser = isThenable(made) ? Promise.resolve(made).then((value) => value ?? null) : (made ?? null);
    this.appUsers.set(request.carrier, { appUser });
    return appUser;
  }

  private missing(): RefusalError {
    const places = this.parts.sources.map((source) => source.place).join(', ');
    return RefusalError.of('MISSING_TOKEN', `No access token came. Looked in: ${places}`);
  }

  private userOf(text: string, token: VerifiedToken): AuthUser {
    const known = this.usersOfTokens.get(token);
    if (known !== undefined) return known;
    const user = toAuthUser(text, token, this.claimMapOf(token));
    this.usersOfTokens.set(token, user);
    return user;
  }

  private claimMapOf(token: VerifiedToken): ClaimMap {
    const claimMap = this.parts.claimMaps.get(token.issuer);
    if (claimMap === undefined) throw new Error('A trusted issuer has no claim map');
    return claimMap;
  }
}
