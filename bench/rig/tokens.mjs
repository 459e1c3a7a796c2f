// Keys and access tokens like those of a typical issuer: 15 claims and about 900 bytes of payload by default.
import { createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';

const signAsync = promisify(sign);

export const issuer = 'https://issuer.example/realms/bench';
export const audience = 'https://api.example/bench';

const kinds = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

export const algorithms = Object.keys(kinds);

/** Creates a new key, with its public part as JWK and as KeyObject. */
export function makeKey(algorithm, kid = `key-${randomBytes(6).toString('hex')}`) {
  const { privateKey } = kinds[algorithm]();
  const publicKey = createPublicKey(privateKey);
  return {
    algorithm,
    kid,
    privateKey,
    publicKey,
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' },
  };
}

/** The parameters with which node:crypto signs and verifies the bytes of a token. */
export function cryptoArguments(algorithm, key) {
  if (algorithm === 'ES256') return ['sha256', { key, dsaEncoding: 'ieee-p1363' }];
  return [algorithm === 'RS256' ? 'sha256' : null, key];
}

export function encode(part) {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** The claims of one user. `bytes` sets the length of their JSON, for tokens of a certain size. */
export function claimsOf(user, extra = {}, bytes = 884) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: issuer,
    aud: audience,
    sub: `user-${user}`,
    iat: now - 60,
    exp: now + 24 * 3600,
    jti: randomBytes(12).toString('hex'),
    azp: 'bench-web',
    sid: randomBytes(12).toString('hex'),
    scope: 'openid profile email orders:read orders:write',
    email: `user-${user}@mail.example`,
    email_verified: true,
    name: `User Number ${user}`,
    roles: ['member', 'editor'],
    locale: 'en',
    note: '',
    ...extra,
  };
  claims.note = 'n'.repeat(Math.max(0, bytes - JSON.stringify(claims).length));
  return claims;
}

export function signingInput(key, claims, header = {}) {
  return `${encode({ alg: key.algorithm, typ: 'JWT', kid: key.kid, ...header })}.${encode(claims)}`;
}

export function makeToken(key, claims = claimsOf(1), header = {}) {
  const text = signingInput(key, claims, header);
  const [hash, how] = cryptoArguments(key.algorithm, key.privateKey);
  return `${text}.${sign(hash, Buffer.from(text), how).toString('base64url')}`;
}

/** Creates tokens of different users, signed on the thread pool. */
export async function makeTokens(key, amount, { first = 0, bytes } = {}) {
  const [hash, how] = cryptoArguments(key.algorithm, key.privateKey);
  const tokens = new Array(amount);
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < amount; at = next++) {
      const text = signingInput(key, claimsOf(first + at, {}, bytes));
      const signature = await signAsync(hash, Buffer.from(text), how);
      tokens[at] = `${text}.${signature.toString('base64url')}`;
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return tokens;
}

/** Copies a string, so that the engine has not hashed it yet, as for a string of a new request. */
export function fresh(text) {
  return Buffer.from(text, 'latin1').toString('latin1');
}
