/** HTTP/2, which Fastify serves, in clear text: the same answers, although there is no Host and names are in lower case. */
import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthGuard, AuthModule, CurrentUser, fromBearer, fromCookie, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, expect, it } from 'vitest';
import { endAfterwards, startApp, startIssuer } from '../support/app.js';

@Controller('cats')
class CatsController {
  @UseGuards(AuthGuard)
  @Get()
  mine(@CurrentUser('id') id: string): object {
    return { id };
  }

  @UseGuards(AuthGuard)
  @Post()
  adopt(@CurrentUser('id') id: string): object {
    return { id };
  }
}

const platform = {
  name: 'Fastify with HTTP/2',
  createAdapter: () => new FastifyAdapter({ http2: true } as object) as AbstractHttpAdapter,
};

let issuer: TestIssuer;
let session: ClientHttp2Session;
let origin: string;

beforeAll(async () => {
  issuer = await startIssuer();
  const app = await startApp(platform, {
    imports: [
      AuthModule.forRoot({
        issuers: oidc({ issuer: issuer.url, audience: 'api' }),
        tokenFrom: [fromBearer(), fromCookie('access_token')],
      }),
    ],
    controllers: [CatsController],
  });
  origin = app.url;
  session = connect(app.url);
  endAfterwards(async () => {
    session.destroy();
  });
});

async function call(headers: OutgoingHttpHeaders): Promise<object> {
  const stream = session.request({ ':path': '/cats', ...headers });
  stream.end();
  const answered = new Promise<OutgoingHttpHeaders>((resolve, reject) => {
    stream.once('response', resolve).once('error', reject);
  });
  const { ':status': status, 'www-authenticate': challenge } = await answered;
  const { code, reason, id } = JSON.parse(await text(stream)) as Record<string, unknown>;
  return { status, ...(challenge !== undefined && { challenge }), ...(id === undefined ? { code, reason } : { id }) };
}

const token = (): Promise<string> => issuer.token({ aud: 'api', sub: 'alice' });

it('asks for a token, and accepts one in authorization', async () => {
  expect(await call({})).toEqual({ status: 401, challenge: 'Bearer', code: 'MISSING_TOKEN' });
  expect(await call({ authorization: `Bearer ${await token()}` })).toEqual({ status: 200, id: 'alice' });
});

it('refuses an expired token, and two at once', async () => {
  const expired = await issuer.token({ aud: 'api', sub: 'alice' }, { expiresIn: '-1h' });
  expect(await call({ authorization: `Bearer ${expired}` })).toMatchObject({ status: 401, reason: 'expired' });
  const twice = { authorization: `Bearer ${await token()}`, cookie: `access_token=${expired}` };
  expect(await call(twice)).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
});

it('knows its own pages by :authority, where a cookie has the token', async () => {
  // HTTP/2 sends each cookie in a line of its own.
  const post = { ':method': 'POST', cookie: ['theme=dark', `access_token=${await token()}`] };
  expect(await call({ ...post, origin })).toEqual({ status: 201, id: 'alice' });
  expect(await call({ ...post, origin: 'https://evil.example' })).toMatchObject({ status: 403, code: 'ACCESS_DENIED' });
});
