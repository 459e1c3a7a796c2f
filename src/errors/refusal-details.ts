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
  readonly maxAgeSeconds?: number;
  readonly attemptCode?: string;
  readonly dpopNonce?: string;
}
