import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { TrustedIssuer } from './trusted-issuer.js';

/** The issuers that an app trusts, by their exact names. */
export class IssuerRegistry {
  /** The one that is asked about tokens which name no issuer, as they are no JWTs. */
  readonly opaqueIssuer: TrustedIssuer | undefined;
  private readonly byName: ReadonlyMap<string, TrustedIssuer>;

  /** @throws {ConfigurationError} when it is not clear which issuer to ask about a token that names none. */
  constructor(
    issuers: readonly TrustedIssuer[],
    /** Names that are known and not trusted, each with what to change if they should be. */
    private readonly hint: ReadonlyMap<string, string> = new Map(),
  ) {
    this.byName = new Map(issuers.map((issuer) => [issuer.terms.issuer, issuer]));
    this.opaqueIssuer = findOpaqueIssuer(issuers);
  }

  /**
   * The issuer that a token claims to come from. The name is compared as it is, to the last slash; asking
   * for a stranger costs nothing and calls anonymousCaller.
   *
   * @throws {RefusalError} with reason `issuer`.
   */
  get(iss: unknown): TrustedIssuer {
    const issuer = typeof iss === 'string' ? this.byName.get(iss) : undefined;
    if (issuer === undefined) throw RefusalError.token('issuer', this.explain(iss));
    return issuer;
  }

  /** Every trusted issuer, in the order of the configuration. */
  all(): readonly TrustedIssuer[] {
    return [...this.byName.values()];
  }

  private explain(iss: unknown): string {
    if (typeof iss !== 'string') return 'The token names no issuer: its "iss" is missing or not a text';
    const hint = this.hint.get(iss);
    if (hint !== undefined) return hint;
    const names = [...this.byName.keys()];
    const slashed = names.find((name) => name.replace(/\/$/, '') === iss.replace(/\/$/, ''));
    const advice =
      slashed === undefined
        ? 'If it should be trusted, add it to the issuers'
        : 'They differ by a slash at the end only: write the issuer as the token has it';
    return `Expected issuer ${names.map(logText).join(' or ')}, the token says ${logText(iss)}. ${advice}`;
  }
}

function findOpaqueIssuer(issuers: readonly TrustedIssuer[]): TrustedIssuer | undefined {
  const [first, ...others] = issuers.filter(({ statusSource }) => statusSource?.acceptsOpaqueTokens === true);
  const other = others.find(({ statusSource }) => statusSource !== first?.statusSource);
  if (first === undefined || other === undefined) return first;
  throw new ConfigurationError(
    'AuthModule.forRoot({ issuers })',
    `an opaque token names no issuer, and two would have to be asked: ${first.terms.issuer} and ${other.terms.issuer}`,
    'Write introspection: { …, opaqueTokens: false } for all but one',
  );
}
