import { createHash } from 'node:crypto';

import { type Clock, readMilliseconds } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import { usualTerms } from '../issuers/identity-provider.js';
import { type Algorithm, findAlgorithm, traitsOf } from '../keys/algorithm.js';
import type { KeySource } from '../keys/key-source.js';
import { logText } from '../telemetry/log-text.js';
import { plainType } from '../token/check-claims.js';
import type { JsonObject } from '../token/json-object.js';
import { verifyByKeySource } from '../token/jwt-verifier.js';
import { type ParsedToken, parseToken } from '../token/parse-token.js';
import { acceptAnyAudience, type FindFault, type IssuerTerms } from '../token/trusted-issuer.js';
import { readTextClaim } from '../user/claim-map.js';
import type { VerifiedLogout } from './provider-client.js';

/** Who issues the tokens, and for whom. */
export interface IdTokenParts {
  readonly clientId: string;
  readonly algorithms: readonly Algorithm[];
  readonly keys: KeySource;
  readonly clock: Clock;
  /** The `iss` that a token with these claims must have; `null` refuses it. */
  readonly issuerOf: (claims: JsonObject) => string | null;
}

/** What binds an ID token to one login. */
export interface IdTokenBinding {
  readonly nonce: string;
  /** Whether a token without a nonce is refused. */
  readonly requiresNonce: boolean;
  readonly accessToken: string;
}

/** The age at which a token is refused that was made for the login of this moment, in seconds. */
const greatestAgeSeconds = 600;
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';
/** Types of other tokens that a provider signs with the same keys (RFC 9068 §2.1, Back-Channel Logout 1.0 §2.4, RFC 8417 §2.3). */
const otherTypes = ['at+jwt', 'logout+jwt', 'secevent+jwt'];

/**
 * Verifies an ID token that came from the token endpoint (OpenID Connect Core 1.0 §3.1.3.7). The signature is checked although the
 * connection was protected, as for all tokens.
 *
 * @throws {RefusalError} `INVALID_TOKEN` whose reason names the check that failed.
 * @throws {AuthUnavailableError} when the keys cannot be had.
 */
export async function verifyIdToken(text: string, parts: IdTokenParts, binding: IdTokenBinding): Promise<JsonObject> {
  const parsed = parseToken(text);
  const findFault: FindFault = (claims) =>
    findTypeFault(parsed) ??
    findAudienceFault(claims, parts.clientId) ??
    findPartyFault(claims, parts.clientId) ??
    findBindingFault(parsed, binding);
  await verify(parsed, parts, { subjectClaim: 'sub', findFault });
  return parsed.claims;
}

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6). Whether its `jti` was used before is for the caller to check.
 *
 * @throws {RefusalError} `INVALID_TOKEN` whose reason names the check that failed.
 * @throws {AuthUnavailableError} when the keys cannot be had.
 */
export async function verifyLogoutToken(text: string, parts: IdTokenParts): Promise<VerifiedLogout> {
  const parsed = parseToken(text);
  const { claims } = parsed;
  await verify(withExpiry(parsed), parts, {
    subjectClaim: 'sub',
    otherSubjectClaims: ['sid'],
    findFault: () => findAudienceFault(claims, parts.clientId) ?? findLogoutFault(parsed),
  });
  const { exp } = claims;
  return {
    subject: readTextClaim(claims, 'sub'),
    sessionId: readTextClaim(claims, 'sid'),
    id: readTextClaim(claims, 'jti') ?? '',
    issuedAt: new Date(Number(claims['iat']) * 1_000),
    expiresAt: typeof exp === 'number' ? new Date(exp * 1_000) : null,
  };
}

async function verify(
  parsed: ParsedToken,
  { algorithms, keys, clock, issuerOf }: IdTokenParts,
  own: Pick<IssuerTerms, 'subjectClaim'> & Partial<IssuerTerms>,
): Promise<void> {
  const issuer = issuerOf(parsed.claims);
  const { iss } = parsed.claims;
  if (issuer === null || iss !== issuer) {
    const expected = issuer === null ? 'one that the options allow' : logText(issuer);
    throw RefusalError.token('issuer', `Expected issuer ${expected}, the token says ${logText(iss)}`);
  }
  const terms: IssuerTerms = {
    ...usualTerms,
    issuer,
    // `findFault` checks it: what the log says about a wrong one is different for ID tokens.
    audience: acceptAnyAudience,
    algorithms: new Set(algorithms),
    maxTokenAgeSeconds: greatestAgeSeconds,
    ...own,
  };
  await verifyByKeySource(parsed, terms, keys, () => readMilliseconds(clock));
}

