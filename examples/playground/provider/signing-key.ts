import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  randomBytes,
  sign,
} from 'node:crypto';

export interface SigningKey {
  readonly id: string;
  readonly privateJwk: JsonWebKey & { kid: string };
}

/** The id is random, so that a token which the browser has kept from an earlier run never refers to a key of this run. */
export function createSigningKey(id = `key-${randomBytes(3).toString('hex')}`): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = privateKey.export({ format: 'jwk' });
  return { id, privateJwk: { ...jwk, kid: id, use: 'sig', alg: 'ES256' } };
}

/** The key as a provider publishes it. */
export function publicJwk({ privateJwk }: SigningKey): JsonWebKey {
  const { kid } = privateJwk;
  const jwk = createPublicKey({ key: privateJwk, format: 'jwk' }).export({ format: 'jwk' });
  return { ...jwk, kid, use: 'sig', alg: 'ES256' };
}

/** Signs a token as the provider itself does. @param type `at+jwt` for an access token (RFC 9068), `JWT` for an ID token */
export function signToken(key: SigningKey, type: 'at+jwt' | 'JWT', claims: Readonly<Record<string, unknown>>): string {
  const content = [{ alg: 'ES256', typ: type, kid: key.id }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const privateKey = createPrivateKey({ key: key.privateJwk, format: 'jwk' });
  const signature = sign('sha256', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${content}.${signature.toString('base64url')}`;
}
