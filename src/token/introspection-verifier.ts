import type { Clock, Timer } from '../clock/clock.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import { checkClaims, checkValidity, type Validity } from './check-claims.js';
import type { ClaimsCheck } from './claims-class.js';
import { deepFreeze, type JsonObject } from './json-object.js';
import { type Arrival, type FindNetwork, IntrospectionCache } from './introspection-cache.js';
import type { IssuerRegistry } from './issuer-registry.js';
import { checkLength, hasThreeParts, type ParsedToken } from './parse-token.js';
import { toVerifiedToken, type TokenHeader, type VerifiedToken } from './verified-token.js';
import type { TokenStatusSource, TrustedIssuer } from './trusted-issuer.js';
import type { VerifiedEntry } from './verified-token-cache.js';

export interface IntrospectionVerifierParts {
  readonly issuers: IssuerRegistry;
  readonly clock: Clock;
  readonly claimsCheck: ClaimsCheck | null;
  /** How many seconds a confirmation by an issuer is used again. @defaultValue 0: every request makes a call */
  readonly onlineVerdictSeconds?: number | undefined;
  /** Removes old answers of issuers from memory. @defaultValue a timer of Node */
  readonly introspectionTimer?: Timer | undefined;
}

/** A token that its issuer has confirmed. */
export interface IntrospectedEntry {
  readonly text: string;
  readonly token: VerifiedToken;
  readonly validity: Validity;
  readonly issuer: TrustedIssuer;
  /** Distinguishes it from a `VerifiedEntry`, which has the key of its signature. */
  readonly key: null;
  /** When the issuer confirmed the token, in milliseconds since 1970. */
  readonly confirmedAt: number;
  /** The version of the status check that the token last passed; `NaN` before the first. */
  statusVersion: number;
}

/** A token that its issuer has not confirmed yet. */
interface Unconfirmed {
  readonly text: string;
  readonly issuer: TrustedIssuer;
  /** `null` for an opaque token. */
  readonly header: TokenHeader | null;
  /** `null` for an opaque token. */
  readonly claims: JsonObject | null;
  readonly arrival: Arrival;
  /** Whether its signature is verified. */
  readonly isVerified: boolean;
}

/**
 * How long a confirmation holds for the request that it was made for. The object of a request may live long, as a
 * socket does.
 */
const holdMs = 5_000;
/** The header that `VerifiedToken` reports for an opaque token, which has none. */
const opaqueHeader: TokenHeader = Object.freeze({ alg: 'none' });

/** Verifies tokens by introspection: the issuer confirms them, and its answer must satisfy the issuer's terms too. */
export class IntrospectionVerifier {
  private readonly introspectionCache: IntrospectionCache;

  constructor(private readonly parts: IntrospectionVerifierParts) {
    const acceptedAgeMs = (parts.onlineVerdictSeconds ?? 0) * 1_000;
    this.introspectionCache = new IntrospectionCache(parts.clock, acceptedAgeMs, undefined, parts.introspectionTimer);
  }

  /** Called when a token arrives: only calls about it that begin later count for that request. */
  noteArrival(findNetwork: FindNetwork): Arrival {
    return { callsBefore: this.introspectionCache.callCount, findNetwork };
  }

  /** Forgets all answers, when the app stops. */
  close(): void {
    this.introspectionCache.close();
  }

  /**
   * The issuer that introspects a text that is not a JWT. A text of three parts is always treated as a JWT: if it is
   * refused as one, it must not be sent to an issuer that may parse it less strictly.
   */
  findOpaqueIssuer(text: string): TrustedIssuer | undefined {
    const issuer = this.parts.issuers.opaqueIssuer;
    return issuer !== undefined && !hasThreeParts(text) ? issuer : undefined;
  }

  async verifyOpaque(text: string, issuer: TrustedIssuer, arrival: Arrival): Promise<IntrospectedEntry> {
    checkLength(text);
    // RFC 6749 appendix A.12.
    if (!/^[\x20-\x7e]+$/.test(text))
      throw RefusalError.token('malformed', 'It contains characters that no token may have');
    return this.ask({ text, issuer, header: null, claims: null, arrival, isVerified: false });
  }

