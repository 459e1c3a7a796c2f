import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpClient } from '../../../src/upstream/http-client.js';
import { failureOf } from './failure-of.js';

const opened: { close: () => void }[] = [];

afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

/** A server below HTTP, so that every byte of the answer, the status line too, is the test's. */
async function serveRaw(answer: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answer(statusLine: string, headers: readonly string[], body: string): string {
  return [`HTTP/1.1 ${statusLine}`, ...headers, 'x-note: canary', 'connection: close', '', body].join('\r\n');
}

const json = 'content-type: application/json';

// Each answer says "canary" wherever it can.
const answers: readonly (readonly [string, string, string])[] = [
  ['a status', 'status', answer('503 canary', [json], '{"error":"canary"}')],
  ['a strange status', 'status', answer('599 canary', [], 'canary')],
  ['a redirect', 'redirect', answer('302 canary', ['location: https://canary.example/canary'], 'canary')],
  ['a page', 'content-type', answer('200 canary', ['content-type: text/canary'], 'canary')],
  ['broken JSON', 'not-json', answer('200 canary', [json], '{"canary": canary}')],
  ['a text in place of JSON', 'not-json', answer('200 canary', [json], 'canary')],
  ['too much', 'too-large', answer('200 canary', [json], JSON.stringify('canary'.repeat(1_000)))],
  ['too few bytes', 'unreachable', answer('200 canary', [json, 'content-length: 999'], 'canary')],
  ['a false chunk', 'unreachable', answer('200 canary', [json, 'transfer-encoding: chunked'], 'canary\r\n')],
  ['a header that is none', 'unreachable', 'HTTP/1.1 200 OK\r\ncanary canary\r\n\r\n{}'],
  ['no HTTP', 'unreachable', 'SSH-2.0-canary\r\n'],
  ['HTTP of another version', 'unreachable', 'HTTP/9.9 200 canary\r\nx-note: canary\r\n\r\n{}'],
];

describe('what a server sent', () => {
  it.each(answers)('is not repeated, neither by message nor by cause: %s', async (_, problem, bytes) => {
    const url = await serveRaw(bytes);
    const failure = await failureOf(new HttpClient({ limits: { maxBytes: 2_000 } }).getJson(url));

    expect(failure.problem).toBe(problem);
    expect(failure.message).toMatch(new RegExp(`^${new URL(url).host} `));
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain('canary');
  });
});
