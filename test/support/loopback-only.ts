/**
 * Locks the network of a test run: a connection to anything but this machine is refused before a packet leaves.
 *
 * A test that reaches the internet is slow, passes only on some machines, and shows a stranger what we test. The code
 * under test turns a failed connection into a 503 and carries on, so the refusal alone could go unseen: each one is
 * also written down, and the test during which it happened fails.
 */
import net from 'node:net';
import { afterEach } from 'vitest';

const refused: string[] = [];

/** The connections refused since the last call, for the test of the lock itself. */
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

/** `connect` takes (port, host), (path) or (options), and from inside Node one array that holds those. */
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
  // As a real connection fails: later, when the caller (an HTTP agent, say) has put its listeners on.
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
