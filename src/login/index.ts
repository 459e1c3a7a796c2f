export type { ExternalIdentity } from './external-identity.js';
