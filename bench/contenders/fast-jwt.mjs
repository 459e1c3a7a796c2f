// fast-jwt with a configured public key, because it does not fetch key sets.
import { audience, issuer } from '../rig/tokens.mjs';
import { load } from '../rig/results.mjs';
import { guardBy } from './bearer.mjs';

const { createVerifier } = load('fast-jwt');

/** @param {boolean | number} cache how many tokens are kept; true stands for 1,000 */
export function fastJwtVerify({ pem, algorithm }, cache) {
  return createVerifier({
    key: pem,
    algorithms: [algorithm],
    allowedIss: issuer,
    allowedAud: audience,
    requiredClaims: ['iss', 'aud', 'sub', 'exp'],
    cache,
  });
}

export const fastJwt = {
  name: 'fast-jwt',
  supports: () => true,
  verifier: async (config) => ({ verify: fastJwtVerify(config, false) }),
  guard: (config) => ({ guard: guardBy(fastJwtVerify(config, 10_000)) }),
};
