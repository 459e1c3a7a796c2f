import type { Clock } from '../clock/clock.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import { checkClaims, checkValidity, type Validity } from './check-claims.js';
import type { ClaimsCheck } from './claims-class.js';
import { deepFreeze, type JsonObject } from './json-object.js';
import { IntrospectionCache } from './introspection-cache.js';
import type { IssuerRegistry } from './issuer-registry.js';
import { checkLength, hasThreeParts, type ParsedToken } from './parse-token.js';
import { toVerifiedToken, type TokenHeader, type VerifiedToken } from './verified-token.js';
import type { TokenStatusSource, TrustedIssuer } from './trusted-issuer.js';
import type { VerifiedEntry } from './verified-token-cache.js';

/** What asking issuers works with. */
export interface IntrospectionVerifierParts {
  readonly issuers: IssuerRegistry;
  readonly clock: Clock;
  readonly claimsCheck: ClaimsCheck | null;
  /** Seconds for which an issuer's yes is taken again. @defaultValue 0: each time it is asked */
  readonly onlineVerdictSeconds?: number | undefined;
}

/** A token that its issuer, being asked, stands by. */
export interface IntrospectedEntry {
  readonly text: string;
  readonly token: VerifiedToken;
  readonly validity: Validity;
  readonly issuer: TrustedIssuer;
  /** It was not a key that spoke for the token. */
  readonly key: null;
  /** When the issuer had answered, in milliseconds. */
  readonly since: number;
  /** The version of the status check that the token last passed; `NaN` before the first. */
  statusVersion: number;
}

/** A token, about which its issuer has yet to be asked. */
interface Unasked {
  readonly text: string;
  readonly issuer: TrustedIssuer;
  /** `null` for an opaque token, as are its claims. */
  readonly header: TokenHeader | null;
  readonly claims: JsonObject | null;
  readonly cameAt: number;
}

/** How long an answer holds for the request that it was asked for: what carries requests may live long. */
const holdMs = 5_000;
/** An opaque token has no header, and no signature that anybody here could check. */
const opaqueHeader: TokenHeader = Object.freeze({ alg: 'none' });

/** Judges tokens by what their issuers, being asked, say of them; holds that against the issuer's terms all the same. */
export class IntrospectionVerifier {
  private readonly introspectionCache: IntrospectionCache;

  constructor(private readonly parts: IntrospectionVerifierParts) {
    this.introspectionCache = new IntrospectionCache(parts.clock, (parts.onlineVerdictSeconds ?? 0) * 1_000);
  }

  /** To be noted when a token comes: an answer that comes later is for it as well. */
  get answered(): number {
    return this.introspectionCache.answered;
  }

  /**
   * The issuer that has to be asked about a text, as it is no JWT. A text of three parts is a JWT or nothing: what
   * fails here as one must not get another chance with an issuer that reads more loosely.
   */
  findOpaqueIssuer(text: string): TrustedIssuer | undefined {
    const issuer = this.parts.issuers.opaqueIssuer;
    return issuer !== undefined && !hasThreeParts(text) ? issuer : undefined;
  }

  async verifyOpaque(text: string, issuer: TrustedIssuer): Promise<IntrospectedEntry> {
    checkLength(text);
    // RFC 6749 appendix A.12.
    if (!/^[\x20-\x7e]+$/.test(text)) throw RefusalError.token('malformed', 'It holds characters that no token has');
    return this.ask({ text, issuer, header: null, claims: null, cameAt: this.answered });
  }

  /** A JWT whose signature is the issuer's to check: what it claims must be worth asking about. */
  async verifyUnsigned(
    text: string,
    { header, claims }: ParsedToken,
    issuer: TrustedIssuer,
    cameAt: number,
  ): Promise<IntrospectedEntry> {
    checkClaims(header, claims, issuer.terms, this.now() / 1_000);
    return this.ask({ text, issuer, header, claims, cameAt });
  }

  /** A token that has passed every check here. */
  async confirm({ text, issuer, token }: VerifiedEntry, cameAt: number): Promise<IntrospectedEntry> {
    return this.ask({ text, issuer, header: token.header, claims: token.claims, cameAt });
  }

  /**
   * Whether an answer still holds for the request that it was asked for.
   *
   * @throws {RefusalError} when the token has expired.
   */
  holds({ validity, issuer, since }: IntrospectedEntry): boolean {
    const now = this.now();
    if (!(now >= since && now < since + holdMs)) return false;
    checkValidity(validity, issuer.terms, now / 1_000);
    return true;
  }

  private async ask(unasked: Unasked): Promise<IntrospectedEntry> {
    const { text, header } = unasked;
    const introspected = await this.introspectionCache.ask({
      ...unasked,
      statusSource: getStatusSource(unasked.issuer),
    });
    const issuer = this.readIssuer(introspected, unasked.issuer);
    const claims = merge(unasked.claims, introspected, issuer);
    const now = this.now();
    const validity = checkClaims(header, claims, issuer.terms, now / 1_000);
    if (this.parts.claimsCheck !== null) await this.parts.claimsCheck(claims);
    const token = toVerifiedToken(issuer.terms.issuer, header ?? opaqueHeader, deepFreeze(claims));
    return { text, token, validity, issuer, key: null, since: now, statusVersion: Number.NaN };
  }

  /** Whose token it is: a provider that goes by several names may say which, where the token does not. */
  private readIssuer(introspected: JsonObject | null, asked: TrustedIssuer): TrustedIssuer {
    const named = introspected?.['iss'];
    if (named === undefined || named === asked.terms.issuer) return asked;
    const issuer = this.parts.issuers.get(named);
    if (issuer.statusSource === asked.statusSource) return issuer;
    const explanation = `Asked about it, ${logText(asked.terms.issuer)} says that it is of issuer ${logText(named)}`;
    throw RefusalError.token('issuer', explanation);
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}

function getStatusSource({ statusSource, statusSourceHint: { option, hint } }: TrustedIssuer): TokenStatusSource {
  if (statusSource !== null) return statusSource;
  throw new ConfigurationError(option, '@VerifyOnline() asks the issuer about a token, and it cannot be asked', hint);
}

/**
 * What the issuer says counts for more than what the token does, as it is newer; but a token does not outlive its own
 * `exp` by it, nor change hands.
 */
function merge(own: JsonObject | null, introspected: JsonObject | null, { terms }: TrustedIssuer): JsonObject {
  if (own === null || introspected === null) return own ?? introspected ?? {};
  const subject = introspected[terms.subjectClaim];
  if (subject !== undefined && subject !== own[terms.subjectClaim]) {
    throw RefusalError.token('claim', `Asked about it, the issuer says that it is another user's`);
  }
  return { ...own, ...introspected, iss: own['iss'], exp: earlier(own['exp'], introspected['exp']) };
}

function earlier(own: unknown, introspected: unknown): unknown {
  return typeof own === 'number' && typeof introspected === 'number'
    ? Math.min(own, introspected)
    : (introspected ?? own);
}
