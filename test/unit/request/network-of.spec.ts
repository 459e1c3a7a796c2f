import { describe, expect, it } from 'vitest';
import { networkOf, toNetwork } from '../../../src/request/network-of.js';
import { createRequestView, viewHttpRequest } from '../../../src/request/request-view.js';
import { viewSocketRequest } from '../../../src/request/socket-request-view.js';

describe('the network of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:192.0.2.7', '2001:db8:1:2::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['unix:', null],
    ['', null],
  ])('of %s is %s', (address, network) => {
    expect(toNetwork(address)).toBe(network);
  });
});

describe('the network of a request', () => {
  const socket = { remoteAddress: '192.0.2.7' };

  it('is that of the connection, or what the adapter reads from its proxy', () => {
    expect(networkOf(viewHttpRequest({ socket }))).toBe('192.0.2.7');
    expect(networkOf(viewHttpRequest({ raw: { socket } }))).toBe('192.0.2.7');
    expect(networkOf(viewHttpRequest({ socket, ip: '198.51.100.1' }))).toBe('198.51.100.1');
    expect(networkOf(viewHttpRequest({ socket, headers: { 'x-forwarded-for': '203.0.113.1' } }))).toBe('192.0.2.7');
  });

  it('is that of the upgrade for a message on a socket, and none for a message of a microservice', () => {
    expect(networkOf(viewSocketRequest({}, { upgrade: { socket }, connectionParameters: {} }))).toBe('192.0.2.7');
    expect(networkOf(createRequestView({}, () => []))).toBeNull();
  });
});
