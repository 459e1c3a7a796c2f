import { isAuthError, ConfigurationError } from '../errors/auth-error.js';
import type { KeySource, KeyState } from '../keys/key-source.js';
import type { IssuerRegistry } from './issuer-registry.js';

/**
 * Whether the issuers' keys are fetched when the app starts: `false` does not fetch them, `true` starts the app even if
 * an issuer does not answer, and `'required'` does not start it then.
 */
export type WarmUp = boolean | 'required';

/**
 * Reports the state of the trusted issuers' keys and fetches them on demand. Inject it, for example, into an endpoint
 * for operators or a health page.
 */
export class IssuerKeys {
  constructor(
    private readonly issuers: IssuerRegistry,
    private readonly warmUp: WarmUp,
    /** Whether the app serves callers. A command, which serves none, fetches keys only when it verifies a token. */
    private readonly servesCallers: () => boolean = () => true,
  ) {}

  /**
   * Fetches the keys of one issuer, or of all, even where keys in memory are still fresh. Afterwards, keys that an
   * issuer no longer publishes are not used, and tokens that they verified before are refused.
   *
   * @param issuer the exact name of a trusted issuer
   * @throws {AuthUnavailableError} when an issuer does not answer; its keys in memory stay in use.
   * @throws {ConfigurationError} when no trusted issuer has this name.
   */
  async refresh(issuer?: string): Promise<void> {
    const outcomes = await Promise.allSettled([...this.sourcesOf(issuer)].map((source) => source.refresh()));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** The state of each issuer's keys, by the issuer's name. */
  states(): ReadonlyMap<string, KeyState> {
    return new Map(this.issuers.all().map(({ terms, keys }) => [terms.issuer, keys.state()]));
  }

  /** Called by Nest before the app listens. */
  async onModuleInit(): Promise<void> {
    if (this.warmUp === false || !this.servesCallers()) return;
    try {
      await this.refresh();
    } catch (fault) {
      // The key source has reported the failure as an outage, and will try again by itself.
      if (this.warmUp === 'required') throw toStartError(fault);
    }
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    for (const source of this.sourcesOf(undefined)) source.close();
  }

  private sourcesOf(issuer: string | undefined): ReadonlySet<KeySource> {
    const all = this.issuers.all();
    // An app whose callers have API keys only trusts no issuer.
    if (issuer === undefined) return new Set(all.map(({ keys }) => keys));
    const named = all.filter(({ terms }) => terms.issuer === issuer);
    if (named.length === 0) {
      const fix =
        all.length === 0 ? 'Add it to issuers' : `Write one of ${all.map(({ terms }) => terms.issuer).join(', ')}`;
      throw new ConfigurationError('IssuerKeys.refresh(issuer)', 'it is not a trusted issuer', fix);
    }
    return new Set(named.map(({ keys }) => keys));
  }
}

/** A fault's message is written for responses and does not name the issuer, so the explanation is shown instead. */
function toStartError(fault: unknown): unknown {
  if (!isAuthError(fault)) return fault;
  return new Error(`The app does not start, as warmUp is 'required': ${fault.explanation}`, { cause: fault });
}

/** The state of one issuer's keys in a health report. */
interface IssuerKeyHealth extends Omit<KeyState, 'nextRefreshAt'> {
  readonly nextRefreshAt: string | null;
}

/** The result that @nestjs/terminus (11 and 12) expects from a health indicator. */
export type KeyHealthResult = Readonly<
  Record<string, { readonly status: 'up' | 'down'; readonly issuers: Readonly<Record<string, IssuerKeyHealth>> }>
>;

/**
 * A health indicator for @nestjs/terminus. It is `down` when an issuer's keys are missing, so that its tokens are
 * answered with 503. It is `up` while keys are fresh or stale but still used, and before any keys were needed. The
 * report names the issuers and the hosts of their key servers; do not publish it if these are confidential.
 */
export class KeyHealth {
  constructor(private readonly keys: IssuerKeys) {}

  /**
   * Reports the keys of all issuers without any network request, for `health.check([() =>
   * keyHealth.isHealthy('keys')])`.
   *
   * @param name the name of the entry in the report
   */
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
