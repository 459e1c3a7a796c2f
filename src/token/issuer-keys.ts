import { isAuthError, ConfigurationError } from '../errors/auth-error.js';
import type { KeySource, KeyState } from '../keys/key-source.js';
import type { IssuerRegistry } from './issuer-registry.js';

/** Whether the keys are fetched when the app starts: not, as far as possible, or else it does not start. */
export type WarmUp = boolean | 'required';

/**
 * The keys of the trusted issuers: how they stand, and a way to have them fetched now. Inject it for an
 * operator's switch or for a health page.
 */
export class IssuerKeys {
  constructor(
    private readonly issuers: IssuerRegistry,
    private readonly warmUp: WarmUp,
  ) {}

  /**
   * Fetches the keys of one issuer, or of all, whatever is held: keys that an issuer has dropped stop
   * verifying when this is done, and tokens that they had verified before stop passing.
   *
   * @throws {AuthUnavailableError} when an issuer does not answer; its known keys serve on.
   * @throws {ConfigurationError} for a name that is not one of the trusted issuers'.
   */
  async refresh(issuer?: string): Promise<void> {
    const outcomes = await Promise.allSettled([...this.sourcesOf(issuer)].map((source) => source.refresh()));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** How the keys of each issuer stand, by the issuer's name. */
  states(): ReadonlyMap<string, KeyState> {
    return new Map(this.issuers.all().map(({ terms, keys }) => [terms.issuer, keys.state()]));
  }

  /** Called by Nest before the app listens. */
  async onModuleInit(): Promise<void> {
    if (this.warmUp === false) return;
    try {
      await this.refresh();
    } catch (fault) {
      // What could not be had has been reported as an outage, and is tried again by itself.
      if (this.warmUp === 'required') throw explainStart(fault);
    }
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    for (const source of this.sourcesOf(undefined)) source.close();
  }

  private sourcesOf(issuer: string | undefined): ReadonlySet<KeySource> {
    const all = this.issuers.all();
    const named = all.filter(({ terms }) => issuer === undefined || terms.issuer === issuer);
    if (named.length === 0) {
      const names = all.map(({ terms }) => terms.issuer).join(', ');
      throw new ConfigurationError('IssuerKeys.refresh(issuer)', 'it is not a trusted issuer', `Write one of ${names}`);
    }
    return new Set(named.map(({ keys }) => keys));
  }
}

/** For whoever starts the app: a fault's own message is made for answers, and says nothing of which issuer. */
function explainStart(fault: unknown): unknown {
  if (!isAuthError(fault)) return fault;
  return new Error(`The app does not start, as warmUp is 'required': ${fault.explanation}`, { cause: fault });
}

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
