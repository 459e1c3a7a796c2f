import type { KeySource } from '../../src/keys/key-source.js';
import { acceptAnyAudience, type IssuerTerms, type TrustedIssuer } from '../../src/token/trusted-issuer.js';

/** Terms with the fewest checks, apart from those that a test is about. */
export function issuerTerms(terms: Partial<IssuerTerms> = {}): IssuerTerms {
  return {
    issuer: 'joe',
    audience: acceptAnyAudience,
    algorithms: new Set([]),
    tokenType: null,
    clockToleranceSeconds: 0,
    maxTokenAgeSeconds: null,
    subjectClaim: 'sub',
    ...terms,
  };
}

/** An issuer whose tokens are verified by their signature only, without introspection. */
export function localIssuer(terms: IssuerTerms, keys: KeySource): TrustedIssuer {
  return {
    terms,
    keys,
    verification: 'local',
    statusSource: null,
    statusSourceHint: { option: 'joe', hint: 'Ask joe' },
  };
}
