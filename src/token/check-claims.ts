import { RefusalError, type RefusalReason } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from './json-object.js';
import type { TokenHeader } from './verified-token.js';
import { acceptAnyAudience, type IssuerTerms } from './trusted-issuer.js';

/** The largest time that a `Date` can represent, in seconds since 1970. */
const maxDateSeconds = 8.64e12;
/** A token that is off by less than this is reported as possible clock skew. */
export const skewHintSeconds = 60;

/** The period in which a token is valid, in seconds since 1970, without the clock tolerance. */
export interface Validity {
  readonly expiresAt: number;
  /** The later of `nbf` and `iat`; `null` when the token has neither. */
  readonly startsAt: number | null;
  /** When the token exceeds the issuer's `maxTokenAgeSeconds`; `null` without such a limit. */
  readonly tooOldAt: number | null;
}

/**
 * Checks the registered claims (RFC 7519 §4.1) and the type against the issuer's terms.
 *
 * @param header `null` for an opaque token, which has no type
 * @param now the current time in seconds since 1970
 * @throws {RefusalError} with the reason of the first check that fails.
 */
export function checkClaims(header: TokenHeader | null, claims: JsonObject, terms: IssuerTerms, now: number): Validity {
  if (header !== null) checkType(header, terms);
  const validity = readValidity(claims, terms);
  checkValidity(validity, terms, now);
  checkAudience(header, claims, terms);
  checkSubject(header, claims, terms);
  const refusal = terms.findFault?.(claims, header);
  if (refusal !== undefined) throw refusal;
  return validity;
}

/**
 * Checks that the token is valid at the given time. It also runs for tokens that were verified before.
 *
 * @throws {RefusalError} `expired` or `not_yet_valid`.
 */
export function checkValidity(validity: Validity, terms: IssuerTerms, now: number): void {
  const { expiresAt, startsAt, tooOldAt } = validity;
  const tolerance = terms.clockToleranceSeconds;
  // RFC 7519 §4.1.4: the token must not be accepted on or after `exp`. The condition is written as a negation, so that
  // a clock that returns an invalid date (NaN) causes every token to be refused.
  if (!(now < expiresAt + tolerance)) {
    const past = now - expiresAt;
    throw RefusalError.token(
      'expired',
      `It expired ${formatSeconds(past)} ago (tolerance ${tolerance} s). ${describeFix(past)}`,
    );
  }
  if (startsAt !== null && now < startsAt - tolerance) {
    const ahead = startsAt - now;
    throw RefusalError.token(
      'not_yet_valid',
      `It becomes valid ("nbf" or "iat") in ${formatSeconds(ahead)} (tolerance ${tolerance} s). ${describeFix(ahead)}`,
    );
  }
  if (tooOldAt !== null && now >= tooOldAt + tolerance) {
    const limit = `maxTokenAgeSeconds is ${terms.maxTokenAgeSeconds ?? 0}`;
    throw RefusalError.token('expired', `Its "iat" is ${formatSeconds(now - tooOldAt)} older than allowed: ${limit}`);
  }
}

/** Reads the times of a token. @throws {RefusalError} with reason `claim` when one is missing or no number. */
export function readValidity(claims: JsonObject, terms: IssuerTerms): Validity {
  const expiresAt = readDate('exp', claims['exp']);
  if (expiresAt === null)
    throw RefusalError.token('claim', 'It has no "exp", and a token that never expires is not accepted');
  const issuedAt = readDate('iat', claims['iat']);
  const startsAt = laterOf(readDate('nbf', claims['nbf']), issuedAt);
  if (terms.maxTokenAgeSeconds === null) return { expiresAt, startsAt, tooOldAt: null };
  if (issuedAt === null)
    throw RefusalError.token('claim', 'It has no "iat", so its age is unknown, and maxTokenAgeSeconds is set');
  return { expiresAt, startsAt, tooOldAt: issuedAt + terms.maxTokenAgeSeconds };
}

function laterOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

function readDate(name: string, value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > maxDateSeconds) {
    throw RefusalError.token('claim', `Its "${name}" is not a number of seconds since 1970`);
  }
  return value;
}

