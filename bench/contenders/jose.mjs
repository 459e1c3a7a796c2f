// jose's createRemoteJWKSet in a hand-written guard.
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { audience, issuer } from '../rig/tokens.mjs';
import { guardBy } from './bearer.mjs';

function verifyBy({ jwksUri, algorithm, keyLifeMs }) {
  const keys = createRemoteJWKSet(new URL(jwksUri), keyLifeMs === undefined ? {} : { cacheMaxAge: keyLifeMs });
  const terms = { issuer, audience, algorithms: [algorithm], requiredClaims: ['exp'] };
  return async (token) => (await jwtVerify(token, keys, terms)).payload;
}

export const jose = {
  name: 'jose',
  supports: () => true,
  verifier: async (config) => ({ verify: verifyBy(config) }),
  guard: (config) => ({ guard: guardBy(verifyBy(config)) }),
};
