import { RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from './json-object.js';
import type { TokenHeader } from './verified-token.js';
import { acceptAnyAudience, type IssuerTerms } from './trusted-issuer.js';

/** The last second that a Date can show; an `exp` beyond it is a mistake, not a date. */
const lastSecond = 8.64e12;
const skewHintSeconds = 60;

/** When a token starts and ends, in seconds since 1970, tolerance not counted. */
export interface Validity {
  readonly expiresAt: number;
  /** The later one of `nbf` and `iat`; `null` when it has neither. */
  readonly startsAt: number | null;
  /** When it is older than the issuer's `maxTokenAgeSeconds` allows; `null` when there is no such limit. */
  readonly tooOldAt: number | null;
}

/**
 * Checks the registered claims (RFC 7519 §4.1) and the type against what is asked of the issuer's tokens.
 *
 * @param header `null` for an opaque token, which has no type
 * @throws {RefusalError} with the reason of the first check that fails.
 */
export function checkClaims(header: TokenHeader | null, claims: JsonObject, terms: IssuerTerms, now: number): Validity {
  if (header !== null) checkType(header, terms);
  const validity = readValidity(claims, terms);
  checkValidity(validity, terms, now);
  checkAudience(claims['aud'], terms);
  checkSubject(claims, terms);
  const fault = terms.findFault?.(claims, header);
  if (fault !== undefined) throw fault;
  return validity;
}

/**
 * Whether the token is within its time at this moment: also asked for a token that has passed before.
 *
 * @throws {RefusalError} `expired` or `not_yet_valid`.
 */
export function checkValidity(validity: Validity, terms: IssuerTerms, now: number): void {
  const { expiresAt, startsAt, tooOldAt } = validity;
  const tolerance = terms.clockToleranceSeconds;
  // RFC 7519 §4.1.4: on or after this time it must not be accepted. Asked the other way round, so that a clock
  // that gives no date lets nothing through.
  if (!(now < expiresAt + tolerance)) {
    const past = now - expiresAt;
    throw RefusalError.token('expired', `It expired ${seconds(past)} ago (tolerance ${tolerance} s). ${fix(past)}`);
  }
  if (startsAt !== null && now < startsAt - tolerance) {
    const ahead = startsAt - now;
    throw RefusalError.token(
      'not_yet_valid',
      `It starts ("nbf" or "iat") in ${seconds(ahead)} (tolerance ${tolerance} s). ${fix(ahead)}`,
    );
  }
  if (tooOldAt !== null && now >= tooOldAt + tolerance) {
    const limit = `maxTokenAgeSeconds is ${terms.maxTokenAgeSeconds ?? 0}`;
    throw RefusalError.token('expired', `Its "iat" is ${seconds(now - tooOldAt)} older than allowed: ${limit}`);
  }
}

function readValidity(claims: JsonObject, terms: IssuerTerms): Validity {
  const expiresAt = readDate('exp', claims['exp']);
  if (expiresAt === null) throw RefusalError.token('claim', 'It has no "exp"; a token that never ends is not accepted');
  const issuedAt = readDate('iat', claims['iat']);
  const startsAt = laterOf(readDate('nbf', claims['nbf']), issuedAt);
  if (terms.maxTokenAgeSeconds === null) return { expiresAt, startsAt, tooOldAt: null };
  if (issuedAt === null) throw RefusalError.token('claim', 'It has no "iat", so its age cannot be known');
  return { expiresAt, startsAt, tooOldAt: issuedAt + terms.maxTokenAgeSeconds };
}

function laterOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

function readDate(name: string, value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > lastSecond) {
    throw RefusalError.token('claim', `Its "${name}" is not a number of seconds since 1970`);
  }
  return value;
}

function checkAudience(aud: unknown, terms: IssuerTerms): void {
  if (terms.audience === acceptAnyAudience) return;
  // No other symbol is an audience.
  const expected = typeof terms.audience === 'symbol' ? [] : terms.audience;
  if (typeof aud === 'string' && expected.includes(aud)) return;
  const actual: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  // RFC 7519 §4.1.3: a text or a list of texts. A list with anything else in it is not such a list.
  const wellFormed = actual.every((audience) => typeof audience === 'string');
  if (wellFormed && actual.some((audience) => expected.includes(audience))) return;
  const came = aud === undefined ? 'the token has none' : `the token says ${logText(aud)}`;
  throw RefusalError.token(
    'audience',
    `Expected audience ${expected.map(logText).join(' or ')}, ${came}. ` +
      'Either ask the issuer for a token for this API, or put its audience into the configuration',
  );
}

function checkSubject(claims: JsonObject, terms: IssuerTerms): void {
  const subject = claims[terms.subjectClaim];
  if (typeof subject !== 'string' || subject === '') {
    throw RefusalError.token('claim', `Its "${terms.subjectClaim}", the user's id, is missing or not a text`);
  }
}

function checkType(header: TokenHeader, terms: IssuerTerms): void {
  if (terms.tokenType === null) return;
  if (header.typ !== undefined && plainType(header.typ) === terms.tokenType) return;
  const came = header.typ === undefined ? 'it has none' : `it is ${logText(header.typ)}`;
  throw RefusalError.token(
    'type',
    `Expected a token of type ${logText(terms.tokenType)}, ${came}. An ID token sent in place of an access token?`,
  );
}

/** A media type as it is compared: RFC 7515 §4.1.9 lets `application/` be left out, and case means nothing. */
export function plainType(type: string): string {
  return type.toLowerCase().replace(/^application\//, '');
}

function fix(off: number): string {
  return off < skewHintSeconds
    ? `Clock skew of ${seconds(off)}? Check that both clocks are set by NTP`
    : 'The client has to get a new one';
}

function seconds(count: number): string {
  return `${Math.round(count * 10) / 10} s`;
}
