import { createPublicKey, verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { claimsOf, people } from './people.js';
import type { SigningKey } from './signing-key.js';

/**
 * The provider's userinfo endpoint (OpenID Connect Core §5.3). oidc-provider has one, which refuses tokens that are
 * meant for an API; many other providers accept them, and so does this one.
 */
export function answerUserinfo(request: IncomingMessage, response: ServerResponse, key: SigningKey): void {
  const subject = readSubject(request.headers.authorization ?? '', key);
  const person = people.find(({ id }) => id === subject);
  if (person === undefined) {
    response.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end();
    return;
  }
  const { name, email, email_verified } = claimsOf(person);
  response
    .writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    .end(JSON.stringify({ sub: person.id, name, email, email_verified, locale: 'en', remark: person.remark }));
}

/** The user id of a token; `undefined` for a token that this provider has not issued. */
function readSubject(authorization: string, key: SigningKey): unknown {
  const [header = '', claims = '', signature = ''] = authorization.replace(/^Bearer /, '').split('.');
  const options = { key: createPublicKey({ key: key.privateJwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const;
  const signed = Buffer.from(`${header}.${claims}`);
  if (!verify('sha256', signed, options, Buffer.from(signature, 'base64url'))) return undefined;
  const { sub, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: unknown; exp: number };
  return exp * 1_000 > Date.now() ? sub : undefined;
}
