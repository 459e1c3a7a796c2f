/** Bodies, cookies, headers, paths and queries that no client sends: never 500, never silence, and the same on all platforms. */
import { type INestApplication } from '@nestjs/common';
import { AuthModule } from 'nest-gatehouse';
import { ownTokens, SessionService, SessionsModule } from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';
import { NestFactory } from '@nestjs/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, RunningApp } from '../support/app.js';
import { type RawRequest, sendRaw } from '../support/raw-request.js';
import { publicUrl } from '../support/session-app.js';

interface App {
  readonly name: string;
  readonly nest: INestApplication;
  readonly url: string;
}

/** On both platforms, with and without the body parsers of Nest. */
const apps: App[] = [];

beforeAll(async () => {
  for (const bodyParser of [true, false]) {
    for (const { name, createAdapter } of platforms) {
      class RootModule {}
      const module = {
        module: RootModule,
        imports: [
          AuthModule.forRoot({ issuers: ownTokens(), publicUrl }),
          SessionsModule.forRoot({ findSubject: (id) => ({ id }) }),
          memoryStores(),
        ],
      };
      const nest = await NestFactory.create(module, createAdapter(), { logger: false, bodyParser });
      const { url } = await RunningApp.listen(nest);
      apps.push({ name: `${name}, bodyParser: ${bodyParser}`, nest, url });
    }
  }
});

/** A generator of the same numbers in each run (xorshift). */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Sends the same to each app. @returns the status that all of them gave */
async function statusOf(request: RawRequest, signedIn = false): Promise<number> {
  const answers = await Promise.all(
    apps.map(async ({ name, nest, url }) => {
      const headers = [...(request.headers ?? [])];
      if (signedIn) {
        const { accessToken } = await nest.get(SessionService).start('alice');
        headers.push(`Authorization: Bearer ${accessToken}`);
      }
      return { name, status: (await sendRaw(url, { ...request, headers })).status };
    }),
  );
  const [first] = answers;
  const status = first?.status ?? 0;
  const what = `${request.method} ${request.path} ${JSON.stringify(request.headers ?? [])} ${request.body?.subarray(0, 80).toString() ?? ''}`;
  expect(answers, what).toEqual(answers.map(({ name }) => ({ name, status })));
  expect(status, what).toBeGreaterThanOrEqual(200);
  expect(status, what).toBeLessThan(500);
  return status;
}

const posts = ['/auth/refresh', '/auth/sign-out', '/auth/sign-out-everywhere'];
const someId = '/auth/sessions/01950000-0000-7000-8000-000000000001';
const isJson = 'Content-Type: application/json';

const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);

const bodies: readonly (readonly [string, string | Buffer])[] = [
  ['nothing', ''],
  ['blanks', '   \r\n\t'],
  ['an object', '{}'],
  ['a text', '"refresh_token"'],
  ['null', 'null'],
  ['a list', '[{"refresh_token":"x"}]'],
  ['a number', '1e999'],
  ['half an object', '{"refresh_token":'],
  ['two objects', '{}{}'],
  ['a mark of byte order', '\uFEFF{}'],
  ['a form', 'refresh_token=x'],
  ['zeros', Buffer.alloc(2_000)],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
  ['a deep list', nested(20_000, '[', ']')],
  ['a deep object', `${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`],
  ['a body that is too long', JSON.stringify({ refresh_token: 'x'.repeat(70_000) })],
  ['a body that is much too long', JSON.stringify({ refresh_token: 'x'.repeat(1_500_000) })],
  ['a long token', JSON.stringify({ refresh_token: 'x'.repeat(60_000) })],
  ['many members', JSON.stringify(Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`m${at}`, at])))],
  ['a member twice', '{"refresh_token":"a","refresh_token":"b"}'],
  ['a prototype', '{"__proto__":{"refresh_token":"x"},"constructor":{"prototype":{}}}'],
  ...[
    7,
    true,
    null,
    {},
    [],
    ['x'],
    { toString: 'x' },
    '',
    'x',
    'grt_',
    'grt_\u0000',
    '\uD800',
    'a.b.c',
    '€'.repeat(100),
  ].map(
    (value) =>
      [
        `a refresh token that is ${JSON.stringify(value).slice(0, 40)}`,
        JSON.stringify({ refresh_token: value }),
      ] as const,
  ),
  ...['true', 1, 0, '', {}, [], null].map(
    (value) => [`exceptThis that is ${JSON.stringify(value)}`, JSON.stringify({ exceptThis: value })] as const,
  ),
];

const types = [
  isJson,
  'Content-Type: application/json; charset=utf-16',
  'Content-Type: application/json;',
  'Content-Type: application/vnd.api+json',
  'Content-Type: text/plain',
  'Content-Type: application/x-www-form-urlencoded',
  'Content-Type: multipart/form-data; boundary=x',
  'Content-Type: application/octet-stream',
  'Content-Type: nonsense',
  'Content-Type: ',
  'Content-Type: /;=,',
  `Content-Type: application/json; charset=${'x'.repeat(500)}`,
];

