import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type HttpRequest, viewHttpRequest } from '../../../src/request/request-view.js';

/** The request that Node makes of these lines; they are sent over a socket, because HTTP clients would normalise them. */
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

describe('the headers of a request of Node', () => {
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
    ['one whose name only starts or ends with it', ['Authorization2: Bearer a', 'xAuthorization: Bearer b'], []],
    ['one whose name is also the value of another', ['x: authorization', 'authorization: Bearer a'], ['Bearer a']],
  ])('with %s', async (_, lines, values) => {
    const request = await received(...lines);

    expect(authorizationOf(request)).toEqual(values);
    // Fastify's request holds Node's and passes its headers on.
    expect(authorizationOf({ raw: request, headers: request.headers })).toEqual(values);
  });

  it('give both of two cookie headers and of two custom headers, which Node would join', async () => {
    const request = viewHttpRequest(await received('Cookie: a=1', 'Cookie: a=2', 'X-Token: t1', 'X-Token: t2'));

    expect(request.headers('cookie')).toEqual(['a=1', 'a=2']);
    expect(request.headers('x-token')).toEqual(['t1', 't2']);
  });

  it('have the value by which middleware replaced the sent one', async () => {
    const request = await received('Authorization: Basic a');
    request.headers.authorization = 'Bearer b';

    expect(authorizationOf(request)).toEqual(['Bearer b']);
  });

  it('have the value that middleware added', async () => {
    const request = await received();
    request.headers.authorization = 'Bearer b';

    expect(authorizationOf(request)).toEqual(['Bearer b']);
  });

  it('are without a header that middleware deleted', async () => {
    const request = await received('Authorization: Bearer a');
    delete request.headers.authorization;

    expect(authorizationOf(request)).toEqual([]);
  });

  it('are without a header that middleware set to undefined', async () => {
    const request = await received('Authorization: Bearer a');
    request.headers.authorization = undefined;

    expect(authorizationOf(request)).toEqual([]);
  });

  it('are without a header that middleware deleted, also when it was sent twice', async () => {
    const request = await received('Authorization: Bearer a', 'Authorization: Bearer a');
    delete request.headers.authorization;

    expect(authorizationOf(request)).toEqual([]);
  });

  it('still show two sent headers when middleware replaced them by one value', async () => {
    const request = await received('Authorization: Bearer a', 'Authorization: Bearer b');
    request.headers.authorization = 'Bearer a';

    expect(authorizationOf(request)).toEqual(['Bearer a', 'Bearer b']);
  });
});

describe('an object like a request', () => {
  it.each([
    ['headers only', { headers: { authorization: 'a' } }, ['a']],
    ['a list in headers', { headers: { authorization: ['a', 'b'] } }, ['a', 'b']],
    ['raw headers only', { rawHeaders: ['Authorization', 'a'] }, ['a']],
    ['no headers at all', {}, []],
    ['a raw list of odd length', { rawHeaders: ['Authorization'] }, []],
    [
      'raw headers of light-my-request, which has each name once',
      { headers: { authorization: 'a' }, rawHeaders: ['authorization', 'a'] },
      ['a'],
    ],
    ['a name in raw headers that is a value', { headers: {}, rawHeaders: ['x', 'authorization', 'a', 'b'] }, []],
  ])('with %s', (_, request: HttpRequest, values) => {
    expect(authorizationOf(request)).toEqual(values);
  });

  it('has no inherited headers', () => {
    const request = viewHttpRequest({
      headers: Object.create({ authorization: 'inherited' }) as HttpRequest['headers'] & object,
    });

    expect(request.headers('authorization')).toEqual([]);
    expect(viewHttpRequest({ headers: {} }).headers('constructor')).toEqual([]);
    expect(viewHttpRequest({ headers: {} }).headers('__proto__')).toEqual([]);
  });

  it('has a function of headers that works without its object, as a token source may call it', () => {
    const { headers } = viewHttpRequest({ headers: { authorization: 'a' } });

    expect(headers('authorization')).toEqual(['a']);
  });

  it('has the request itself as its request, under the former name too', () => {
    const request = { headers: {} };

    expect(viewHttpRequest(request).request).toBe(request);
    expect(viewHttpRequest(request)).toHaveProperty('carrier', request);
  });
});

describe('method and address of a request', () => {
  it.each<[string, HttpRequest, string | null, string | null]>([
    ['of Node', { method: 'GET', url: '/me?a=1' }, 'GET', '/me?a=1'],
    ['of Node in lower case', { method: 'post', url: '/' }, 'POST', '/'],
    [
      'of Express behind a router that stripped its prefix',
      { method: 'PUT', url: '/me', originalUrl: '/users/me?a=1' },
      'PUT',
      '/users/me?a=1',
    ],
    ['of Fastify', { method: 'GET', url: '/b', originalUrl: '/a', raw: { method: 'GET', url: '/b' } }, 'GET', '/a'],
    ['of which only the raw request is known', { raw: { method: 'get', url: '/a' } }, 'GET', '/a'],
    ['of which only the rewritten raw request is known', { raw: { url: '/b', originalUrl: '/a' } }, null, '/a'],
    ['of which nothing is known', {}, null, null],
  ])('%s', (_, request, method, url) => {
    const view = viewHttpRequest(request);
    expect([view.method, view.url]).toEqual([method, url]);
  });

  it('are read when they are asked for', () => {
    const request = { method: 'GET', url: '/' };
    const view = viewHttpRequest(request);
    request.method = 'DELETE';
    expect(view.method).toBe('DELETE');
  });
});
