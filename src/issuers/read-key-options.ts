import type { AddressRule } from '../configuration/address-rule.js';
import { checkAddress } from '../configuration/read-address.js';
import { type GivenOptions, path, readNumber, requireTexts } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { readKeys } from '../keys/loaded-keys.js';
import type { VerificationKey } from '../keys/verification-key.js';

/** What an app may say about keys that are fetched. */
export interface KeyOptions {
  readonly staleKeysForSeconds?: number | undefined;
  readonly initialKeys?: readonly VerificationKey[] | undefined;
}

/** The names of these options. */
export const keyNames = ['staleKeysForSeconds', 'initialKeys'] as const;

const day = 86_400;

/** How fetched keys are kept. */
export function readKeyOptions(where: string, options: GivenOptions): KeyOptions {
  const limits = { least: 0, most: 30 * day };
  return {
    staleKeysForSeconds: readNumber(where, options, 'staleKeysForSeconds', limits),
    initialKeys: readInitialKeys(path(where, 'initialKeys'), options['initialKeys']),
  };
}

/** The addresses of one key set, in the order in which they are tried; `undefined` when left out. */
export function readJwksUris(where: string, options: GivenOptions, rule: AddressRule): readonly string[] | undefined {
  if (options['jwksUri'] === undefined) return undefined;
  const addresses = requireTexts(where, options, 'jwksUri', 'Write the address of the key set');
  for (const address of addresses) checkAddress(path(where, 'jwksUri'), address, rule);
  return addresses;
}

function readInitialKeys(where: string, given: unknown): readonly VerificationKey[] | undefined {
  if (given === undefined) return undefined;
  try {
    return readKeys(typeof given === 'object' && given !== null && 'keys' in given ? given.keys : undefined);
  } catch {
    throw new ConfigurationError(where, 'it holds no key that verifies tokens', 'Write a key set: { keys: [ … ] }');
  }
}
