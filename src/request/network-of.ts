import { isIPv4, isIPv6 } from 'node:net';

import type { HttpRequest, RequestView } from './request-view.js';

/**
 * The network that a request came from, to limit what one caller can occupy: an IPv4 address, or the first 64 bits of an
 * IPv6 address, of which one customer of a provider usually has all. `null` where it is not known, as for messages of
 * microservices. Behind a proxy it is the proxy's own, unless the HTTP adapter is set to trust it (`trust proxy` of
 * Express, `trustProxy` of Fastify).
 */
export function networkOf(view: RequestView): string | null {
  const { ip, raw, socket }: HttpRequest = (view.upgrade ?? view).request;
  const address = ip ?? (raw?.socket ?? socket)?.remoteAddress;
  return typeof address === 'string' ? toNetwork(address) : null;
}

/** The network of an address; `null` for a text that is no IP address. */
export function toNetwork(address: string): string | null {
  const [plain = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1] ?? plain;
  if (isIPv4(mapped)) return mapped;
  return isIPv6(mapped) ? `${groupsOf(mapped).slice(0, 4).join(':')}::/64` : null;
}

/** The first groups of an IPv6 address, written without leading zeros. The last two may be written as an IPv4 address. */
function groupsOf(address: string): readonly string[] {
  const [before = '', after] = address.toLowerCase().split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const tailLength = tail.length + (tail.at(-1)?.includes('.') === true ? 1 : 0);
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tailLength);
  const groups = [...head, ...new Array<string>(zeros).fill('0'), ...tail];
  return groups.map((group) => group.replace(/^0+(?=.)/, ''));
}
