import { createPrivateKey, generateKeyPairSync, type JsonWebKey, randomBytes, sign } from 'node:crypto';

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

/** Signs an access token in the form of RFC 9068, as the provider itself does. */
export function signAccessToken(key: SigningKey, claims: Readonly<Record<string, unknown>>): string {
  const content = [{ alg: 'ES256', typ: 'at+jwt', kid: key.id }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const privateKey = createPrivateKey({ key: key.privateJwk, format: 'jwk' });
  const signature = sign('sha256', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${content}.${signature.toString('base64url')}`;
}
