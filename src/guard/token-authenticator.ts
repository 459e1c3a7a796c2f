import { RefusalError } from '../errors/refusal-error.js';
import { findCredential } from '../request/find-credential.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-source.js';
import type { TokenVerifier } from '../token/token-verifier.js';
import type { VerifiedToken } from '../token/verified-token.js';
import type { AuthUser } from '../user/auth-user.js';
import type { ClaimMap } from '../user/claim-map.js';
import { toAuthUser } from '../user/verified-user.js';
import { Authenticator } from './authenticator.js';

/** What an app makes of a verified user: a row of its database, an object of its own, or the user as is. */
export type ToUser = (user: AuthUser) => unknown;

export interface TokenAuthenticatorParts {
  readonly sources: readonly TokenSource[];
  readonly verifier: TokenVerifier;
  /** How each issuer's claims are read, by the issuer's name. */
  readonly claimMaps: ReadonlyMap<string, ClaimMap>;
  readonly toUser: ToUser | null;
}

/** Walks a request through the stations: credential, token, user. */
export class TokenAuthenticator extends Authenticator {
  private readonly users = new WeakMap<object, Promise<AuthUser>>();
  private readonly appUsers = new WeakMap<object, Promise<unknown>>();
  /** A token that comes again is the same VerifiedToken, and so the same frozen user. */
  private readonly usersOfTokens = new WeakMap<VerifiedToken, AuthUser>();

  constructor(private readonly parts: TokenAuthenticatorParts) {
    super();
  }

  override authenticate(request: RequestView): Promise<AuthUser> {
    return once(this.users, request.carrier, () => this.readUser(request));
  }

  override toAppUser(request: RequestView, user: AuthUser): Promise<unknown> {
    const { toUser } = this.parts;
    if (toUser === null) return Promise.resolve(user);
    return once(this.appUsers, request.carrier, async () => (await toUser(user)) ?? null);
  }

  private async readUser(request: RequestView): Promise<AuthUser> {
    const text = findCredential(request, this.parts.sources);
    if (text === undefined) {
      const places = this.parts.sources.map((source) => source.place).join(', ');
      throw RefusalError.of('MISSING_TOKEN', `No access token came. Looked in: ${places}`);
    }
    const token = await this.parts.verifier.verify(text);
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

function once<Result>(
  memory: WeakMap<object, Promise<Result>>,
  carrier: object,
  work: () => Promise<Result>,
): Promise<Result> {
  const running = memory.get(carrier) ?? work();
  memory.set(carrier, running);
  return running;
}
