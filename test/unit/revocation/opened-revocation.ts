/** A revocation feed with its check and service, put together as the module does it, over clocks that are moved by hand. */
import { RevocationCheck } from '../../../src/revocation/revocation-check.js';
import { RevocationFeed } from '../../../src/revocation/revocation-feed.js';
import type { TokenIdentity } from '../../../src/revocation/revocation-list.js';
import { readRevocationOptions, type RevocationOptions } from '../../../src/revocation/revocation-options.js';
import type { RevocationStore } from '../../../src/revocation/revocation-store.js';
import { RevocationService } from '../../../src/revocation/revocation.service.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import { toVerifiedToken, type VerifiedToken } from '../../../src/token/verified-token.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ManualTimer } from '../../support/manual-timer.js';

export const issuer = 'https://issuer.example';

export interface OpenedRevocation {
  readonly feed: RevocationFeed;
  readonly check: RevocationCheck;
  readonly service: RevocationService;
  readonly timer: ManualTimer;
  readonly events: readonly AuthEvent[];
  /** What comes of a token: `passed`, or the code and the reason. */
  readonly judge: (token: VerifiedToken) => string;
  /** Moves the clock to the next ring of the timer, and waits for what it has begun. */
  readonly ring: () => Promise<void>;
}

export function openRevocation(
  store: RevocationStore | null,
  { clock = new ManualClock(), ...options }: RevocationOptions & { clock?: ManualClock } = {},
): OpenedRevocation {
  const terms = readRevocationOptions('revocation', options);
  if (terms === null) throw new Error('It is on');
  const timer = new ManualTimer();
  const events: AuthEvent[] = [];
  const report = (event: AuthEvent): void => {
    events.push(event);
  };
  const feed = new RevocationFeed({ terms, clock, timer, report, findStore: () => store });
  const check = new RevocationCheck({ feed, terms, clock, report, identify });
  const on = { feed, terms };
  const service = new RevocationService({ on, clock, issuers: [issuer], toleranceSeconds: 5 });
  return {
    feed,
    check,
    service,
    timer,
    events,
    judge: (token) => outcomeOf(check, token),
    ring: async () => {
      clock.advanceSeconds((timer.delayMs ?? 0) / 1_000);
      timer.ring();
      await settle();
    },
  };
}

/** Until everything has run that waits for nothing from outside. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function tokenOf(clock: ManualClock, claims: Record<string, unknown> = {}): VerifiedToken {
  const now = Math.floor(clock.now().getTime() / 1_000);
  const all = {
    iss: issuer,
    jti: 'j1',
    sub: 'alice',
    sid: 's1',
    client_id: 'web',
    iat: now,
    exp: now + 600,
    ...claims,
  };
  return toVerifiedToken(all.iss, { alg: 'ES256' }, all);
}

function identify({ claims }: VerifiedToken): TokenIdentity {
  const textOf = (name: string): string | null => (claims[name] as string | undefined) ?? null;
  return {
    id: textOf('jti'),
    sessionId: textOf('sid'),
    userId: textOf('sub'),
    clientId: textOf('client_id'),
    issuedAt: (claims['iat'] as number | undefined) ?? null,
  };
}

function outcomeOf(check: RevocationCheck, token: VerifiedToken): string {
  try {
    check.check(token);
    return 'passed';
  } catch (error) {
    const { code, reason } = error as { code?: string; reason?: string | null };
    return [code, reason].filter((part) => typeof part === 'string').join(' ');
  }
}
