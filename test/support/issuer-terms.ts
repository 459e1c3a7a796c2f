import { acceptAnyAudience, type IssuerTerms } from '../../src/token/trusted-issuer.js';

/** Terms that ask for as little as they may, but for what a test is about. */
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
