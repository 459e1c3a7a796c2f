/** A body that is refused is not received to its end, and the client gets the answer. */
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Platform, platforms } from '../support/app.js';
import { startTokenEndpointApp } from '../support/token-endpoint-app.js';

const megabyte = 2 ** 20;
const isJson = 'Content-Type: application/json';
const isForm = 'Content-Type: application/x-www-form-urlencoded';

interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly isChunked?: boolean;
}

/** Sends 100 MB, as far as they are taken, and reads what is answered until the connection is closed. */
function sendMuch(url: string, { method = 'POST', path, headers, isChunked = false }: Sent) {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${100 * megabyte}`;
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers, length, '', ''];
  const part = Buffer.alloc(64 * 1024, 0x20);
  const chunk = isChunked ? Buffer.concat([Buffer.from('10000\r\n'), part, Buffer.from('\r\n')]) : part;
  let text = '';
  return new Promise<{ status: number; connection: string | undefined; sent: number }>((resolve) => {
    let parts = 0;
    const send = (): void => {
      while (parts < 1_600 && !socket.destroyed) {
        parts += 1;
        if (!socket.write(chunk)) return;
      }
    };
    socket.setEncoding('latin1').on('data', (data: string) => (text += data));
    socket.on('drain', send).on('error', () => undefined);
    socket.once('close', () => {
      resolve({
        status: Number(/^HTTP\/1\.1 (?!100)(\d{3})/m.exec(text)?.[1] ?? 0),
        connection: /^connection: (.*)$/im.exec(text)?.[1]?.trim(),
        sent: socket.bytesWritten - socket.writableLength,
      });
    });
    socket.write(lines.join('\r\n'));
    send();
  });
}

const refused: readonly (readonly [string, number, Sent])[] = [
  ['too long', 413, { path: '/api/auth/refresh', headers: [isJson] }],
  ['of another media type', 415, { path: '/api/auth/refresh', headers: ['Content-Type: text/plain'] }],
  [
    'of another media type and of unknown length',
    413,
    { path: '/api/auth/sign-out', headers: ['Content-Type: text/plain'], isChunked: true },
  ],
  ['of a caller without a token', 401, { path: '/api/auth/sign-out-everywhere', headers: [isJson] }],
  [
    'of a page of another origin',
    403,
    { path: '/api/auth/refresh', headers: [isJson, 'Origin: https://evil.example'] },
  ],
  [
    'of a list that takes none',
    401,
    { method: 'GET', path: '/api/auth/sessions', headers: ['Content-Type: text/plain'] },
  ],
  ['a form that is too long', 413, { path: '/oauth/token', headers: [isForm] }],
  ['a form that is too long, in chunks', 413, { path: '/oauth/token', headers: [isForm], isChunked: true }],
  ['no form', 400, { path: '/oauth/token', headers: [isJson], isChunked: true }],
  [
    'at a route that takes none',
    200,
    { method: 'GET', path: '/.well-known/jwks.json', headers: ['Content-Type: text/plain'] },
  ],
];

async function start(platform: Platform): Promise<string> {
  // The parser of Express receives what it refuses to its end.
  return (await startTokenEndpointApp(platform, { bodyParser: false })).app.url;
}

describe.each(platforms)('a long body on $name', (platform) => {
  let url: string;

  beforeAll(async () => {
    url = await start(platform);
  });

  it.concurrent.each(refused)('that is %s is not received to its end', async (_, status, sent) => {
    const answer = await sendMuch(url, sent);

    expect([answer.status, answer.connection]).toEqual([status, 'close']);
    // What the operating system keeps for a connection is more than what the app receives.
    expect(answer.sent).toBeLessThan(20 * megabyte);
  });

  it('is answered for clients that read the answer when they have sent the body', async () => {
    for (const [type, status] of [
      ['application/json', 413],
      ['text/plain', 415],
    ] as const) {
      for (const length of [100_000, 300_000, 3 * megabyte]) {
        const call = { method: 'POST', headers: { 'Content-Type': type }, body: 'x'.repeat(length) };
        expect((await fetch(`${url}/api/auth/refresh`, call)).status).toBe(status);
      }
    }
  });

  it('is answered for curl, which asks before it sends', async () => {
    const curl = (type: string): Promise<{ stdout: string }> => {
      const child = promisify(execFile)('curl', [
        '-s',
        '-w',
        '%{http_code}',
        '-H',
        'Expect: 100-continue',
        '-H',
        `Content-Type: ${type}`,
        '--data-binary',
        '@-',
        '-o',
        '/dev/null',
        `${url}/api/auth/refresh`,
      ]);
      child.child.stdin?.on('error', () => undefined).end(Buffer.alloc(3 * megabyte, 0x20));
      return child;
    };

    expect((await curl('application/json')).stdout).toBe('413');
    expect((await curl('text/plain')).stdout).toBe('415');
  });

  it('keeps the connection of a refused request whose body is short', async () => {
    const call = { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'x'.repeat(30_000) };
    const answer = await fetch(`${url}/api/auth/refresh`, call);

    expect([answer.status, answer.headers.get('connection')]).toEqual([415, 'keep-alive']);
  });
});