/** @throws {RefusalError} with reason `audience`. */
export function checkAudience(header: TokenHeader | null, claims: JsonObject, terms: IssuerTerms): void {
  if (terms.audience === acceptAnyAudience) return;
  const { aud } = claims;
  // Any other symbol matches no audience.
  const expected = typeof terms.audience === 'symbol' ? [] : terms.audience;
  if (typeof aud === 'string' && expected.includes(aud)) return;
  const actual: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  // RFC 7519 §4.1.3: a text or a list of texts. A list with any other member is refused as a whole.
  const wellFormed = actual.every((audience) => typeof audience === 'string');
  if (wellFormed && actual.some((audience) => expected.includes(audience))) return;
  const received = aud === undefined ? 'the token has none' : `the token says ${logText(aud)}`;
  const problem = `Expected audience ${expected.map(logText).join(' or ')}, ${received}. ${describeAudience(claims)}`;
  throw refusalBy(terms, 'audience', problem, header, claims);
}

/** The sign by which a token seems to be an ID token; `null` without one. */
export function findIdTokenSign(claims: JsonObject): string | null {
  const { aud, azp, client_id: client, typ } = claims;
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  const claim = ['nonce', 'at_hash', 'c_hash', 's_hash'].find((name) => claims[name] !== undefined);
  if (claim !== undefined) return `it has "${claim}"`;
  // Keycloak states the kind of a token in this claim.
  if (typ === 'ID') return 'its "typ" is ID';
  return audience !== undefined && (audience === azp || audience === client)
    ? 'its audience is the client that asked for it'
    : null;
}

/**
 * Never advises to accept the audience of the token where that is the id of a client: then every ID token for this client would
 * pass.
 */
function describeAudience(claims: JsonObject): string {
  const sign = findIdTokenSign(claims);
  if (sign !== null) {
    return (
      `It seems to be an ID token (${sign}), which tells the client who has signed in and is not for APIs. Let the client send ` +
      'its access token, and name this API when it asks for one. Do not add the id of a client to the option audience'
    );
  }
  return (
    'Let the client name this API when it asks the issuer for a token. If the token already names this API, the option audience ' +
    'is wrong; it never contains the id of a client'
  );
}

/** @throws {RefusalError} with reason `claim` when no claim has the id of the user. */
export function checkSubject(header: TokenHeader | null, claims: JsonObject, terms: IssuerTerms): void {
  const names = [terms.subjectClaim, ...(terms.otherSubjectClaims ?? [])];
  if (names.some((name) => typeof claims[name] === 'string' && claims[name] !== '')) return;
  const problem = `Its "${terms.subjectClaim}", the user's id, is missing or not a text`;
  throw refusalBy(terms, 'claim', problem, header, claims);
}

/** A refusal whose explanation contains what the issuer's preset knows about such tokens. */
export function refusalBy(
  { explain }: IssuerTerms,
  reason: RefusalReason,
  problem: string,
  header: TokenHeader | null,
  claims: JsonObject,
): RefusalError {
  const known = explain?.(reason, claims, header);
  return RefusalError.token(reason, known === undefined ? problem : `${problem}. ${known}`);
}

/** @throws {RefusalError} with reason `type`. */
export function checkType(header: TokenHeader, terms: IssuerTerms): void {
  if (terms.tokenType === null) return;
  if (header.typ !== undefined && plainType(header.typ) === terms.tokenType) return;
  const received = header.typ === undefined ? 'the token has none' : `the token says ${logText(header.typ)}`;
  throw RefusalError.token(
    'type',
    `Expected type ${logText(terms.tokenType)}, ${received}. It may be an ID token that was sent instead of an access token`,
  );
}

/**
 * Normalizes a media type for comparison: without `application/`, which RFC 7515 §4.1.9 allows to omit, and in lower
 * case.
 */
export function plainType(type: string): string {
  return type.toLowerCase().replace(/^application\//, '');
}

function describeFix(off: number): string {
  return off < skewHintSeconds
    ? `Clock skew of ${formatSeconds(off)}? Set both clocks by NTP; where one cannot be set, clockToleranceSeconds covers it`
    : 'The client has to get a new one';
}

function formatSeconds(count: number): string {
  return `${Math.round(count * 10) / 10} s`;
}
