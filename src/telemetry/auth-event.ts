import type { AuthErrorCode, RefusalReason } from '../errors/auth-error.js';

/** A caller was refused, or let through as anonymousCaller although a token came; or nothing could be decided. */
export interface RefusedEvent {
  readonly type: 'refused';
  readonly code: AuthErrorCode;
  readonly reason: RefusalReason | null;
  /** What was expected, what came and what to change; may repeat texts of the token, never the token. */
  readonly explanation: string;
  /** Which handler was asked for, `CatsController.list`; or which door of passport, `AuthGuard('jwt')`. */
  readonly handler: string;
  /** Whether the handler ran all the same, without a user. */
  readonly anonymous: boolean;
}

/** Something that the module depends on stopped answering. Reported once for an outage. */
interface OutageBeganEvent {
  readonly type: 'outage-began';
  /** What cannot be had: `keys of https://issuer.example`. */
  readonly what: string;
  readonly problem: string;
  /** What goes on in the meantime. */
  readonly consequence: string;
}

/** It answers again. */
interface OutageEndedEvent {
  readonly type: 'outage-ended';
  readonly what: string;
  readonly lastedSeconds: number;
}

/** An app wired the module in a way that cannot work; a developer has to change a line. */
interface MisconfiguredEvent {
  readonly type: 'misconfigured';
  readonly problem: string;
  readonly fix: string;
}

/** A rule of the app's own (a policy, the function that names an organization) threw, and the caller was refused. */
interface RuleFailedEvent {
  readonly type: 'rule-failed';
  /** `@RequirePolicy(OwnsCat)` */
  readonly rule: string;
  readonly handler: string;
  /** Name and message of what was thrown, escaped and without the token. */
  readonly problem: string;
  /** Where it was thrown, innermost first. */
  readonly frames: readonly string[];
}

/** Everything that the module reports. Closed: whoever listens can be exhaustive. */
export type AuthEvent = RefusedEvent | OutageBeganEvent | OutageEndedEvent | MisconfiguredEvent | RuleFailedEvent;

/** Where events go. */
export type ReportEvent = (event: AuthEvent) => void;
