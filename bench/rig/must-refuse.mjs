// Tokens that every verifier must refuse. A verifier is measured only if it does, because a missing check saves time.
import { createHmac } from 'node:crypto';
import { claimsOf, encode, makeKey, makeToken } from './tokens.mjs';

function tampered(key) {
  const [header, , signature] = makeToken(key).split('.');
  return `${header}.${encode(claimsOf(1, { sub: 'somebody-else' }))}.${signature}`;
}

/** A token that is signed with the public key as a shared secret. */
function confused(key) {
  const text = `${encode({ alg: 'HS256', typ: 'JWT', kid: key.kid })}.${encode(claimsOf(1))}`;
  return `${text}.${createHmac('sha256', key.pem).update(text).digest('base64url')}`;
}

function badTokens(key) {
  const now = Math.floor(Date.now() / 1000);
  return {
    tampered: tampered(key),
    'of another issuer': makeToken(key, claimsOf(1, { iss: 'https://other.example' })),
    'for another audience': makeToken(key, claimsOf(1, { aud: 'https://other.example' })),
    expired: makeToken(key, claimsOf(1, { iat: now - 7200, exp: now - 3600 })),
    'of a foreign key': makeToken(makeKey(key.algorithm, key.kid)),
    unsigned: `${encode({ alg: 'none', typ: 'JWT', kid: key.kid })}.${encode(claimsOf(1))}.`,
    'with HS256 and the public key': confused(key),
  };
}

async function passes(verify, token) {
  try {
    await verify(token);
    return true;
  } catch {
    return false;
  }
}

/** @throws when the verifier accepts one of them, or refuses a valid token */
export async function checkRefusals(title, verify, key) {
  if (!(await passes(verify, makeToken(key)))) throw new Error(`${title} refuses a good ${key.algorithm} token`);
  for (const [what, token] of Object.entries(badTokens(key))) {
    if (await passes(verify, token)) throw new Error(`${title} accepts a ${key.algorithm} token ${what}`);
  }
}
