export type { Duration } from './test-issuer-options.js';
export type { IssuerFault } from './issuer-fault.js';
export type { IssuerDocumentKind, IssuerRequests } from './issuer-server.js';
export type { TestAlgorithm, TestJwk } from './signing-key.js';
export {
  describeRevocationStore,
  type OpenedRevocationStore,
  type TestRunner,
} from './revocation-store-suite.js';
export { MemoryRevocationStore } from '../revocation/memory-revocation-store.js';
export { describeIdentityProvider, type ProviderUnderTest } from './describe-identity-provider.js';
export { TestIssuer } from './test-issuer.js';
export type { IntrospectionClient, TestClaims, TestIssuerOptions, TestTokenOptions } from './test-issuer-options.js';
