/** Handlers that read their bodies themselves answer alike on Express and Fastify, whatever the app parses. */
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type INestApplication, VersioningType } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { json } from 'express';
import { AuthModule, jwtIssuer } from 'nest-gatehouse';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Platform, platforms, RunningApp } from '../support/app.js';
import { BodyModule } from '../support/issuing-app.js';

interface Sent {
  readonly type?: string;
  readonly body?: string | Buffer;
  /** Without a `Content-Length`. */
  readonly isChunked?: boolean;
  readonly encoding?: string;
}

interface Received {
  readonly status: number;
  readonly json: unknown;
  readonly challenge: string | undefined;
}

async function post(url: string, { type, body = '', isChunked = false, encoding }: Sent): Promise<Received> {
  const headers = {
    ...(type !== undefined && { 'Content-Type': type }),
    ...(encoding !== undefined && { 'Content-Encoding': encoding }),
    ...(isChunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': Buffer.byteLength(body) }),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { method: 'POST', headers, agent: false }).once('response', resolve).once('error', reject).end(body);
  });
  const answered = await text(response);
  return {
    status: response.statusCode ?? 0,
    json: answered === '' ? undefined : (JSON.parse(answered) as unknown),
    challenge: response.headers['www-authenticate'],
  };
}

async function start(
  platform: Platform,
  bodyParser: boolean,
  prepare?: (nest: INestApplication) => void,
): Promise<string> {
  const issuers = jwtIssuer({ issuer: 'joe', audience: 'api', secret: 'a-secret-of-at-least-thirty-two-bytes' });
  class RootModule {}
  const module = { module: RootModule, imports: [AuthModule.forRoot({ issuers }), BodyModule] };
  const nest = await NestFactory.create(module, platform.createAdapter(), { logger: false, bodyParser });
  prepare?.(nest);
  return (await RunningApp.listen(nest)).url;
}

const isJson = { type: 'application/json' };
const long = JSON.stringify({ long: 'x'.repeat(70_000) });

const accepted: readonly (readonly [string, Sent, unknown])[] = [
  ['no body', {}, {}],
  ['an empty body of JSON', isJson, {}],
  ['an empty body of another type', { type: 'text/plain' }, {}],
  ['an empty body of an unknown type', { type: 'nonsense' }, {}],
  ['an empty body in chunks', { isChunked: true }, {}],
  ['an empty body of JSON in chunks', { ...isJson, isChunked: true }, {}],
  ['an empty body of another type in chunks', { type: 'text/plain', isChunked: true }, {}],
  ['an object', { ...isJson, body: '{"a":{"b":[1]}}' }, { a: { b: [1] } }],
  ['an object after a byte order mark', { ...isJson, body: '\uFEFF{"a":1}' }, { a: 1 }],
  ['an object in chunks', { ...isJson, body: '{"a":1}', isChunked: true }, { a: 1 }],
  ['an object with its charset', { type: 'Application/JSON; charset="UTF-8"', body: '{"ö":1}' }, { ö: 1 }],
  [
    'an object of almost 64 KiB',
    { ...isJson, body: JSON.stringify({ a: 'x'.repeat(65_000) }) },
    { a: 'x'.repeat(65_000) },
  ],
];

const mediaTypes: readonly (readonly [string, Sent])[] = [
  ['text', { type: 'text/plain', body: '{"a":1}' }],
  ['a form', { type: 'application/x-www-form-urlencoded', body: 'a=1' }],
  ['no type', { body: '{"a":1}' }],
  ['a type that is none', { type: 'nonsense', body: '{"a":1}' }],
  ['a type that begins like JSON', { type: 'application/json-seq', body: '{"a":1}' }],
  ['another charset', { type: 'application/json; charset=utf-16', body: '{"a":1}' }],
  ['a compressed body', { ...isJson, encoding: 'gzip', body: gzipSync('{"a":1}') }],
  ['a body that is said to be compressed', { ...isJson, encoding: 'gzip', body: '{"a":1}' }],
  ['the same by br', { ...isJson, encoding: 'br', body: '{"a":1}' }],
  ['text in chunks', { type: 'text/plain', body: '{"a":1}', isChunked: true }],
  ['a long text', { type: 'text/plain', body: long }],
];

