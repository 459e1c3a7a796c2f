import { ConfigurationError } from '../errors/auth-error.js';
import { path, type GivenOptions } from './read-options.js';

/**
 * The key of the option that lets a preset call plain http addresses off this machine:
 * `oidc({ …, [allowInsecureHttpOffLoopback]: true })`. Whoever sits on the transport can then hand in keys
 * of their own and sign any token, so it is for closed test networks only. A symbol, so that no
 * configuration file can set it.
 */
export const allowInsecureHttpOffLoopback: unique symbol = Symbol.for(
  'nest-gatehouse.allow-insecure-http-off-loopback',
);

/** Which addresses may be called. */
export interface AddressRule {
  /** Whether plain http is allowed beyond this machine. */
  readonly insecureHttp: boolean;
}

/** What is wrong with an address that the package would have to call, or `undefined` when nothing is. */
export function findAddressFault(address: string, rule: AddressRule): string | undefined {
  if (!URL.canParse(address)) return 'not an absolute address';
  // The parser leaves out or encodes what stands there by mistake, often a line break behind an environment
  // variable; the issuer of a token, which is compared as text, would never be the same.
  if (/[\s\p{Cc}]/u.test(address)) return 'an address must not hold blanks or control characters';
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') return 'an address must not send a user name or password';
  if (address.includes('#')) return 'an address must not send a fragment';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return 'https is expected';
  return rule.insecureHttp || isLoopback(url.hostname) ? undefined : 'http is only allowed on this machine';
}

function isLoopback(hostname: string): boolean {
  // The URL parser has already brought every spelling of an IPv4 address (127.1, 0x7f000001) to dotted form.
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * An address that the package may call: https, or http on this machine. Checked at start, so that a
 * wrong one never becomes a request.
 */
export function readAddress(
  where: string,
  options: GivenOptions,
  option: string,
  rule: AddressRule,
): string | undefined {
  const value = options[option];
  if (value === undefined) return undefined;
  return checkAddress(path(where, option), value, rule);
}

/** The same for an address that must be there. */
export function requireAddress(
  where: string,
  options: GivenOptions,
  option: string,
  rule: AddressRule,
  fix: string,
): string {
  const address = readAddress(where, options, option, rule);
  if (address === undefined) throw new ConfigurationError(path(where, option), 'it is missing', fix);
  return address;
}

export function checkAddress(where: string, value: unknown, rule: AddressRule): string {
  const fault = typeof value === 'string' ? findAddressFault(value, rule) : 'a text is expected';
  if (fault !== undefined) {
    throw new ConfigurationError(where, fault, 'Write an absolute https:// address (http:// is for this machine only)');
  }
  return value as string;
}
