import { ConfigurationError } from '../errors/configuration-error.js';
import { type AddressRule, findAddressFault } from './address-rule.js';
import { type GivenOptions, path } from './read-options.js';

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
