import { ConfigurationError, AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import type { ProfileSource, SourcedProfile } from '../profiles/profile-source.js';
import type { JsonObject } from '../token/json-object.js';
import type { AuthContext, Capability, MissingOption } from '../upstream/auth-context.js';
import type { HttpAnswer } from '../upstream/http-client.js';
import type { AuthUser } from '../user/auth-user.js';
import { readTextClaim } from '../user/claim-map.js';
import { tokenOf } from '../user/verified-user.js';
import { callEndpoint, type DiscoveredIssuer } from './discovered-issuer.js';
import { checkSendable, readAnswer, secondsToRecover } from './provider-answer.js';
import { type UserInfo, userInfo } from './user-info.js';

/**
 * The caller's profile from the userinfo endpoint that the issuer's metadata names, requested with the caller's token
 * (OpenID Connect Core §5.3). The endpoint shows no other users.
 *
 * @param where the preset, for messages: `oidc`
 * @param issuers the issuers of the preset by their exact names.
 * @param findHint what to configure in order to look up other users.
 */
export function userinfoProfiles(
  where: string,
  issuers: ReadonlyMap<string, DiscoveredIssuer>,
  findHint: MissingOption,
): Capability<ProfileSource> {
  return {
    create: (context) => ({
      findHint,
      get: async (user) => {
        const issuer = issuers.get(user.issuer);
        if (issuer === undefined) throw new TypeError(`${where} was asked for a user of another issuer`);
        return getOwn(where, issuer, context, user);
      },
    }),
  };
}

async function getOwn(
  where: string,
  issuer: DiscoveredIssuer,
  context: AuthContext,
  user: AuthUser,
): Promise<SourcedProfile> {
  const token = tokenOf(user);
  checkSendable(token);
  const headers = { authorization: `Bearer ${token}` };
  const answer = await callEndpoint(issuer, 'userinfo_endpoint', context, { method: 'GET', headers, caller: token });
  if (answer === null) throw missing(where);
  return readProfile(issuer.name, answer, user);
}

function readProfile(issuer: string, answer: HttpAnswer, user: AuthUser): SourcedProfile {
  const body = readUserInfo(answer, issuer);
  const what = `The userinfo answer of ${issuer}`;
  const info = readAnswer(what, userInfo, body);
  // OpenID Connect Core §5.3.2: unless the two are identical, the answer must not be used.
  if (info.sub !== (readTextClaim(user.claims, 'sub') ?? user.id)) {
    throw new AuthUnavailableError(`${what} has another "sub" than the token`, secondsToRecover);
  }
  return toProfile(info, user.id);
}

function missing(where: string): ConfigurationError {
  return new ConfigurationError(
    where,
    'the metadata of the issuer names no userinfo_endpoint, so there are no profiles to get',
    'Describe the issuer by jwtIssuer({ profiles }), with a source of your own',
  );
}

function toProfile(info: UserInfo & JsonObject, id: string): SourcedProfile {
  const names = [info.given_name, info.family_name].filter((name) => name);
  const verified = info.email_verified ?? null;
  return {
    id,
    displayName: info.name || names.join(' ') || info.preferred_username || null,
    primaryEmail: info.email || null,
    primaryEmailVerified: verified === null ? null : String(verified) === 'true',
    profileImageUrl: info.picture || null,
    raw: info,
  };
}

/**
 * Reads the claims out of an answer of a userinfo endpoint (OpenID Connect Core §5.3.2 and §5.3.3).
 *
 * @param issuer names it in the log.
 * @throws {RefusalError} when it does not accept the token, or the token lacks a scope.
 * @throws {AuthUnavailableError} for every other answer without claims.
 */
function readUserInfo(answer: HttpAnswer, issuer: string): unknown {
  const { status, body } = answer;
  if (status === 200) return isSigned(answer) ? refuseSigned(issuer) : body;
  if ((status === 401 || status === 403) && errorOf(answer) === 'insufficient_scope') {
    throw RefusalError.scopes(
      ['openid'],
      `${issuer} shows no profile to this token, which was not granted the scope openid: have the client ask for openid, and for profile and email to see more than the id`,
    );
  }
  if (status === 401) {
    throw RefusalError.token(
      'revoked',
      `${issuer} does not accept it at its userinfo endpoint: it was revoked, or its user is gone, or the issuer wants tokens there that were not made for one API alone`,
    );
  }
  throw new AuthUnavailableError(`The userinfo endpoint of ${issuer} answered with status ${status}`, secondsToRecover);
}

/** The error code of the challenge (RFC 6750 §3), or of a body in the form of RFC 6749 §5.2, which some issuers send. */
function errorOf({ headers, body }: HttpAnswer): string | null {
  const challenged = /\berror\s*=\s*"?([\w-]+)/i.exec(headers.get('www-authenticate') ?? '')?.[1];
  if (challenged !== undefined) return challenged;
  const error: unknown = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  return typeof error === 'string' ? error : null;
}

function isSigned({ headers }: HttpAnswer): boolean {
  return /^application\/jwt\s*(?:;|$)/i.test(headers.get('content-type') ?? '');
}

function refuseSigned(issuer: string): never {
  throw new AuthUnavailableError(
    `The userinfo endpoint of ${issuer} answers with a signed JWT, which is not read. Register the client without userinfo_signed_response_alg, so that it answers in JSON`,
    secondsToRecover,
  );
}