const malformed = ['{', '{"a":1', '[1]', '"text"', '"{}"', 'null', '7', '{"a":1}{}', 'refresh_token=x'];

const invalid = {
  statusCode: 400,
  error: 'Bad Request',
  message: 'The body or the query of the request breaks a rule',
  code: 'INVALID_INPUT',
  fields: [{ path: '', message: 'A JSON object is expected' }],
};

describe.each(platforms)('a handler that reads its body on $name', (platform) => {
  describe.each([true, false])('when the app parses bodies: %s', (bodyParser) => {
    let url: string;

    beforeAll(async () => {
      url = await start(platform, bodyParser);
    });

    it.each(accepted)('reads %s', async (_, sent, read) => {
      expect(await post(`${url}/body`, sent)).toEqual({ status: 201, json: { read }, challenge: undefined });
    });

    it.each(mediaTypes)('answers %s with 415', async (_, sent) => {
      const { status, json: body, challenge } = await post(`${url}/body`, sent);

      expect([status, challenge]).toEqual([415, undefined]);
      expect(body).toEqual({
        statusCode: 415,
        error: 'Unsupported Media Type',
        message: 'The media type of the body is not supported; application/json is expected',
        code: 'INVALID_REQUEST',
      });
    });

    it.each(malformed)('answers %s with 400', async (body) => {
      for (const isChunked of [false, true]) {
        expect(await post(`${url}/body/7`, { ...isJson, body, isChunked })).toEqual({
          status: 400,
          json: invalid,
          challenge: undefined,
        });
      }
    });

    it('answers a body that is too long with 413', async () => {
      for (const sent of [{ body: long }, { body: `${long.slice(0, -2)}${'x'.repeat(200_000)}"}`, isChunked: true }]) {
        const { status, json: body } = await post(`${url}/body`, { ...isJson, ...sent });
        expect([status, body]).toEqual([
          413,
          { statusCode: 413, error: 'Payload Too Large', message: 'The body is too large', code: 'INVALID_REQUEST' },
        ]);
      }
    });
  });

  it('answers alike under a prefix and with versions', async () => {
    const url = await start(platform, true, (nest) => {
      nest.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
    });

    for (const path of ['/api/v1/body', '/api/v1/body/7']) {
      expect((await post(`${url}${path}`, { ...isJson, body: '{' })).json).toEqual(invalid);
      expect((await post(`${url}${path}`, { ...isJson, body: '{"a":1}' })).json).toEqual({ read: { a: 1 } });
      expect((await post(`${url}${path}`, isJson)).json).toEqual({ read: {} });
    }
  });

  it('reads what a parser has read that the app added itself', async () => {
    const url = await start(platform, false, (nest) => {
      nest.use(json());
    });

    expect((await post(`${url}/body`, { ...isJson, body: '{"a":1}' })).json).toEqual({ read: { a: 1 } });
    expect((await post(`${url}/body`, { type: 'text/plain', body: '{"a":1}' })).status).toBe(415);
  });

  it('leaves handlers of the app as they are', async () => {
    const url = await start(platform, true);

    expect((await post(`${url}/plain`, { ...isJson, body: '{"a":1}' })).json).toEqual({ body: { a: 1 } });
    expect((await post(`${url}/plain`, { ...isJson, body: '{' })).json).not.toHaveProperty('code', 'INVALID_INPUT');
    expect((await post(`${url}/plain`, { ...isJson, body: '{' })).status).toBe(400);
    const parsesText = platform.name === 'Fastify';
    expect((await post(`${url}/plain`, { type: 'text/plain', body: 'x' })).json).toEqual({
      body: parsesText ? 'x' : null,
    });
  });
});
