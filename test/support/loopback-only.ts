/**
 * Blocks the network in a test run: a connection to another machine is refused before a packet is sent.
 *
 * A test that uses the internet is slow, passes only on some machines, and reveals what it tests. The code under test
 * turns a failed connection into a 503 and continues, so the refusal alone might not fail a test. Each refused connection
 * is therefore recorded, and the test during which it happened fails.
 */
import net from 'node:net';
import { afterEach } from 'vitest';

const refused: string[] = [];

/** Returns the connections that were refused since the last call, for the test of the block itself. */
export function takeRefusedConnections(): string[] {
  return refused.splice(0);
}

function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^::ffff:/, '');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost') || isLoopbackIpv4(name);
}

function isLoopbackIpv4(name: string): boolean {
  return net.isIPv4(name) && name.startsWith('127.');
}

/** `connect` takes (port, host), (path) or (options); inside Node it takes one array of these. */
function targetOf(args: unknown[]): { host: string; isLocal: boolean } {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  const options =
    typeof first === 'object' && first !== null ? (first as { host?: unknown; path?: unknown }) : undefined;
  const isSocketFile =
    options === undefined ? typeof first === 'string' && Number.isNaN(Number(first)) : typeof options.path === 'string';
  const host = options === undefined ? second : options.host;
  const name = typeof host === 'string' ? host : 'localhost';
  return { host: name, isLocal: isSocketFile || isLoopback(name) };
}

const connect = net.Socket.prototype.connect as (this: net.Socket, ...args: unknown[]) => net.Socket;

function connectOnLoopback(this: net.Socket, ...args: unknown[]): net.Socket {
  const { host, isLocal } = targetOf(args);
  if (isLocal) return connect.apply(this, args);
  refused.push(host);
  // Fails asynchronously like a real connection, when the calling code (for example an HTTP agent) has added its listeners.
  Object.assign(this, { connecting: true });
  setImmediate(() =>
    this.destroy(new Error(`A test tried to connect to ${host}; only loopback is open during tests.`)),
  );
  return this;
}

net.Socket.prototype.connect = connectOnLoopback;

afterEach(() => {
  const hosts = takeRefusedConnections();
  if (hosts.length > 0) {
    throw new Error(`This test connected off loopback, to: ${hosts.join(', ')}.`);
  }
});
