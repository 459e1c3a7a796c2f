/** The refusals that a client receives, as the contract of the package states them. */
import type { AuthErrorCode, RefusalReason } from 'nest-gatehouse';
import type { Answer } from './http.js';

/** Status, challenge and code, which every refusal test asserts. */
export interface Verdict {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly code: AuthErrorCode;
  readonly reason?: RefusalReason;
}

export function verdictOf({ status, headers, json }: Answer): Verdict {
  const { code, reason } = json as { code: AuthErrorCode; reason?: RefusalReason };
  return { status, challenge: headers['www-authenticate'], code, ...(reason !== undefined && { reason }) };
}

/** The message of each reason. */
export const sentences: Readonly<Record<RefusalReason, string>> = {
  malformed: 'The access token is malformed',
  expired: 'The access token has expired',
  not_yet_valid: 'The access token is not valid yet',
  signature: 'The signature of the access token does not verify',
  algorithm: 'The signature algorithm of the access token is not accepted',
  key: 'The access token is signed with an unknown key',
  issuer: 'The issuer of the access token is not accepted',
  audience: 'The access token is meant for another audience',
  type: 'The access token is of the wrong type',
  claim: 'A claim of the access token is missing or not accepted',
  // Of a bound token that comes as Bearer. The sentence about a proof is in the challenge of DPoP.
  proof: 'The access token is not bound to what the request has proven',
  revoked: 'The access token has been revoked',
};

export function invalidTokenChallenge(reason: RefusalReason): string {
  return `Bearer error="invalid_token", error_description="${sentences[reason]}"`;
}

export function invalidToken(reason: RefusalReason): Verdict {
  return { status: 401, challenge: invalidTokenChallenge(reason), code: 'INVALID_TOKEN', reason };
}

const sessionSentences = {
  malformed: 'The refresh token is not one of this app',
  expired: 'The session has expired',
  revoked: 'The session has ended',
} as const satisfies Partial<Record<RefusalReason, string>>;

/** The refusal of a refresh token, and of a session whose user is gone. */
export function refusedSession(reason: keyof typeof sessionSentences): Verdict {
  const challenge = `Bearer error="invalid_token", error_description="${sessionSentences[reason]}"`;
  return { status: 401, challenge, code: 'INVALID_TOKEN', reason };
}

export const missingToken: Verdict = { status: 401, challenge: 'Bearer', code: 'MISSING_TOKEN' };

export const invalidRequest: Verdict = {
  status: 400,
  challenge:
    'Bearer error="invalid_request", ' +
    'error_description="The request carries its credentials in a malformed or contradictory way"',
  code: 'INVALID_REQUEST',
};

export const accessDenied: Verdict = { status: 403, challenge: undefined, code: 'ACCESS_DENIED' };

export const unavailable: Verdict = { status: 503, challenge: undefined, code: 'SERVER_ERROR' };