  /**
   * Verifies a JWT whose signature only the issuer checks. A token that its own claims already refuse is not sent to
   * the issuer.
   */
  async verifyJwtOnline(
    text: string,
    { header, claims }: ParsedToken,
    issuer: TrustedIssuer,
    arrival: Arrival,
  ): Promise<IntrospectedEntry> {
    checkClaims(header, claims, issuer.terms, this.now() / 1_000);
    return this.ask({ text, issuer, header, claims, arrival, isVerified: false });
  }

  /** Verifies a token online that has passed all local checks. */
  async confirm({ text, issuer, token }: VerifiedEntry, arrival: Arrival): Promise<IntrospectedEntry> {
    return this.ask({ text, issuer, header: token.header, claims: token.claims, arrival, isVerified: true });
  }

  /**
   * Whether a confirmation still holds for the request that it was made for.
   *
   * @throws {RefusalError} when the token has expired.
   */
  holds({ validity, issuer, confirmedAt }: IntrospectedEntry): boolean {
    const now = this.now();
    if (!(now >= confirmedAt && now < confirmedAt + holdMs)) return false;
    checkValidity(validity, issuer.terms, now / 1_000);
    return true;
  }

  private async ask(unconfirmed: Unconfirmed): Promise<IntrospectedEntry> {
    const { text, header } = unconfirmed;
    const introspected = await this.introspectionCache.ask({
      ...unconfirmed,
      statusSource: getStatusSource(unconfirmed.issuer),
    });
    const issuer = this.resolveIssuer(introspected, unconfirmed.issuer);
    const claims = mergeClaims(unconfirmed.claims, introspected, issuer);
    const now = this.now();
    const validity = checkClaims(header, claims, issuer.terms, now / 1_000);
    if (this.parts.claimsCheck !== null) await this.parts.claimsCheck(claims);
    const token = toVerifiedToken(issuer.terms.issuer, header ?? opaqueHeader, deepFreeze(claims));
    return { text, token, validity, issuer, key: null, confirmedAt: now, statusVersion: Number.NaN };
  }

  /**
   * The issuer of the token by the answer. A provider may have several issuer names, of which an opaque token states
   * none; so the answer may name another issuer with the same introspection endpoint.
   */
  private resolveIssuer(introspected: JsonObject | null, asked: TrustedIssuer): TrustedIssuer {
    const named = introspected?.['iss'];
    if (named === undefined || named === asked.terms.issuer) return asked;
    const issuer = this.parts.issuers.get(named);
    if (issuer.statusSource === asked.statusSource) return issuer;
    const explanation = `The introspection answer of ${logText(asked.terms.issuer)} names the issuer ${logText(named)}`;
    throw RefusalError.token('issuer', explanation);
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}

function getStatusSource({ statusSource, statusSourceHint: { option, hint } }: TrustedIssuer): TokenStatusSource {
  if (statusSource !== null) return statusSource;
  throw new ConfigurationError(option, '@VerifyOnline() requires introspection, which this issuer does not have', hint);
}

/**
 * Merges the claims of a token with those of the answer. The answer takes precedence, because it is newer, but it can
 * neither extend the token beyond its own `exp` nor change its subject or issuer.
 */
function mergeClaims(own: JsonObject | null, introspected: JsonObject | null, { terms }: TrustedIssuer): JsonObject {
  if (own === null || introspected === null) return own ?? introspected ?? {};
  const subject = introspected[terms.subjectClaim];
  if (subject !== undefined && subject !== own[terms.subjectClaim]) {
    throw RefusalError.token('claim', 'The introspection answer names another user than the token');
  }
  return { ...own, ...introspected, iss: own['iss'], exp: earlierOf(own['exp'], introspected['exp']) };
}

function earlierOf(own: unknown, introspected: unknown): unknown {
  return typeof own === 'number' && typeof introspected === 'number'
    ? Math.min(own, introspected)
    : (introspected ?? own);
}
