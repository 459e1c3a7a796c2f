import { once } from 'node:events';
import { get } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { takeRefusedConnections } from '../../support/loopback-only.js';

const failureOf = async (socket: NodeJS.EventEmitter): Promise<Error> => {
  const [error] = (await once(socket, 'error')) as [Error];
  return error;
};

describe('the network lock of the test run', () => {
  // 192.0.2.0/24 and .invalid are reserved: were the lock open, these would hang or fail with another message.
  it.each([
    ['a socket by port and host', () => net.connect(443, '192.0.2.1')],
    ['a socket by options', () => net.connect({ port: 443, host: 'issuer.invalid' })],
    ['a socket over IPv6', () => net.connect({ port: 443, host: '2001:db8::1' })],
    ['a name that only looks like loopback', () => net.connect(443, '127.0.0.1.invalid')],
    ['TLS', () => tls.connect(443, '192.0.2.1')],
    ['an HTTP request', () => get('http://192.0.2.1/keys')],
  ])('refuses %s', async (_what, connect) => {
    expect((await failureOf(connect())).message).toContain('only loopback is open during tests');
    expect(takeRefusedConnections()).toHaveLength(1);
  });

  it('refuses fetch', async () => {
    await expect(fetch('http://192.0.2.1/keys')).rejects.toThrow('fetch failed');
    expect(takeRefusedConnections()).toEqual(['192.0.2.1']);
  });

  it.each(['127.0.0.1', 'localhost', '::ffff:127.0.0.1'])('lets a connection to %s through', async (host) => {
    const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    await once(net.connect({ port, host, family: host === 'localhost' ? 4 : 0 }), 'connect');
    server.close();
    expect(takeRefusedConnections()).toEqual([]);
  });

  it('lets a socket file through', async () => {
    const failure = await failureOf(net.connect(join(tmpdir(), 'no-such.sock')));
    expect(failure).toMatchObject({ code: 'ENOENT' });
    expect(takeRefusedConnections()).toEqual([]);
  });
});
