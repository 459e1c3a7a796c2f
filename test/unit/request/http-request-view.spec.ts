import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type HttpRequest, viewHttpRequest } from '../../../src/request/request-view.js';

/** What Node makes of these very lines, sent over a socket: clients would tidy them up. */
async function received(...headers: string[]): Promise<IncomingMessage> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const request = new Promise<IncomingMessage>((resolve) => {
    server.once('request', (incoming, response) => {
      response.end();
      resolve(incoming);
    });
  });
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(`${['GET / HTTP/1.1', 'host: x', 'connection: close', ...headers].join('\r\n')}\r\n\r\n`);
  const incoming = await request;
  socket.destroy();
  server.close();
  return incoming;
}

function authorizationOf(request: HttpRequest): readonly string[] {
  return viewHttpRequest(request).headers('authorization');
}

describe("a request of Node's", () => {
  it.each([
    ['none', [], []],
    ['one', ['Authorization: Bearer a'], ['Bearer a']],
    ['one in upper case', ['AUTHORIZATION: Bearer a'], ['Bearer a']],
    [
      'two, of which Node keeps the first',
      ['Authorization: Bearer a', 'authorization: Bearer b'],
      ['Bearer a', 'Bearer b'],
    ],
    ['an empty and a full one', ['Authorization:', 'Authorization: Bearer b'], ['', 'Bearer b']],
    ['three', ['Authorization: a', 'x: y', 'Authorization: b', 'Authorization: c'], ['a', 'b', 'c']],
    ['one whose name only starts alike', ['Authorization2: Bearer a', 'xAuthorization: Bearer b'], []],
    ['one that is the value of another', ['x: authorization', 'authorization: Bearer a'], ['Bearer a']],
  ])('with %s', async (_, lines, values) => {
    const request = await received(...lines);

    expect(authorizationOf(request)).toEqual(values);
    // Fastify's request has Node's within, and hands the headers on.
    expect(authorizationOf({ raw: request, headers: request.headers })).toEqual(values);
  });

  it('gives both of two cookie headers and of two custom headers, which Node would join', async () => {
    const request = viewHttpRequest(await received('Cookie: a=1', 'Cookie: a=2', 'X-Token: t1', 'X-Token: t2'));

    expect(request.headers('cookie')).toEqual(['a=1', 'a=2']);
    expect(request.headers('x-token')).toEqual(['t1', 't2']);
  });

  it('believes middleware that has put another value in', async () => {
    const request = await received('Authorization: Basic a');
    request.headers.authorization = 'Bearer b';

    expect(authorizationOf(request)).toEqual(['Bearer b']);
  });

  it('believes middleware that has put a value where none came', async () => {
    const request = await received();
    request.headers.authorization = 'Bearer b';

    expect(authorizationOf(request)).toEqual(['Bearer b']);
  });

  it('believes middleware that has taken the header out', async () => {
    const request = await received('Authorization: Bearer a');
    delete request.headers.authorization;

    expect(authorizationOf(request)).toEqual([]);
  });

  it('believes middleware that has set the header to undefined', async () => {
    const request = await received('Authorization: Bearer a');
    request.headers.authorization = undefined;

    expect(authorizationOf(request)).toEqual([]);
  });

  it('does not give what middleware has taken out, also when it came twice', async () => {
    const request = await received('Authorization: Bearer a', 'Authorization: Bearer a');
    delete request.headers.authorization;

    expect(authorizationOf(request)).toEqual([]);
  });

  it('still tells that two came when middleware has put one value over them', async () => {
    const request = await received('Authorization: Bearer a', 'Authorization: Bearer b');
    request.headers.authorization = 'Bearer a';

    expect(authorizationOf(request)).toEqual(['Bearer a', 'Bearer b']);
  });
});

describe('something like a request', () => {
  it.each([
    ['headers and nothing else', { headers: { authorization: 'a' } }, ['a']],
    ['a list in headers', { headers: { authorization: ['a', 'b'] } }, ['a', 'b']],
    ['raw headers and nothing else', { rawHeaders: ['Authorization', 'a'] }, ['a']],
    ['no headers at all', {}, []],
    ['a raw list of odd length', { rawHeaders: ['Authorization'] }, []],
    [
      'raw headers of light-my-request, where each name comes once',
      { headers: { authorization: 'a' }, rawHeaders: ['authorization', 'a'] },
      ['a'],
    ],
    ['a name in raw headers that is a value', { headers: {}, rawHeaders: ['x', 'authorization', 'a', 'b'] }, []],
  ])('with %s', (_, request: HttpRequest, values) => {
    expect(authorizationOf(request)).toEqual(values);
  });

  it('has no headers but its own', () => {
    const request = viewHttpRequest({
      headers: Object.create({ authorization: 'inherited' }) as HttpRequest['headers'] & object,
    });

    expect(request.headers('authorization')).toEqual([]);
    expect(viewHttpRequest({ headers: {} }).headers('constructor')).toEqual([]);
    expect(viewHttpRequest({ headers: {} }).headers('__proto__')).toEqual([]);
  });

  it('tells its headers to whom takes the function out of it, as an app may in a source of its own', () => {
    const { headers } = viewHttpRequest({ headers: { authorization: 'a' } });

    expect(headers('authorization')).toEqual(['a']);
  });

  it('is known again by its own object', () => {
    const request = { headers: {} };

    expect(viewHttpRequest(request).request).toBe(request);
  });
});
