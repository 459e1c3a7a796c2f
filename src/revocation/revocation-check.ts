import { type Clock, readMilliseconds } from '../clock/clock.js';
import { AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { logText } from '../telemetry/log-text.js';
import { TokenStatusCheck } from '../token/token-status-check.js';
import type { VerifiedToken } from '../token/verified-token.js';
import type { RevocationFeed } from './revocation-feed.js';
import type { TokenIdentity } from './revocation-list.js';
import type { RevocationTerms } from './revocation-options.js';
import type { RevocationKind } from './revocation-store.js';

/** Reads out of a token what revocations name. Providers keep it in different claims. */
export type IdentifyToken = (token: VerifiedToken) => TokenIdentity;

export interface RevocationCheckParts {
  readonly feed: RevocationFeed;
  readonly identify: IdentifyToken;
  readonly terms: RevocationTerms;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

const explanations: Readonly<Record<RevocationKind, string>> = {
  token: 'revokeToken() was called for its "jti"',
  session: 'revokeSession() was called for its session',
  user: 'revokeUser() was called for its user, and it was issued before that',
  client: 'revokeClient() was called for its client, and it was issued before that',
};

/** Refuses tokens that any revocation concerns. Answers from memory, without waiting for anything. */
export class RevocationCheck extends TokenStatusCheck {
  private readonly warned = new Set<string>();

  constructor(private readonly parts: RevocationCheckParts) {
    super();
  }

  override get version(): number {
    return this.parts.feed.version;
  }

  override check(token: VerifiedToken): void {
    const { feed, identify, terms, clock } = this.parts;
    // Where an app is made without being started, as tests do, the first token starts it.
    void feed.start();
    const identity = identify(token);
    const kind = feed.list.find(token.issuer, identity, readMilliseconds(clock) / 1_000);
    if (kind !== undefined) throw RefusalError.token('revoked', explanations[kind]);
    if (!feed.isAnswerable) {
      const explanation = 'The revocation store cannot be read, so it is unknown whether the token is revoked';
      throw new AuthUnavailableError(explanation, terms.refreshSeconds);
    }
    this.checkLifetime(token, identity);
  }

  /** A revocation of a user is dropped when tokens have expired by `longestTokenSeconds`. This one may live longer. */
  private checkLifetime({ issuer, claims }: VerifiedToken, { issuedAt }: TokenIdentity): void {
    const { longestTokenSeconds } = this.parts.terms;
    const lifetime = issuedAt === null ? 0 : Number(claims['exp']) - issuedAt;
    if (!(lifetime > longestTokenSeconds) || this.warned.has(issuer)) return;
    this.warned.add(issuer);
    this.parts.report({
      type: 'misconfigured',
      problem: `A token of ${logText(issuer)} is valid for ${Math.ceil(lifetime)} s, longer than revocation: { longestTokenSeconds: ${longestTokenSeconds} }, after which a revocation of its user, session or client is dropped`,
      fix: 'Set longestTokenSeconds to the longest lifetime of your tokens',
    });
  }
}
