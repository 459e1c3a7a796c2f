import { RefusalError } from '../errors/auth-error.js';
import {
  checkCredential,
  type Credential,
  findCredential,
  findCredentialFault,
  suitsEveryJwt,
} from '../request/find-credential.js';
import { createPrivateSlot } from '../request/private-slot.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import type { TokenVerifier, Verdict } from '../token/token-verifier.js';
import { madeOnceOf, type VerifiedToken } from '../token/verified-token.js';
import type { AuthUser } from '../user/auth-user.js';
import type { ClaimMap } from '../user/claim-map.js';
import { areOfOneToken, toAuthUser } from '../user/verified-user.js';
import { Authenticator } from './authenticator.js';
import { isThenable } from '../token/maybe-promise.js';

/**
 * What an app makes of a verified user: a row of its database, an object of its own, or the user as is.
 * `request` is the framework's own request object, for whoever resolves request-scoped providers:
 *
 * ```ts
 * const contextId = ContextIdFactory.getByRequest(request);
 * moduleRef.registerRequestByContextId(request, contextId); // for providers that inject REQUEST
 * const accounts = await moduleRef.resolve(Accounts, contextId, { strict: false });
 * ```
 */
export type ToUser = (user: AuthUser, request: object) => unknown;

export interface TokenAuthenticatorParts {
  readonly sources: readonly TokenSource[];
  readonly verifier: TokenVerifier;
  /** How each issuer's claims are read, by the issuer's name. */
  readonly claimMaps: ReadonlyMap<string, ClaimMap>;
  readonly toUser: ToUser | null;
}

/** The token that a request was judged by, and what came or will come of it. */
interface Judged {
  readonly text: string;
  readonly outcome: Verdict | Promise<Verdict> | RefusedAtOnce;
}

/** A token that did not pass, where that was known without waiting. */
interface RefusedAtOnce {
  readonly refusal: unknown;
}

/** Walks a request through the stations: credential, token, user. */
export class TokenAuthenticator extends Authenticator {
  /** By request: two guards on one route wait for the same verdict. */
  private readonly verdicts = createPrivateSlot<Judged>();
  private readonly appUsers = createPrivateSlot<{ readonly user: AuthUser; readonly appUser: unknown }>();

  constructor(private readonly parts: TokenAuthenticatorParts) {
    super();
  }

  override authenticate(request: RequestView): AuthUser | Promise<AuthUser> {
    const credential = this.getCredential(request);
    const text = credential.token;
    const verified = this.parts.verifier.findVerified(text);
    if (verified !== undefined) return this.userOf(text, verified);
    const known = this.verdicts.find(request.request);
    // What runs between two guards may put another token into the request.
    if (known?.text === text) return this.useAgain(known);
    if (!suitsEveryJwt(credential) || this.parts.verifier.isOpaque(text)) checkCredential(credential);
    const outcome = this.judge(request.request, credential);
    return isThenable(outcome)
      ? outcome.then((verdict) => this.userOf(verdict.text, verdict.token))
      : this.userOf(outcome.text, outcome.token);
  }

  override async authenticateOnline(request: RequestView): Promise<AuthUser> {
    const credential = this.getCredential(request);
    const text = credential.token;
    const known = this.verdicts.find(request.request);
    const asked = known?.text === text ? await this.findAsked(known) : undefined;
    if (asked !== undefined) return this.userOf(text, asked);
    checkCredential(credential);
    const outcome = this.parts.verifier.judgeOnline(text);
    this.verdicts.set(request.request, { text, outcome });
    return this.userOf(text, (await outcome).token);
  }

  override toAppUser(request: RequestView, user: AuthUser): unknown {
    const { toUser } = this.parts;
    if (toUser === null) return user;
    const known = this.appUsers.find(request.request);
    if (known !== undefined && areOfOneToken(known.user, user)) return known.appUser;
    // Awaited as what it is: a query builder is a promise only by its `then`.
    const made = toUser(user, request.request);
    const appUser = isThenable(made) ? Promise.resolve(made).then((value) => value ?? null) : (made ?? null);
    this.appUsers.set(request.request, { user, appUser });
    return appUser;
  }

  /** Judges it, and keeps for the next guard of this request what comes of it. */
  private judge(request: object, credential: Credential): Verdict | Promise<Verdict> {
    const text = credential.token;
    // What fails here may be no token by the grammar of its place: that is then the better answer, 400 and not 401.
    const refuse = (error: unknown): never => {
      throw findCredentialFault(credential) ?? error;
    };
    try {
      const verdict = this.parts.verifier.judge(text);
      const outcome = isThenable(verdict) ? verdict.catch(refuse) : verdict;
      this.verdicts.set(request, { text, outcome });
      return outcome;
    } catch (error) {
      const refusal = findCredentialFault(credential) ?? error;
      this.verdicts.set(request, { text, outcome: { refusal } });
      throw refusal;
    }
  }

  /** A request may live long, as a socket's handshake does: its token ends, and its key goes, all the same. */
  private async useAgain({ text, outcome }: Judged): Promise<AuthUser> {
    const known = await outcome;
    if ('refusal' in known) throw known.refusal;
    const { verifier } = this.parts;
    return this.userOf(text, verifier.recheck(known) ?? (await verifier.verify(text)));
  }

  /** The token of a verdict for which the issuer was asked, while its answer holds. */
  private async findAsked({ outcome }: Judged): Promise<VerifiedToken | undefined> {
    const known = await outcome;
    if ('refusal' in known) throw known.refusal;
    return known.key === null ? this.parts.verifier.recheck(known) : undefined;
  }

  private getCredential(request: RequestView): Credential {
    const credential = findCredential(request, this.parts.sources);
    if (credential !== undefined) return credential;
    const places = this.parts.sources.map((source) => source.place).join(', ');
    const leftOut = request.leftOut?.();
    const remark = leftOut === undefined ? '' : `. ${leftOut}`;
    throw RefusalError.of('MISSING_TOKEN', `No access token came. Looked in: ${places}${remark}`);
  }

  /** A token that comes again is the same VerifiedToken, and so the same frozen user. */
  private userOf(text: string, token: VerifiedToken): AuthUser {
    return madeOnceOf(token, () =>
      toAuthUser(this.parts.verifier.toDetachedString(text), token, this.claimMapOf(token)),
    );
  }

  private claimMapOf(token: VerifiedToken): ClaimMap {
    const claimMap = this.parts.claimMaps.get(token.issuer);
    if (claimMap === undefined) throw new Error('A trusted issuer has no claim map');
    return claimMap;
  }
}
