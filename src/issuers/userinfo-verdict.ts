import { AuthUnavailableError } from '../errors/fault-error.js';
import { RefusalError } from '../errors/refusal-error.js';
import type { ProviderAnswer } from '../upstream/provider-client.js';
import { secondsToRecover } from './provider-answer.js';

/**
 * What a userinfo endpoint has answered: the claims, where it did (OpenID Connect Core §5.3.2 and §5.3.3).
 *
 * @param issuer names it in the log.
 * @throws {RefusalError} when it does not take the token, or the token was not granted what this takes.
 * @throws {AuthUnavailableError} for everything else.
 */
export function readUserInfo(answer: ProviderAnswer, issuer: string): unknown {
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

/** The error code of a challenge (RFC 6750 §3), or of a body in the form of RFC 6749 §5.2, which some send instead. */
function errorOf({ headers, body }: ProviderAnswer): string | null {
  const challenged = /\berror\s*=\s*"?([\w-]+)/i.exec(headers.get('www-authenticate') ?? '')?.[1];
  if (challenged !== undefined) return challenged;
  const error: unknown = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  return typeof error === 'string' ? error : null;
}

function isSigned({ headers }: ProviderAnswer): boolean {
  return /^application\/jwt\s*(?:;|$)/i.test(headers.get('content-type') ?? '');
}

function refuseSigned(issuer: string): never {
  throw new AuthUnavailableError(
    `The userinfo endpoint of ${issuer} answers with a signed JWT, which is not read. Register the client without userinfo_signed_response_alg, so that it answers in JSON`,
    secondsToRecover,
  );
}
