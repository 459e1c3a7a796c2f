// jsonwebtoken with one KeyObject: the speed that the stock recipe would have if it cached its key.
import { load } from '../rig/results.mjs';
import { audience, issuer } from '../rig/tokens.mjs';

const { verify } = load('jsonwebtoken');

export const jsonwebtoken = {
  name: 'jsonwebtoken',
  supports: (algorithm) => algorithm !== 'EdDSA',
  verifier: async ({ publicKey, algorithm }) => ({
    verify: (token) => verify(token, publicKey, { issuer, audience, algorithms: [algorithm] }),
  }),
};
