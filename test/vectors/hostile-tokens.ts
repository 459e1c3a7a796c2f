import { brokenEncodings } from './hostile/broken-encodings.js';
import { brokenJson } from './hostile/broken-json.js';
import { forgedSignatures } from './hostile/forged-signatures.js';
import type { HostileToken } from './hostile/hostile-tools.js';
import { oddEcdsaSignatures } from './hostile/odd-ecdsa-signatures.js';
import { offeredKeys } from './hostile/offered-keys.js';
import { brokenTypes } from './hostile/token-types.js';
import { wrongClaims } from './hostile/wrong-claims.js';

export { harmlessTokens } from './hostile/harmless-tokens.js';
export {
  createHostileTools,
  type HostileToken,
  type HostileTools,
  hostileAudience,
  hostileNow,
} from './hostile/hostile-tools.js';
export { rightTypes, wrongTypes } from './hostile/token-types.js';

/** Every token that has to be refused, each with the reason that the refusal gives. */
export const hostileTokens: readonly HostileToken[] = [
  ...forgedSignatures,
  ...oddEcdsaSignatures,
  ...offeredKeys,
  ...brokenEncodings,
  ...brokenJson,
  ...brokenTypes,
  ...wrongClaims,
];
