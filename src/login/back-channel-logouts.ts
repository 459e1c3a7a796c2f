import { createHash } from 'node:crypto';

import { askStore } from '../ask-store.js';
import type { Clock } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import type { AttemptStore } from '../issuing/attempt-store.js';
import type { SessionGate } from '../sessions/session-gate.js';
import type { EndedLogins } from './ended-logins.js';
import type { ProviderClient, VerifiedLogout } from './provider-client.js';

export interface BackChannelLogoutsParts {
  readonly gate: SessionGate;
  readonly endedLogins: EndedLogins;
  readonly clock: Clock;
  /** Looked up at the first use, because any module of the app may provide it. */
  readonly getUsed: () => AttemptStore;
}

/** A logout token is refused when it is older than 10 minutes, so nothing has to be remembered for longer; clocks may differ by a minute. */
const rememberedMs = 660_000;

/** Ends sessions when the provider that they began by tells it (OpenID Connect Back-Channel Logout 1.0). */
export class BackChannelLogouts {
  constructor(private readonly parts: BackChannelLogoutsParts) {}

  /**
   * Ends the sessions of the login that a logout token names, or of its person. None of them is no error: it may have ended before.
   *
   * @throws {RefusalError} for a token that does not pass, or was used already
   * @throws {AuthUnavailableError} where a store does not answer: the provider may send the token again
   */
  async end(client: ProviderClient, logoutToken: string): Promise<void> {
    const { endedLogins, gate } = this.parts;
    const logout = await client.verifyLogout(logoutToken);
    await this.once(client.id, logout, async () => {
      // Before the sessions are ended: one that begins just now is not found by that.
      await endedLogins.note(client.id, logout);
      await gate.endOfLogin(client.id, namedBy(logout));
    });
  }

  /** A token that came again later would end the sessions that have begun since. */
  private async once(provider: string, { id }: VerifiedLogout, end: () => Promise<void>): Promise<void> {
    const at = this.parts.clock.now();
    const key = createHash('sha256')
      .update(JSON.stringify(['logout token', provider, id]))
      .digest('base64url');
    const roomFrom = await this.ask((store) => store.take([{ key, limit: 1, windowMs: rememberedMs }], at));
    if (roomFrom !== null) throw RefusalError.token('revoked', 'The logout token was used already');
    try {
      await end();
    } catch (error) {
      await this.ask((store) => store.giveBack([key], at));
      throw error;
    }
  }

  private ask<Result>(call: (store: AttemptStore) => Promise<Result>): Promise<Result> {
    return askStore('of the attempts', () => call(this.parts.getUsed()));
  }
}

function namedBy({
  sessionId,
  subject,
}: VerifiedLogout): { readonly sessionId: string } | { readonly subject: string } {
  return sessionId === null ? { subject: subject ?? '' } : { sessionId };
}
