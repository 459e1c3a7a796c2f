import { readOptions, readSwitch } from '../configuration/read-options.js';
import { RefusalError } from '../errors/auth-error.js';
import { defineProvider } from '../issuers/define-provider.js';
import type { IdentityProvider } from '../issuers/identity-provider.js';
import { type ModuleIssuer, moduleIssuer, OwnTokens, sessionCookieSource } from '../issuers/module-issuer.js';
import { signingAlgorithms } from '../issuing/signing-key-store.js';
import type { KeySource } from '../keys/key-source.js';
import { fromBearer, type TokenSource } from '../request/token-sources.js';
import type { JsonObject } from '../token/json-object.js';
import type { FindFault } from '../token/trusted-issuer.js';
import { type ClaimMap, mapStandardClaims, readBooleanClaim } from '../user/claim-map.js';
import { accessCookieSource } from './session-cookies.js';
import type { SessionTerms } from './session-options.js';

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
export function ownTokens(options: OwnTokensOptions = {}): ModuleIssuer {
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

/** Describes the app as the issuer of its own tokens. */
export class SessionOwnTokens extends OwnTokens {
  override readonly lifetimeSeconds: number;
  override readonly cookieSource: TokenSource | null;
  /** Whether `AuthModule` accepts these tokens. */
  isTrusted = false;

  constructor(
    private readonly terms: SessionTerms,
    private readonly keys: KeySource,
  ) {
    super();
    this.lifetimeSeconds = terms.lifetimeSeconds;
    this.cookieSource = terms.delivery.includes('cookies') ? accessCookieSource(terms.cookies) : null;
  }

  override toProvider(allowAnonymous: boolean): IdentityProvider {
    this.isTrusted = true;
    return this.describe(allowAnonymous ? {} : { findFault: refuseAnonymous });
  }

  /** The description for the module's own routes, which accept anonymous users. */
  describe(rules: { readonly findFault?: FindFault } = {}): IdentityProvider {
    const { issuer, audience } = this.terms;
    const { keys } = this;
    return defineProvider({
      name: 'ownTokens',
      issuers: [
        {
          terms: { issuer, audience, algorithms: new Set(signingAlgorithms), tokenType: 'at+jwt', ...rules },
          keys: { create: () => keys },
        },
      ],
      claimMap: ownClaimMap,
      tokenSources: [fromBearer(), ...(this.cookieSource === null ? [] : [this.cookieSource])],
      profiles: {
        missing: {
          option: 'ownTokens',
          hint: 'Profiles of own users come from AccountsModule of nest-gatehouse/accounts',
        },
      },
    });
  }
}
