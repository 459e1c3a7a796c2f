import type { AuthErrorCode, RefusalReason } from '../errors/auth-error.js';

/**
 * A caller was refused, a caller whose token was not accepted continued as an anonymous one, or the caller could not be
 * authenticated.
 */
export interface RefusedEvent {
  readonly type: 'refused';
  readonly code: AuthErrorCode;
  readonly reason: RefusalReason | null;
  /** States what was expected, what was received and what to change. May repeat texts of the token, never the token. */
  readonly explanation: string;
  /** The handler that was called, `CatsController.list`; the passport guard, `AuthGuard('jwt')`; or, for an error that left a handler, the route: `GET /cats/:id`. */
  readonly handler: string;
  /** Whether the handler ran nevertheless, without a user. */
  readonly anonymous: boolean;
}

/** A service that the module depends on stopped answering. Reported once for each outage. */
interface OutageBeganEvent {
  readonly type: 'outage-began';
  /** What cannot be fetched: `the keys of https://issuer.example`. */
  readonly what: string;
  readonly problem: string;
  /** How the module behaves until the outage ends. */
  readonly consequence: string;
}

/** The service answers again. */
interface OutageEndedEvent {
  readonly type: 'outage-ended';
  readonly what: string;
  readonly lastedSeconds: number;
}

/** The app configured the module in a way that cannot work, and a developer has to change it. */
interface MisconfiguredEvent {
  readonly type: 'misconfigured';
  readonly problem: string;
  readonly fix: string;
}

/** A function of the app (a policy, or the one that names an organization) threw, and the caller was refused. */
interface RuleFailedEvent {
  readonly type: 'rule-failed';
  /** `@RequirePolicy(OwnsCat)` */
  readonly rule: string;
  readonly handler: string;
  /** Name and message of the thrown error, escaped and without the token. */
  readonly problem: string;
  /** The stack frames, innermost first. */
  readonly frames: readonly string[];
}

/**
 * A refresh token was used again after its grace period, so it may have been stolen, and the session was ended. Reported once
 * for each session.
 */
interface RefreshTokenReusedEvent {
  readonly type: 'refresh-token-reused';
  readonly sessionId: string;
  readonly userId: string;
}

/**
 * An API key was used with the secret that a rotation has replaced, while that one is still accepted: its owner has not changed all
 * clients yet. Reported at most once in the time for which a key is known (`cacheSeconds`).
 */
interface ReplacedApiKeyUsedEvent {
  readonly type: 'replaced-api-key-used';
  readonly keyId: string;
  readonly userId: string;
  /** Until when it is accepted. */
  readonly validUntil: Date;
}

/** A mail to a person was not sent, after several attempts. */
interface MailNotSentEvent {
  readonly type: 'mail-not-sent';
  /** What it was about: `verify-email`. Neither its address nor its code is reported. */
  readonly kind: string;
  /** Name and message of the thrown error, without the address. */
  readonly problem: string;
}

/** Every event that the module reports. The union is closed, so that a listener can handle it exhaustively. */
export type AuthEvent =
  | RefusedEvent
  | OutageBeganEvent
  | OutageEndedEvent
  | MisconfiguredEvent
  | RuleFailedEvent
  | RefreshTokenReusedEvent
  | ReplacedApiKeyUsedEvent
  | MailNotSentEvent;

/** Receives the events of the module. */
export type ReportEvent = (event: AuthEvent) => void;
