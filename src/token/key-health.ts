import type { KeyState } from '../keys/key-state.js';
import type { IssuerKeys } from './issuer-keys.js';

/** How the keys of one issuer stand, as it goes into a health report. */
interface IssuerKeyHealth extends Omit<KeyState, 'nextRefreshAt'> {
  readonly nextRefreshAt: string | null;
}

/** The form of result that @nestjs/terminus (11 and 12) expects of an indicator. */
export type KeyHealthResult = Readonly<
  Record<string, { readonly status: 'up' | 'down'; readonly issuers: Readonly<Record<string, IssuerKeyHealth>> }>
>;

/**
 * A health indicator for @nestjs/terminus: `down` when an issuer's keys are missing, so that its tokens are
 * answered with 503; `up` while they are fresh, while stale ones serve on, and before any were needed. The report
 * names issuers and the hosts of their key servers: keep it from the public if these are not.
 */
export class KeyHealth {
  constructor(private readonly keys: IssuerKeys) {}

  /** For `health.check([() => keyHealth.isHealthy('keys')])`; the name is the entry's in the report. Calls anonymousCaller. */
  isHealthy(name = 'keys'): KeyHealthResult {
    const states = [...this.keys.states()];
    const issuers = Object.fromEntries(states.map(([issuer, state]) => [issuer, toReport(state)]));
    const missing = states.some(([, { status }]) => status === 'missing');
    return { [name]: { status: missing ? 'down' : 'up', issuers } };
  }
}

function toReport(state: KeyState): IssuerKeyHealth {
  return { ...state, nextRefreshAt: state.nextRefreshAt?.toISOString() ?? null };
}
