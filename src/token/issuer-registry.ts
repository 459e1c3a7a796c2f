import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { TrustedIssuer } from './trusted-issuer.js';

/** The issuers that an app trusts, by their exact names. */
export class IssuerRegistry {
  /** The issuer that introspects opaque tokens, which name no issuer. */
  readonly opaqueIssuer: TrustedIssuer | undefined;
  private readonly byName: ReadonlyMap<string, TrustedIssuer>;

  /** @throws {ConfigurationError} when two issuers accept opaque tokens by different introspection endpoints. */
  constructor(
    issuers: readonly TrustedIssuer[],
    /** Names of issuers that are known and not trusted, each with the hint how to trust it. */
    private readonly hints: ReadonlyMap<string, string> = new Map(),
  ) {
    this.byName = new Map(issuers.map((issuer) => [issuer.terms.issuer, issuer]));
    this.opaqueIssuer = findOpaqueIssuer(issuers);
  }

  /**
   * The trusted issuer with exactly this name, including a trailing slash. For an unknown name it makes no network
   * request.
   *
   * @throws {RefusalError} with reason `issuer` for an unknown name.
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
    const hint = this.hints.get(iss);
    if (hint !== undefined) return hint;
    const names = [...this.byName.keys()];
    const differsBySlash = names.some((name) => name.replace(/\/$/, '') === iss.replace(/\/$/, ''));
    const fix = differsBySlash
      ? 'They differ by a slash at the end only: write the issuer as the token has it'
      : describeFix(iss, names);
    return `Expected issuer ${names.map(logText).join(' or ')}, the token says ${logText(iss)}. ${fix}`;
  }
}

/** A name of the same server is more probably a wrong option than a second issuer. */
function describeFix(iss: string, names: readonly string[]): string {
  if (names.some((name) => differsByServerOnly(name, iss))) {
    return (
      'They differ in the server alone: if clients reach the issuer by the address in the token, write that one as the issuer, and the ' +
      'address by which this app reaches it separately (internalUrl, discoveryUrl, jwksUri, as the preset calls it)'
    );
  }
  if (!names.some((name) => originOf(name) !== null && originOf(name) === originOf(iss))) {
    return 'If it should be trusted, add it to the issuers';
  }
  return (
    'Both are names of one server: if the token belongs to this app, the option that names the issuer is wrong (issuer, projectId, ' +
    'realm, tenantId, userPoolId, as the preset calls it); otherwise the token is from another project or environment'
  );
}

/** Whether two names of issuers have the same path, which is not the root, on other servers: as seen from inside and from outside. */
export function differsByServerOnly(name: string, other: unknown): boolean {
  if (typeof other !== 'string' || !URL.canParse(name) || !URL.canParse(other)) return false;
  const [ours, theirs] = [new URL(name), new URL(other)];
  return ours.pathname !== '/' && ours.pathname === theirs.pathname && ours.origin !== theirs.origin;
}

function originOf(name: string): string | null {
  return URL.canParse(name) ? new URL(name).origin : null;
}

function findOpaqueIssuer(issuers: readonly TrustedIssuer[]): TrustedIssuer | undefined {
  const [first, ...others] = issuers.filter(({ statusSource }) => statusSource?.acceptsOpaqueTokens === true);
  const other = others.find(({ statusSource }) => statusSource !== first?.statusSource);
  if (first === undefined || other === undefined) return first;
  throw new ConfigurationError(
    'AuthModule.forRoot({ issuers })',
    `an opaque token names no issuer, and two issuers accept opaque tokens: ${first.terms.issuer} and ${other.terms.issuer}`,
    'Write introspection: { …, opaqueTokens: false } for all but one issuer',
  );
}
