import type { Authenticator } from '../authentication/authenticator.js';
import { type Clock, readMilliseconds } from '../clock/clock.js';
import { isAuthError, RefusalError, withScheme } from '../errors/auth-error.js';
import type { KeySource } from '../keys/key-source.js';
import { type Credential, findCredential } from '../request/find-credential.js';
import type { OriginCheck } from '../request/request-origin.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import { deepFreeze } from '../token/json-object.js';
import { hasOtherKey, verifyJwt } from '../token/jwt-verifier.js';
import { checkLength, hasThreeParts, type ParsedToken, parseToken } from '../token/parse-token.js';
import type { TokenStatusCheck } from '../token/token-status-check.js';
import type { IssuerTerms } from '../token/trusted-issuer.js';
import { toVerifiedToken } from '../token/verified-token.js';
import type { AuthUser } from '../user/auth-user.js';
import { toAuthUser } from '../user/verified-user.js';
import { ownClaimMap } from './own-tokens.js';

export interface SessionCallerParts {
  /** The terms of own tokens, of anonymous users too. */
  readonly terms: IssuerTerms;
  readonly keys: KeySource;
  /** Where own tokens are. */
  readonly sources: readonly TokenSource[];
  readonly clock: Clock;
  readonly authenticator: Authenticator;
  readonly originCheck: OriginCheck;
  /** Refuses revoked tokens; `null` where revocation is off. */
  readonly statusCheck: TokenStatusCheck | null;
}

/** A caller with a session: the user of an own access token, and the ids of both. */
export interface SessionUser extends AuthUser {
  readonly sessionId: string;
}

/** Finds out which session a request belongs to, by its own access token. */
export class SessionCaller {
  constructor(private readonly parts: SessionCallerParts) {}

  /**
   * The user of the session that a request belongs to. Anonymous users count.
   *
   * @throws {RefusalError} 401 without a valid credential, and `ACCESS_DENIED` for one that belongs to no session: an API
   *   key, a token of another issuer, or one that was issued without a session.
   */
  async require(view: RequestView): Promise<SessionUser> {
    const credential = findCredential(view, this.parts.sources);
    const isOwn = credential !== undefined && this.findParsed(credential.text) !== null;
    const user = isOwn ? await this.authenticate(credential, view) : await this.parts.authenticator.authenticate(view);
    if (user.issuer === this.parts.terms.issuer && user.sessionId !== null) return user as SessionUser;
    throw RefusalError.of('ACCESS_DENIED', 'The credential is valid, and it does not belong to a session of this app');
  }

  /**
   * The session whose access token a request carries, expired or not; `null` where there is none, or the token is not valid
   * for any other reason. Whether the session still exists is not known.
   *
   * @throws {AuthUnavailableError} when the keys cannot be read.
   */
  async findSessionId(view: RequestView): Promise<string | null> {
    const ids = await Promise.all(this.tokensOf(view).map((text) => this.readSessionId(text)));
    return ids.find((id) => id !== null) ?? null;
  }

  /** All own access tokens of a request. A malformed header, or two different tokens, are no reason to refuse it here. */
  private tokensOf(view: RequestView): readonly string[] {
    const found = this.parts.sources.flatMap((source) => source.read(view));
    return [...new Set(found.flatMap((one) => (one.kind === 'token' ? [one.token] : [])))].slice(0, 4);
  }

  private async readSessionId(text: string): Promise<string | null> {
    const token = this.findParsed(text);
    if (token === null) return null;
    // An expired token still states which session it belongs to, so its times do not count.
    const terms = { ...this.parts.terms, clockToleranceSeconds: Number.POSITIVE_INFINITY };
    try {
      await this.verify(token, terms);
    } catch (error) {
      if (isAuthError(error) && error.code === 'INVALID_TOKEN') return null;
      throw error;
    }
    const { sid } = token.claims;
    return typeof sid === 'string' ? sid : null;
  }

  private async authenticate(credential: Credential, view: RequestView): Promise<AuthUser> {
    const { sources, originCheck, statusCheck, terms } = this.parts;
    originCheck.check(credential, view, { find: (request) => findCredential(request, sources) });
    try {
      const parsed = parseToken(credential.text);
      await this.verify(parsed, terms);
      const token = toVerifiedToken(terms.issuer, deepFreeze(parsed.header), deepFreeze(parsed.claims));
      await statusCheck?.check(token);
      return toAuthUser(credential.text, token, ownClaimMap);
    } catch (error) {
      throw withScheme(error, credential.scheme);
    }
  }

  /** The parts of a token that names this app as its issuer; `null` for any other text. */
  private findParsed(text: string): ParsedToken | null {
    if (!hasThreeParts(text)) return null;
    try {
      checkLength(text);
      const token = parseToken(text);
      return token.claims['iss'] === this.parts.terms.issuer ? token : null;
    } catch (error) {
      if (isAuthError(error)) return null;
      throw error;
    }
  }

  /** @throws {RefusalError} when it is not valid by these terms. */
  private async verify(token: ParsedToken, terms: IssuerTerms): Promise<void> {
    const { keys, clock } = this.parts;
    const now = (): number => readMilliseconds(clock);
    const set = keys.current(now()) ?? (await keys.obtain((candidate) => hasOtherKey(candidate, token, terms, null)));
    const outcome = await verifyJwt(token, terms, set, now);
    if (outcome.kind === 'verified') return;
    const newer = await keys.obtain((candidate) => hasOtherKey(candidate, token, terms, outcome.tried));
    const second = await verifyJwt(token, terms, newer, now);
    if (second.kind !== 'verified') throw second.refusal;
  }
}
