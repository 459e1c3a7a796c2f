// A reference and not a product: the minimum of a verifier for one issuer, one algorithm and one configured key. It refuses
// every invalid token, and has no discovery, no rotation and no reasons of refusals.
import { createPublicKey, verify as cryptoVerify } from 'node:crypto';
import { audience, cryptoArguments, issuer } from '../rig/tokens.mjs';
import { guardBy } from './bearer.mjs';

const tailLength = 32;

function takeApart(token, header) {
  const end = token.lastIndexOf('.');
  const start = token.indexOf('.');
  if (token.slice(0, start) !== header) throw new Error('header');
  return {
    claims: JSON.parse(Buffer.from(token.slice(start + 1, end), 'base64url').toString()),
    signed: Buffer.from(token.slice(0, end), 'latin1'),
    signature: Buffer.from(token.slice(end + 1), 'base64url'),
  };
}

function checkClaims({ iss, aud, exp, sub }) {
  const now = Date.now() / 1000;
  if (iss !== issuer || aud !== audience || typeof sub !== 'string' || !(exp > now)) throw new Error('claims');
}

/** @returns verifiers of the key's tokens: one that is synchronous, and one that checks signatures in the thread pool */
function verifiersOf({ pem, kid, algorithm }) {
  const [hash, how] = cryptoArguments(algorithm, createPublicKey(pem));
  const header = Buffer.from(JSON.stringify({ alg: algorithm, typ: 'JWT', kid })).toString('base64url');
  const here = (token) => {
    const { claims, signed, signature } = takeApart(token, header);
    if (!cryptoVerify(hash, signed, how, signature)) throw new Error('signature');
    checkClaims(claims);
    return claims;
  };
  const inPool = (token) =>
    new Promise((done, fail) => {
      const { claims, signed, signature } = takeApart(token, header);
      cryptoVerify(hash, signed, how, signature, (_, fits) => {
        try {
          if (fits !== true) throw new Error('signature');
          checkClaims(claims);
          done(claims);
        } catch (error) {
          fail(error);
        }
      });
    });
  return { here, inPool };
}

function remember(verify) {
  const entries = new Map();
  return (token) => {
    const tail = token.slice(-tailLength);
    const known = entries.get(tail);
    if (known?.token === token && known.claims.exp > Date.now() / 1000) return known.claims;
    const claims = verify(token);
    entries.set(tail, { token, claims });
    return claims;
  };
}

export const minimum = {
  name: 'minimum',
  supports: () => true,
  verifier: async (config) => ({ verify: verifiersOf(config).here }),
  guard: (config) => ({ guard: guardBy(remember(verifiersOf(config).here)) }),
};

export const minimumHere = {
  name: 'minimum-here',
  supports: () => true,
  guard: (config) => ({ guard: guardBy(verifiersOf(config).here) }),
};

export const minimumInPool = {
  name: 'minimum-pool',
  supports: () => true,
  verifier: async (config) => ({ verify: verifiersOf(config).inPool }),
  guard: (config) => ({ guard: guardBy(verifiersOf(config).inPool) }),
};
