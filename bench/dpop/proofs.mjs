// Clients with keys of their own: tokens that are bound to these keys, requests with a proof, and what Node needs at least to check them.
import { createHash, randomUUID, sign, verify } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { claimsOf, cryptoArguments, encode, fresh, makeKey, makeToken } from '../rig/tokens.mjs';

export const publicUrl = 'https://api.example/bench';
const path = '/orders/4711';

/** RFC 7638 §3. */
export function thumbprintOf({ crv, kty, x, y }) {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

/** A client with a key, and a token of the issuer that is bound to it. */
export function makeClient(issuerKey, at) {
  const key = makeKey('ES256');
  const { crv, kty, x, y } = key.jwk;
  const jwk = { crv, kty, x, y };
  const client = { key, jwk, number: at };
  return { ...client, token: newToken(issuerKey, client) };
}

/** Another token of the client, which no app has seen. */
export function newToken(issuerKey, { jwk, number }) {
  return makeToken(issuerKey, claimsOf(number, { cnf: { jkt: thumbprintOf(jwk) } }));
}

/** A proof (RFC 9449 §4.2) for one request. */
export function makeProof({ key, jwk }, token, more = {}) {
  const ath = createHash('sha256').update(token).digest('base64url');
  const iat = Math.floor(Date.now() / 1000);
  const claims = { jti: randomUUID(), htm: 'GET', htu: `${publicUrl}${path}`, iat, ath, ...more };
  const text = `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${encode(claims)}`;
  const [hash, how] = cryptoArguments('ES256', key.privateKey);
  return `${text}.${sign(hash, Buffer.from(text), how).toString('base64url')}`;
}

class Routes {
  orders() {}
}

/** A request as Fastify hands it to Nest: Node's own inside, its headers already read by the router. */
export function requestOf(token, proof) {
  const raw = new IncomingMessage(null);
  raw.method = 'GET';
  raw.url = path;
  raw.rawHeaders = ['Host', '127.0.0.1', 'Authorization', fresh(`DPoP ${token}`), 'DPoP', fresh(proof)];
  for (let at = 0; at < raw.rawHeaders.length; at += 2) {
    raw._addHeaderLine(raw.rawHeaders[at], raw.rawHeaders[at + 1], raw.headers);
  }
  const context = new ExecutionContextHost(
    [{ raw, headers: raw.headers, user: null }, {}],
    Routes,
    Routes.prototype.orders,
  );
  context.setType('http');
  return context;
}

/** Whether the signature of a JWT is that of the key. Nothing else is looked at. */
export function signatureFits(text, publicKey) {
  const end = text.lastIndexOf('.');
  const [hash, how] = cryptoArguments('ES256', publicKey);
  return verify(hash, Buffer.from(text.slice(0, end)), how, Buffer.from(text.slice(end + 1), 'base64url'));
}