describe('requests that no client sends', () => {
  it.each(bodies)('with a body of JSON that is %s', async (_, content) => {
    const body = Buffer.from(content);
    for (const signedIn of [false, true]) {
      for (const path of posts) {
        await statusOf({ method: 'POST', path, headers: [isJson], body }, signedIn);
        // A parser of the app may take more than 64 KiB, if the length is not known before.
        if (body.length < 65_000) {
          await statusOf(
            { method: 'POST', path, headers: [isJson], body, chunkSize: 1 + (body.length >> 2) },
            signedIn,
          );
        }
      }
      await statusOf({ method: 'DELETE', path: someId, headers: [isJson], body }, signedIn);
    }
  });

  it.each(types)('with a body of %s', async (type) => {
    for (const content of ['', '{}', 'refresh_token=x', '\u0000']) {
      for (const path of posts) {
        const request = { method: 'POST', path, headers: [type], body: Buffer.from(content) };
        const status = await statusOf(request, true);
        if (content !== '' && type !== isJson && !type.endsWith('json;')) expect(status).toBe(415);
        // A parser of the app refuses another type before it can see that there is nothing in the chunks.
        if (content !== '') await statusOf({ ...request, chunkSize: 3 });
      }
    }
  });

  it.each(['gzip', 'br', 'deflate', 'nonsense', 'identity', 'gzip, gzip'])(
    'with a body that is encoded by %s',
    async (by) => {
      for (const path of posts) {
        const headers = [isJson, `Content-Encoding: ${by}`];
        expect(await statusOf({ method: 'POST', path, headers, body: Buffer.from('{}') }, true)).toBe(
          by === 'identity' ? (path.endsWith('refresh') ? 401 : 204) : 415,
        );
      }
    },
  );

  it.each([
    '',
    '=',
    ';;;;',
    '__Host-refresh',
    '__Host-refresh=',
    '__Host-refresh=""',
    '__Host-refresh="grt_x"',
    '__Host-refresh=%',
    '__Host-refresh=%00%ff%zz',
    '__Host-refresh=a; __Host-refresh=b',
    '__Host-refresh=a; __Host-refresh=a',
    '__Host-refresh=a, __Host-refresh=b',
    '__HOST-REFRESH=a',
    '__Host-access=a.b.c; __Host-refresh=grt_x',
    '__proto__=x; constructor=y; toString=z',
    `__Host-refresh=grt_${'A'.repeat(5_000)}`,
    `${'a=b; '.repeat(1_500)}__Host-refresh=x`,
    Buffer.from(Array.from({ length: 200 }, (_, at) => 0x80 + (at % 0x80))).toString('latin1'),
  ])('with the cookie %j', async (cookie) => {
    for (const path of [...posts, '/auth/me', '/auth/sessions', someId]) {
      const method = path === someId ? 'DELETE' : posts.includes(path) ? 'POST' : 'GET';
      await statusOf({ method, path, headers: [`Cookie: ${cookie}`] });
      await statusOf({ method, path, headers: [`Cookie: ${cookie}`] }, true);
    }
  });

  it.each([
    ...[
      '/',
      '/%',
      '/%zz',
      '/%00',
      '/%ff',
      '/..',
      '/%2e%2e',
      '/a%2Fb',
      '/;',
      '/*',
      '/:id',
      '/%F0%9F%98%80',
      '/__proto__',
      // Fastify itself answers longer parameters with 414.
      `/${'x'.repeat(100)}`,
    ],
    ...[
      '?',
      '?limit',
      '?limit[]=1',
      '?limit[a]=1',
      '?limit=1e1',
      '?limit=0x10',
      '?limit=%31',
      '?limit=9007199254740993',
    ],
    ...[
      '?cursor=%ff',
      '?cursor[]=x',
      '?__proto__[limit]=1',
      '?constructor=1',
      '?limit=1&cursor',
      '?=&&==',
      '?%',
      '?limit=%zz',
    ],
  ])('to /auth/sessions%s', async (rest) => {
    for (const method of rest.startsWith('?') ? ['GET'] : ['DELETE']) {
      await statusOf({ method, path: `/auth/sessions${rest}` });
      await statusOf({ method, path: `/auth/sessions${rest}` }, true);
    }
  });

  it('with random bytes everywhere', async () => {
    const number = numbersFrom(20_261_128);
    const bytes = (length: number, least: number, most: number): Buffer =>
      Buffer.from(Array.from({ length }, () => least + number(most - least)));
    const line = (): string => bytes(number(300), 0x20, 0x100).toString('latin1').replaceAll('\x7f', '?');
    for (let time = 0; time < 250; time += 1) {
      const path = posts[number(posts.length)] ?? '';
      const headers = [
        number(2) === 0 ? isJson : `Content-Type: ${line()}`,
        ...(number(2) === 0 ? [`Cookie: __Host-refresh=${line()}`] : []),
        ...(number(3) === 0 ? [`Authorization: ${line()}`] : []),
        ...(number(3) === 0 ? [`X-Token-Delivery: ${line()}`] : []),
        ...(number(4) === 0 ? [`Origin: ${line()}`] : []),
        ...(number(4) === 0 ? [`Sec-Fetch-Site: ${line()}`] : []),
      ];
      await statusOf({ method: 'POST', path, headers, body: bytes(number(400), 0, 256) });
    }
  });

  it('that end before their bodies do, leave the app as it was', async () => {
    const body = Buffer.from(JSON.stringify({ refresh_token: 'x'.repeat(5_000) }));
    for (const path of posts) {
      for (const cutAt of [0, 1, 3_000]) {
        for (const { url } of apps) {
          await sendRaw(url, { method: 'POST', path, headers: [isJson], body, cutAt });
          await sendRaw(url, { method: 'POST', path, headers: [isJson], body, cutAt, chunkSize: 100 });
        }
      }
    }
    expect(await statusOf({ method: 'POST', path: '/auth/refresh' })).toBe(401);
    expect(await statusOf({ method: 'GET', path: '/auth/me' }, true)).toBe(200);
  });
});
