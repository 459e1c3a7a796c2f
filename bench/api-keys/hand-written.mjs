// A reference and no product: API keys as a careful team writes them by hand for one app, with the table, the hash and the rules of
// ApiKeysModule, and one signing key. It has neither a memory of keys nor reasons of refusals, limits or a log.
import { createPrivateKey, hash, randomBytes, sign, timingSafeEqual } from 'node:crypto';
import { Body, Controller, Headers, HttpCode, Module, Post, UnauthorizedException } from '@nestjs/common';
import { route } from '../rig/nest-app.mjs';
import { findSubject, lifetimeSeconds, publicUrl } from './users.mjs';

/** @returns what finds the user of a key, or `null` for one that is refused */
export function handWrittenCheck(pool, schema) {
  const select = `select user_id, scopes, roles, enabled, expires_at, revoked_at, hash, previous_hash, previous_valid_until
    from "${schema}".api_keys where id = $1`;
  return async (id, secret) => {
    const given = hash('sha256', `gatehouse:key:1\0${id}\0${secret}`, 'buffer');
    const [row] = (await pool.query(select, [id])).rows;
    if (row === undefined || !hasSecret(row, given)) return null;
    if (row.revoked_at !== null || !row.enabled || (row.expires_at !== null && row.expires_at <= new Date()))
      return null;
    const subject = await findSubject(row.user_id);
    if (subject === null) return null;
    const roles = JSON.parse(row.roles).filter((role) => subject.roles.includes(role));
    return { id: subject.id, email: subject.email, name: subject.name, scopes: JSON.parse(row.scopes), roles };
  };
}

function hasSecret({ hash: current, previous_hash: previous, previous_valid_until: until }, given) {
  if (timingSafeEqual(current, given)) return true;
  return previous !== null && until > new Date() && timingSafeEqual(previous, given);
}

/** Splits the text of a key. */
export function partsOf(text) {
  const at = text.lastIndexOf('_');
  return [text.slice(0, at), text.slice(at + 1)];
}

function readBasic(header) {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+=*)$/.exec(header ?? '') ?? [];
  if (encoded === undefined) throw new UnauthorizedException();
  const text = Buffer.from(encoded, 'base64').toString();
  const at = text.indexOf(':');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Signs access tokens with ES256 on the calling thread. */
export function signerOf({ privatePem, kid }) {
  const key = { key: createPrivateKey(privatePem), dsaEncoding: 'ieee-p1363' };
  const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString('base64url');
  return (claims) => {
    const text = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  };
}

/** An app with a token endpoint. */
export function handWrittenApp({ pool, schema, signingKey }) {
  const check = handWrittenCheck(pool, schema);
  const signToken = signerOf(signingKey);
  class Routes {
    async token(authorization, form) {
      const [id, secret] = readBasic(authorization);
      const user = await check(id, secret);
      if (user === null || form.grant_type !== 'client_credentials') throw new UnauthorizedException();
      const iat = Math.floor(Date.now() / 1000);
      const claims = {
        iss: publicUrl,
        aud: publicUrl,
        sub: user.id,
        exp: iat + lifetimeSeconds,
        iat,
        jti: randomBytes(16).toString('base64url'),
        client_id: id,
        scope: user.scopes.join(' '),
        roles: user.roles,
      };
      return {
        access_token: signToken(claims),
        token_type: 'Bearer',
        expires_in: lifetimeSeconds,
        scope: claims.scope,
      };
    }
  }
  Controller('oauth')(Routes);
  route(Routes, 'token', Post('token'), HttpCode(200));
  Headers('authorization')(Routes.prototype, 'token', 0);
  Body()(Routes.prototype, 'token', 1);
  class Root {}
  Module({ controllers: [Routes] })(Root);
  return Root;
}
