import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem } from '../doctor/doctor-check.js';
import type { IssuerRegistry } from '../token/issuer-registry.js';
import type { AudienceRule } from '../token/trusted-issuer.js';
import type { HttpCaller } from '../upstream/http-client.js';
import type { IdentityProvider } from './identity-provider.js';
import { inspectIssuer } from './issuer-findings.js';

export interface IssuersDoctorCheckParts {
  /** Those whose tokens the app accepts. */
  readonly providers: readonly IdentityProvider[];
  readonly issuers: IssuerRegistry;
  readonly upstream: HttpCaller;
  /** The name of the app as an issuer; `null` where it issues no tokens. Fetching its own keys would create them. */
  readonly ownIssuer: string | null;
}

/** What each preset has decided, and the issuers as they are reached from here. */
export class IssuersDoctorCheck extends DoctorCheck {
  constructor(private readonly parts: IssuersDoctorCheckParts) {
    super();
  }

  override async run(context: DoctorContext): Promise<readonly DoctorFinding[]> {
    const { providers, issuers, upstream } = this.parts;
    const findings = providers.map(describeProvider);
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

function describeProvider(provider: IdentityProvider): DoctorFinding {
  const [first] = provider.issuers;
  const names = provider.issuers.map(({ terms }) => terms.issuer).join(', ');
  const { audience, tokenType, clockToleranceSeconds } = first?.terms ?? {};
  const decided = [
    `accepts tokens of ${names}`,
    `audience ${describeAudience(audience)}`,
    `type ${tokenType ?? 'any'}`,
    `algorithms ${[...(first?.terms.algorithms ?? [])].join(' ')}`,
    `tolerance ${clockToleranceSeconds ?? 0} s`,
    `verified ${provider.verification}`,
    `read from ${provider.tokenSources.map(({ place }) => place).join(', ') || 'Authorization: Bearer'}`,
  ];
  const text = `${provider.name}() ${decided.join('; ')}`;
  if (typeof audience !== 'symbol') return ok('preset', text);
  return problem('warn', 'preset', {
    found: text,
    expected: 'an audience: without one, tokens that were issued for other apps are accepted here',
    fix: 'Write the audience of this app where acceptAnyAudience is written, unless the issuer has none',
  });
}

function describeAudience(audience: AudienceRule | undefined): string {
  return Array.isArray(audience) ? audience.join(' or ') : 'any';
}
