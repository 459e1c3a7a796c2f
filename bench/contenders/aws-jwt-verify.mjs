// aws-jwt-verify for any issuer (JwtVerifier), in a hand-written guard.
import { request } from 'node:http';
import { JwtVerifier } from 'aws-jwt-verify';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import { audience, issuer } from '../rig/tokens.mjs';
import { guardBy } from './bearer.mjs';

/**
 * Its own fetcher speaks https only, and this key server speaks http. So here is one that does what its own does:
 * 1.5 s for a silent socket, 3 s for the whole answer, anything but 200 is an error, other failures are retried once.
 */
class HttpFetcher {
  async fetch(uri) {
    try {
      return await fetchOnce(uri);
    } catch (error) {
      if (error.final === true) throw error;
      return fetchOnce(uri);
    }
  }
}

function fetchOnce(uri) {
  return new Promise((done, fail) => {
    const asked = request(uri, { timeout: 1_500 }, (response) => {
      if (response.statusCode !== 200) {
        stop(Object.assign(new Error(`status ${response.statusCode}`), { final: true }));
        return;
      }
      response.toArray().then((chunks) => {
        clearTimeout(deadline);
        const { buffer, byteOffset, byteLength } = Buffer.concat(chunks);
        done(buffer.slice(byteOffset, byteOffset + byteLength));
      }, stop);
    });
    const stop = (error) => {
      clearTimeout(deadline);
      asked.destroy();
      fail(error);
    };
    const deadline = setTimeout(() => stop(new Error('response time-out')), 3_000);
    asked.on('error', stop);
    asked.end();
  });
}

function create({ jwksUri }) {
  return JwtVerifier.create(
    { issuer, audience, jwksUri },
    { jwksCache: new SimpleJwksCache({ fetcher: new HttpFetcher() }) },
  );
}

export const awsJwtVerify = {
  name: 'aws-jwt-verify',
  supports: () => true,
  async verifier(config) {
    const verifier = create(config);
    verifier.cacheJwks({ keys: [config.jwk] });
    return { verify: (token) => verifier.verifySync(token) };
  },
  guard(config) {
    const verifier = create(config);
    return { guard: guardBy((token) => verifier.verify(token)) };
  },
};
