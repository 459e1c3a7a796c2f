import { readOptions, readSwitch } from '../configuration/read-options.js';
import { RefusalError } from '../errors/auth-error.js';
import { defineProvider } from '../issuers/define-provider.js';
import { type IdentityProvider, usualTerms } from '../issuers/identity-provider.js';
import { moduleIssuer, OwnTokens, type OwnTokensIssuer, sessionCookieSource } from '../issuers/module-issuer.js';
import { signingAlgorithms } from '../issuing/signing-key-store.js';
import type { KeySource } from '../keys/key-source.js';
import type { ProfileSource, SourcedProfile } from '../profiles/profile-source.js';
import { fromBearer, type TokenSource } from '../request/token-sources.js';
import type { JsonObject } from '../token/json-object.js';
import type { FindFault, IssuerTerms, SessionStatusSource } from '../token/trusted-issuer.js';
import { type ClaimMap, mapStandardClaims, readBooleanClaim } from '../user/claim-map.js';
import { accessCookieSource } from './session-cookies.js';
import type { SessionTerms } from './session-options.js';
import type { SessionSubject } from './session-subject.js';

/** The options of `ownTokens()`. */
export interface OwnTokensOptions {
  /**
   * Whether guarded routes accept the tokens of anonymous users (guests). Otherwise these are answered with 401
   * `INVALID_TOKEN`, reason `issuer`.
   *
   * @defaultValue false
   */
  readonly allowAnonymous?: boolean;
}

/**
 * Trusts the access tokens that this app issues itself: `AuthModule.forRoot({ issuers: ownTokens() })`. It stands for the
 * `SessionsModule` of the same app, which may be imported anywhere and in any order. Tokens are verified with the keys of the
 * app, without network. They are read from `Authorization: Bearer` and, where `SessionsModule` delivers cookies, from the
 * access cookie; in an explicit `tokenFrom` that cookie is `fromSessionCookie()`.
 *
 * @throws {ConfigurationError} for an unknown option; when the app starts, if it has no `SessionsModule`, or two.
 */
export function ownTokens(options: OwnTokensOptions = {}): OwnTokensIssuer {
  const given = readOptions('ownTokens', options, ['allowAnonymous']);
  const allowAnonymous = readSwitch('ownTokens', given, 'allowAnonymous', false);
  return moduleIssuer({ preset: 'ownTokens', module: 'SessionsModule', allowAnonymous });
}

/** The cookie with the app's own access token, for `tokenFrom`. Its name follows from `SessionsModule.forRoot({ cookies })`. */
export function fromSessionCookie(): TokenSource {
  return sessionCookieSource;
}

/** How users are read out of own tokens. */
export const ownClaimMap: ClaimMap = Object.freeze({
  provider: 'own',
  map: (claims: JsonObject) => ({ ...mapStandardClaims(claims), isAnonymous: isAnonymous(claims) }),
});

function isAnonymous(claims: JsonObject): boolean {
  return readBooleanClaim(claims, 'is_anonymous') === true;
}

const refuseAnonymous: FindFault = (claims) =>
  isAnonymous(claims)
    ? RefusalError.token(
        'issuer',
        'It is the token of an anonymous user. If guests may call guarded routes, write ownTokens({ allowAnonymous: true })',
      )
    : undefined;

function toProfile(subject: SessionSubject): SourcedProfile {
  const { id, email, emailVerified, name, pictureUrl, hasPassword, isAnonymous = false } = subject;
  return {
    id,
    displayName: name,
    primaryEmail: email,
    primaryEmailVerified: emailVerified,
    profileImageUrl: pictureUrl,
    hasPassword,
    isAnonymous,
  };
}

/** Describes the app as the issuer of its own tokens. */
export class SessionOwnTokens extends OwnTokens {
  override readonly issuer: string;
  override readonly lifetimeSeconds: number;
  override readonly cookieSource: TokenSource | null;
  /** Whether `AuthModule` accepts these tokens. */
  isTrusted = false;

  constructor(
    private readonly sessionTerms: SessionTerms,
    private readonly keys: KeySource,
    private readonly sessions: SessionStatusSource,
    private readonly findSubject: (userId: string) => Promise<SessionSubject | null>,
  ) {
    super();
    const { issuer, lifetimeSeconds, delivery, cookies } = sessionTerms;
    this.issuer = issuer;
    this.lifetimeSeconds = lifetimeSeconds;
    this.cookieSource = delivery.includes('cookies') ? accessCookieSource(cookies) : null;
  }

  /** The terms of the tokens of all users, anonymous ones included: the module's own routes accept these. */
  get terms(): IssuerTerms {
    const { issuer, audience } = this.sessionTerms;
    return { ...usualTerms, issuer, audience, algorithms: new Set(signingAlgorithms), tokenType: 'at+jwt' };
  }

  /** Where clients put the tokens. */
  get sources(): readonly TokenSource[] {
    return [fromBearer(), ...(this.cookieSource === null ? [] : [this.cookieSource])];
  }

  override toProvider(allowAnonymous: boolean): IdentityProvider {
    this.isTrusted = true;
    const { keys, sessions, terms, sources } = this;
    return defineProvider({
      name: 'ownTokens',
      issuers: [
        {
          terms: allowAnonymous ? terms : { ...terms, findFault: refuseAnonymous },
          keys: { create: () => keys },
          sessions: { create: () => sessions },
        },
      ],
      claimMap: ownClaimMap,
      tokenSources: sources,
      profiles: { create: () => this.profiles },
    });
  }

  /** What the app says about its users now. Their claims are for tokens, and stay out of it. */
  private get profiles(): ProfileSource {
    const find = async (userId: string): Promise<SourcedProfile | null> => {
      const subject = await this.findSubject(userId);
      return subject && toProfile(subject);
    };
    return { find, get: ({ id }) => find(id) };
  }
}
