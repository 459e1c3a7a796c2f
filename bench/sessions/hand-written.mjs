// A reference and no product: sessions as a careful team writes them by hand for one app, with the statements, the signature,
// the cookies and the rules of SessionsModule. It has one way of delivery, one key, and no reasons of refusals.
import { createHmac, createPrivateKey, randomBytes, randomUUID, sign, timingSafeEqual } from 'node:crypto';
import {
  Controller,
  ForbiddenException,
  HttpCode,
  Module,
  Post,
  Req,
  Res,
  UnauthorizedException,
} from '@nestjs/common';
import { encryptionKey } from '../rig/database.mjs';
import { route } from '../rig/nest-app.mjs';
import { absoluteMs, findSubject, graceMs, idleMs, lifetimeSeconds, publicUrl } from './users.mjs';

const key = Buffer.from(encryptionKey, 'base64');
const dayMs = 86_400_000;
const attributes = `Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${idleMs / 1000}`;
const ms = (column) => `round(extract(epoch from ${column}) * 1000)::int8 as ${column}`;

function statementsFor(schema) {
  const sessions = `"${schema}".sessions`;
  return {
    find: `select id, user_id, encode(seed, 'hex') as seed, generation, replacements, ${ms('created_at')}, ${ms('auth_time')},
        amr, delivery, remember, user_agent, ip_address, ${ms('last_used_at')}, ${ms('idle_expires_at')},
        ${ms('absolute_expires_at')}, ${ms('remove_after')}, ${ms('ended_at')}, end_reason
      from ${sessions} where id = $1`,
    rotate: `update ${sessions} set generation = generation + 1, replacements = $3::jsonb, last_used_at = $4,
        idle_expires_at = $5, remove_after = $6
      where id = $1 and generation = $2 and ended_at is null returning id`,
    end: `update ${sessions} set ended_at = $2, end_reason = 'reuse' where id = $1 and ended_at is null`,
    create: `insert into ${sessions} (id, user_id, seed, created_at, auth_time, amr, delivery, remember, user_agent,
        ip_address, idle_expires_at, absolute_expires_at, remove_after, last_used_at)
      values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10, $11, $12, $13, $4)`,
  };
}

/** id.generation.proof, the proof by the key and the seed of the session. */
function refreshTokenOf(id, seed, generation) {
  const proof = createHmac('sha256', key).update(`${id}.${generation}.${seed}`).digest('base64url');
  return `${id}.${generation}.${proof}`;
}

