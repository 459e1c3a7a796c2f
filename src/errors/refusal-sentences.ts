/** The stable name of a refusal or a fault, in response bodies and in code that catches the error. */
export type AuthErrorCode =
  | 'MISSING_TOKEN'
  | 'INVALID_REQUEST'
  | 'INVALID_TOKEN'
  | 'INSUFFICIENT_SCOPE'
  | 'ACCESS_DENIED'
  | 'INVALID_INPUT'
  | 'NOT_FOUND'
  | 'TOO_MANY_ATTEMPTS'
  | 'INVALID_CREDENTIALS'
  | 'PASSWORD_REQUIRED'
  | 'MFA_REQUIRED'
  | 'STEP_UP_REQUIRED'
  | 'LOGIN_REFUSED'
  | 'LOGIN_STATE'
  | 'INVALID_CODE'
  | 'WEAK_PASSWORD'
  | 'EMAIL_TAKEN'
  | 'USERNAME_TAKEN'
  | 'IDENTITY_TAKEN'
  | 'GROUP_EXISTS'
  | 'LAST_SIGN_IN_METHOD'
  | 'USE_DPOP_NONCE'
  | 'SERVER_ERROR'
  | 'CONFIGURATION_ERROR';

/** Why a token was refused. Only `INVALID_TOKEN` has a reason. */
export type RefusalReason =
  | 'malformed'
  | 'expired'
  | 'not_yet_valid'
  | 'signature'
  | 'algorithm'
  | 'key'
  | 'issuer'
  | 'audience'
  | 'type'
  | 'claim'
  | 'proof'
  | 'revoked';

/** The codes of a refusal, which is the caller's fault and is answered with a status from 400 to 499. */
export type RefusalCode = Exclude<AuthErrorCode, 'SERVER_ERROR' | 'CONFIGURATION_ERROR'>;

/** A rule that a member of a body or a query breaks. */
export interface FieldProblem {
  /** The member: `limit`, or `links.0.url` inside others. */
  readonly path: string;
  /** What is expected, as a sentence without a full stop. It never repeats the value. */
  readonly message: string;
}

/** The codes of refusals that have more than a code and a message. */
export type DetailedCode =
  | 'INVALID_TOKEN'
  | 'INSUFFICIENT_SCOPE'
  | 'INVALID_INPUT'
  | 'TOO_MANY_ATTEMPTS'
  | 'STEP_UP_REQUIRED'
  | 'MFA_REQUIRED'
  | 'USE_DPOP_NONCE';

/** What only some refusals have. */
export interface RefusalDetails {
  readonly requiredScopes?: readonly string[];
  readonly fromOtherSite?: boolean;
  readonly fields?: readonly FieldProblem[];
  readonly status?: 413 | 415;
  readonly retryAfterSeconds?: number;
  readonly maxAgeSeconds?: number | null;
  readonly acrValues?: readonly string[];
  readonly attemptCode?: string;
  readonly dpopNonce?: string;
}

/** The messages that clients receive with a code. They are fixed: none repeats a token, a key server or the configuration. */
export const sentences: Readonly<Record<Exclude<RefusalCode, 'INVALID_TOKEN'>, string>> = {
  MISSING_TOKEN: 'An access token is required',
  INVALID_REQUEST: 'The request carries its credentials in a malformed or contradictory way',
  INSUFFICIENT_SCOPE: 'The access token lacks a required scope',
  ACCESS_DENIED: 'Access is denied',
  INVALID_INPUT: 'The body or the query of the request breaks a rule',
  NOT_FOUND: 'Not found',
  TOO_MANY_ATTEMPTS: 'Too many failed attempts',
  INVALID_CREDENTIALS: 'The login or the password is wrong',
  PASSWORD_REQUIRED: 'The password that was chosen at sign-up is required with the code',
  MFA_REQUIRED: 'A second factor is required',
  STEP_UP_REQUIRED: 'A more recent or a stronger sign-in is required',
  LOGIN_REFUSED: 'The login was declined',
  LOGIN_STATE: 'The login is unknown, was used already, is too old or began in another browser',
  INVALID_CODE: 'The code is wrong, was used or is too old',
  WEAK_PASSWORD: 'The password is too easy to guess',
  EMAIL_TAKEN: 'There is an account with this e-mail address already',
  USERNAME_TAKEN: 'There is an account with this username already',
  IDENTITY_TAKEN: 'This identity belongs to an account already',
  GROUP_EXISTS: 'There is a group with this name already',
  LAST_SIGN_IN_METHOD: 'The account would be left without a way to sign in',
  USE_DPOP_NONCE: 'The DPoP proof has to contain the nonce of this answer',
};

/** The message about a token that came with a proof that cannot serve it, or without the one that it needs. */
export const bindingSentence = 'The access token is not bound to what the request has proven';

/** The same for API keys. */
export const apiKeySentences = {
  key: 'The API key is not accepted',
  expired: 'The API key has expired',
  revoked: 'The API key has been revoked',
} as const satisfies Partial<Record<RefusalReason, string>>;

/** The same for refresh tokens. */
export const sessionSentences = {
  malformed: 'The refresh token is not one of this app',
  expired: 'The session has expired',
  revoked: 'The session has ended',
} as const satisfies Partial<Record<RefusalReason, string>>;

/** The same for access tokens. */
export const tokenSentences: Record<RefusalReason, string> = {
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
  proof: 'The DPoP proof is missing or not accepted',
  revoked: 'The access token has been revoked',
};
