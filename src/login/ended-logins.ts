import { createHash } from 'node:crypto';

import { askStore } from '../ask-store.js';
import type { Clock } from '../clock/clock.js';
import type { OneTimeCodeStore } from '../issuing/one-time-code-store.js';
import { createUuidV7 } from '../issuing/uuid-v7.js';
import type { ProvenIdentity, VerifiedLogout } from './provider-client.js';

export interface EndedLoginsParts {
  readonly clock: Clock;
  /** Looked up at the first use, because any module of the app may provide it. */
  readonly findStore: () => OneTimeCodeStore;
}

/** How long a login may take from its ID token to its session. */
const rememberedMs = 60_000;
/** Not a code, but kept and purged as one. */
const purpose = 'provider-logout';

/**
 * Remembers for a minute which logins a provider has ended: its logout token may arrive before the session of the login is stored, and would
 * find nothing to end.
 */
export class EndedLogins {
  constructor(private readonly parts: EndedLoginsParts) {}

  async note(provider: string, { sessionId, subject, issuedAt }: VerifiedLogout): Promise<void> {
    const createdAt = this.parts.clock.now();
    await this.ask((store) =>
      store.create({
        id: createUuidV7(createdAt.getTime()),
        purpose,
        subject: keyOf(provider, sessionId === null ? 'sub' : 'sid', sessionId ?? subject ?? ''),
        accountId: null,
        linkHash: null,
        typed: null,
        payload: { issuedAtMs: issuedAt.getTime() },
        createdAt,
        expiresAt: new Date(createdAt.getTime() + rememberedMs),
      }),
    );
  }

  /** Whether a login was ended after its ID token was issued. A provider may use the id of a session again for a later login. */
  async has(provider: string, { identity, sessionId }: ProvenIdentity): Promise<boolean> {
    const { iat } = identity.raw;
    const now = this.parts.clock.now();
    const issuedAtMs = typeof iat === 'number' ? iat * 1_000 : now.getTime();
    const keys = [
      keyOf(provider, 'sub', identity.subject),
      ...(sessionId === null ? [] : [keyOf(provider, 'sid', sessionId)]),
    ];
    const found = await Promise.all(
      keys.map((subject) => this.ask((store) => store.findBySubject(purpose, subject, now))),
    );
    return found.some((ended) => Number(ended?.payload['issuedAtMs'] ?? Number.NaN) >= issuedAtMs);
  }

  private ask<Result>(call: (store: OneTimeCodeStore) => Promise<Result>): Promise<Result> {
    return askStore('of the one-time codes', () => call(this.parts.findStore()));
  }
}

/** Of a length that any store takes. */
function keyOf(provider: string, kind: 'sub' | 'sid', value: string): string {
  return createHash('sha256')
    .update(JSON.stringify([provider, kind, value]))
    .digest('base64url');
}
