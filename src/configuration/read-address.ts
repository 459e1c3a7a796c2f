import { ConfigurationError } from '../errors/auth-error.js';
import { path, type GivenOptions } from './read-options.js';

/**
 * The key of the option that lets a preset call plain http addresses on other machines:
 * `oidc({ …, [allowInsecureHttpOffLoopback]: true })`. An attacker on the network can then replace the keys and sign
 * any token, so use it in closed test networks only. It is a symbol, so that no configuration file can set it.
 */
export const allowInsecureHttpOffLoopback: unique symbol = Symbol.for(
  'nest-gatehouse.allow-insecure-http-off-loopback',
);

/** Which addresses may be called. */
export interface AddressRule {
  /** Whether plain http is allowed for hosts other than this machine. */
  readonly insecureHttp: boolean;
}

/** Describes why the package may not call an address; `undefined` when it may. */
export function findAddressFault(address: string, rule: AddressRule): string | undefined {
  if (!URL.canParse(address)) return 'not an absolute address';
  // The URL parser would drop or encode such a character, often a line break at the end of an environment variable,
  // but the issuer of a token is compared as text and would never match.
  if (/[\s\p{Cc}]/u.test(address)) return 'an address must not hold blanks or control characters';
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') return 'an address must not contain a user name or password';
  if (address.includes('#')) return 'an address must not contain a fragment';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return 'https is expected';
  return rule.insecureHttp || isLoopback(url.hostname) ? undefined : 'http is only allowed on this machine';
}

/** Whether a host name, as `URL` gives it, is of this machine. */
export function isLoopback(hostname: string): boolean {
  // The URL parser has already normalized every spelling of an IPv4 address (127.1, 0x7f000001) to dotted form.
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * Reads an address that the package may call: https, or http on this machine. It is checked while the app starts, so
 * that the package never sends a request to a wrong one.
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

/** Reads an address that is required. */
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
