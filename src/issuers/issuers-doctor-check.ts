import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem } from '../doctor/doctor-check.js';
import type { TokenSource } from '../request/token-sources.js';
import type { IssuerRegistry } from '../token/issuer-registry.js';
import type { HttpCaller } from '../upstream/http-client.js';
import type { IdentityProvider, ProvidedIssuer } from './identity-provider.js';
import { inspectIssuer } from './issuer-findings.js';

export interface IssuersDoctorCheckParts {
  /** Those whose tokens the app accepts. */
  readonly providers: readonly IdentityProvider[];
  readonly issuers: IssuerRegistry;
  readonly upstream: HttpCaller;
  /** The name of the app as an issuer; `null` where it issues no tokens. Fetching its own keys would create them. */
  readonly ownIssuer: string | null;
  /** Where the app reads tokens. */
  readonly sources: readonly TokenSource[];
}

/** What each preset has decided, and the issuers as they are reached from here. */
export class IssuersDoctorCheck extends DoctorCheck {
  constructor(private readonly parts: IssuersDoctorCheckParts) {
    super();
  }

  override async run(context: DoctorContext): Promise<readonly DoctorFinding[]> {
    const { providers, issuers, upstream, sources } = this.parts;
    const findings = providers.map((provider) => describeProvider(provider, sources));
    for (const provider of providers) {
      for (const { terms, addresses = {} } of provider.issuers) {
        const { issuer: name, clockToleranceSeconds } = terms;
        if (name === this.parts.ownIssuer) continue;
        const { keys } = issuers.get(name);
        const inspected = { name, preset: provider.name, clockToleranceSeconds, keys, addresses };
        findings.push(...(await inspectIssuer(inspected, upstream, context)));
      }
    }
    return findings;
  }
}

function describeProvider(provider: IdentityProvider, sources: readonly TokenSource[]): DoctorFinding {
  const [first] = provider.issuers;
  // Every provider has an issuer.
  if (first === undefined) return ok('preset', `${provider.name}() accepts no tokens`);
  const { tokenType, clockToleranceSeconds, algorithms, audience } = first.terms;
  const decided = [
    `accepts tokens of ${provider.issuers.map(({ terms }) => terms.issuer).join(', ')}`,
    `audience ${describeAudience(first)}`,
    `type ${tokenType ?? 'any'}`,
    `algorithms ${[...algorithms].join(' ')}`,
    `tolerance ${clockToleranceSeconds} s`,
    `verified ${provider.verification}`,
    `read from ${sources.map(({ place }) => place).join(', ')}`,
  ];
  const text = `${provider.name}() ${decided.join('; ')}`;
  if (typeof audience !== 'symbol' || first.insteadOfAudience !== undefined) return ok('preset', text);
  return problem('warn', 'preset', {
    found: text,
    expected: 'an audience: without one, tokens that were issued for other apps are accepted here',
    fix: 'Write the audience of this app where acceptAnyAudience is written, unless its tokens have none',
  });
}

function describeAudience({ terms: { audience }, insteadOfAudience }: ProvidedIssuer): string {
  if (typeof audience !== 'symbol') return audience.join(' or ');
  return insteadOfAudience === undefined ? 'any' : `any, as ${insteadOfAudience} restricts them`;
}