function isSame(one, other) {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function cookieOf(request, name) {
  for (const part of (request.headers.cookie ?? '').split('; ')) {
    if (part.startsWith(`${name}=`)) return part.slice(name.length + 1);
  }
  return undefined;
}

function refuseOtherSites({ headers: { origin } }) {
  if (origin !== undefined && origin !== publicUrl) throw new ForbiddenException();
}

function removalTime(idleExpiresAt) {
  return new Date((Math.floor(idleExpiresAt / dayMs) + 2) * dayMs).toISOString();
}

function signerOf({ privatePem, kid }) {
  const privateKey = createPrivateKey(privatePem);
  const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString('base64url');
  return (sid, authTime, amr, subject, now) => {
    const iat = Math.floor(now / 1000);
    const claims = {
      iss: publicUrl,
      aud: publicUrl,
      sub: subject.id,
      exp: iat + lifetimeSeconds,
      iat,
      jti: randomBytes(16).toString('base64url'),
      client_id: publicUrl,
      sid,
      auth_time: Math.floor(authTime / 1000),
      amr,
      scope: subject.scopes.join(' '),
      roles: subject.roles,
    };
    const text = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
}

function userOf({ id, email, emailVerified, name, roles, scopes }) {
  const unknown = { username: null, givenName: null, familyName: null, pictureUrl: null };
  return { id, email, emailVerified, name, ...unknown, isAnonymous: false, hasPassword: false, roles, scopes };
}

/** Whether a token that was replaced may still be used: its replacement is young. */
function isInGrace(session, generation, now) {
  const at = session.replacements.findLast(([replaced]) => replaced >= generation)?.[1];
  return at !== undefined && now - at < graceMs;
}

class HandWrittenSessions {
  constructor(pool, schema, signingKey) {
    this.pool = pool;
    this.statements = statementsFor(schema);
    this.signAccessToken = signerOf(signingKey);
  }

  async refresh(request, response) {
    refuseOtherSites(request);
    const text = cookieOf(request, '__Host-refresh');
    const [id, number] = /^([\da-f-]{36})\.(\d{1,9})\./.exec(text ?? '')?.slice(1) ?? [];
    if (id === undefined) throw new UnauthorizedException();
    const generation = Number(number);
    const session = await this.findUsable(id, generation, text);
    const subject = await findSubject(session.user_id);
    const now = Date.now();
    const accessToken = this.signAccessToken(id, Number(session.auth_time), session.amr, subject, now);
    const current = await this.replace(session, generation, text, now);
    return this.answer(response, subject, accessToken, refreshTokenOf(id, session.seed, current));
  }

  async signIn(request, response) {
    refuseOtherSites(request);
    const subject = await findSubject(request.body.userId);
    const now = Date.now();
    const [id, seed] = [randomUUID(), randomBytes(16)];
    const accessToken = this.signAccessToken(id, now, ['pwd'], subject, now);
    const [at, idle] = [new Date(now).toISOString(), new Date(now + idleMs).toISOString()];
    const absolute = new Date(now + absoluteMs).toISOString();
    const agent = request.headers['user-agent'] ?? null;
    const values = [id, subject.id, seed, at, at, '["pwd"]', null, true, agent, request.ip, idle, absolute];
    await this.pool.query(this.statements.create, [...values, removalTime(now + idleMs)]);
    return this.answer(response, subject, accessToken, refreshTokenOf(id, seed.toString('hex'), 0));
  }

  async findUsable(id, generation, text) {
    const { rows } = await this.pool.query(this.statements.find, [id]);
    const [session] = rows;
    const now = Date.now();
    if (session === undefined || session.ended_at !== null) throw new UnauthorizedException();
    if (!isSame(text, refreshTokenOf(id, session.seed, generation))) throw new UnauthorizedException();
    if (now >= Math.min(Number(session.idle_expires_at), Number(session.absolute_expires_at)))
      throw new UnauthorizedException();
    if (generation === session.generation || isInGrace(session, generation, now)) return session;
    await this.pool.query(this.statements.end, [id, new Date(now).toISOString()]);
    throw new UnauthorizedException();
  }

  /** @returns the generation of the token that is now the current one */
  async replace(session, generation, text, now) {
    if (generation !== session.generation) return session.generation;
    const idle = Math.min(now + idleMs, Number(session.absolute_expires_at));
    const kept = session.replacements.filter(([, at], position) => position === 0 || now - at < graceMs).slice(0, 49);
    const { rows } = await this.pool.query(this.statements.rotate, [
      session.id,
      generation,
      JSON.stringify([[generation, now], ...kept]),
      new Date(now).toISOString(),
      new Date(idle).toISOString(),
      removalTime(idle),
    ]);
    if (rows.length > 0) return generation + 1;
    // Another refresh came first.
    return (await this.findUsable(session.id, generation, text)).generation;
  }

  answer(response, subject, accessToken, refreshToken) {
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Set-Cookie', [
      `__Host-access=${accessToken}; ${attributes}`,
      `__Host-refresh=${refreshToken}; ${attributes}`,
    ]);
    return { user: userOf(subject), expires_in: lifetimeSeconds, is_new_user: false };
  }
}

export function handWrittenApp({ pool, schema, signingKey }) {
  const sessions = new HandWrittenSessions(pool, schema, signingKey);
  class Routes {
    refresh(request, response) {
      return sessions.refresh(request, response);
    }

    signIn(request, response) {
      return sessions.signIn(request, response);
    }
  }
  Controller()(Routes);
  for (const [name, path] of [
    ['refresh', 'auth/refresh'],
    ['signIn', 'sign-in'],
  ]) {
    route(Routes, name, Post(path), HttpCode(200));
    Req()(Routes.prototype, name, 0);
    Res({ passthrough: true })(Routes.prototype, name, 1);
  }
  class Root {}
  Module({ controllers: [Routes] })(Root);
  return Root;
}