/** Drafts of the specification had no "exp"; the greatest age of a token is its end then. */
function withExpiry(parsed: ParsedToken): ParsedToken {
  const { iat, exp } = parsed.claims;
  if (exp !== undefined || typeof iat !== 'number') return parsed;
  return { ...parsed, claims: { ...parsed.claims, exp: iat + greatestAgeSeconds } };
}

function findTypeFault({ header }: ParsedToken): RefusalError | undefined {
  if (header.typ === undefined || !otherTypes.includes(plainType(header.typ))) return undefined;
  return RefusalError.token('type', `An ID token is expected, and the token is of type ${logText(header.typ)}`);
}

/** OpenID Connect Core 1.0 §3.1.3.7, 3: a list with any other member than texts is refused as a whole. */
function findAudienceFault({ aud }: JsonObject, clientId: string): RefusalError | undefined {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (audiences.includes(clientId) && audiences.every((audience) => typeof audience === 'string')) return undefined;
  return RefusalError.token('audience', `It is for another client than this app: its "aud" is ${logText(aud)}`);
}

/** §3.1.3.7, 4 and 5: a token for several clients names the one that it was issued to. */
function findPartyFault({ aud, azp }: JsonObject, clientId: string): RefusalError | undefined {
  if (azp === clientId) return undefined;
  if (azp === undefined && !(Array.isArray(aud) && aud.length > 1)) return undefined;
  return RefusalError.token('audience', `It was issued to another client than this app: its "azp" is ${logText(azp)}`);
}

function findBindingFault(parsed: ParsedToken, binding: IdTokenBinding): RefusalError | undefined {
  const { nonce, at_hash: hash } = parsed.claims;
  if (nonce === undefined ? binding.requiresNonce : nonce !== binding.nonce) {
    return RefusalError.token('claim', `Its "nonce" is ${nonce === undefined ? 'missing' : 'that of another login'}`);
  }
  if (hash === undefined || hash === hashOf(binding.accessToken, parsed)) return undefined;
  return RefusalError.token('claim', 'Its "at_hash" belongs to another access token');
}

/** OpenID Connect Core 1.0 §3.1.3.6: the left half of the hash that the token's algorithm uses. Ed25519 has SHA-512 inside. */
function hashOf(accessToken: string, { header }: ParsedToken): string {
  const algorithm = findAlgorithm(header.alg);
  const digest = createHash((algorithm && traitsOf(algorithm).hash) ?? 'sha512')
    .update(accessToken)
    .digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

function findLogoutFault({ header, claims }: ParsedToken): RefusalError | undefined {
  const { typ } = header;
  if (typ !== undefined && !['jwt', 'logout+jwt'].includes(plainType(typ))) {
    return RefusalError.token('type', `A logout token is expected, and the token is of type ${logText(typ)}`);
  }
  // An ID token has a nonce and no events, and must not end a session.
  if (claims['nonce'] !== undefined)
    return RefusalError.token('type', 'It has a "nonce", which a logout token never has');
  if (!hasLogoutEvent(claims)) return RefusalError.token('type', `Its "events" do not have ${logoutEvent}`);
  if (readTextClaim(claims, 'jti') === null) return RefusalError.token('claim', 'It has no "jti"');
  const wrong = ['sub', 'sid'].find((name) => claims[name] !== undefined && readTextClaim(claims, name) === null);
  return wrong === undefined ? undefined : RefusalError.token('claim', `Its "${wrong}" is not a text`);
}

function hasLogoutEvent({ events }: JsonObject): boolean {
  if (typeof events !== 'object' || events === null || !Object.hasOwn(events, logoutEvent)) return false;
  const event: unknown = (events as JsonObject)[logoutEvent];
  return typeof event === 'object' && event !== null && !Array.isArray(event);
}
