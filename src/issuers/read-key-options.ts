import type { AddressRule } from '../configuration/address-rule.js';
import { checkAddress } from '../configuration/read-address.js';
import { type GivenOptions, path, readNumber, requireTexts } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import type { Jwk } from '../keys/import-jwk.js';
import type { VerificationKey } from '../keys/verification-key.js';
import { readGivenKeys } from './static-keys.js';

/** How keys that are fetched are kept. */
export interface FetchedKeysOptions {
  /**
   * Seconds past their life for which known keys serve on while the issuer does not answer; 0 to 2,592,000
   * (30 days). A key that the issuer withdraws during its own outage is trusted for that long. Within that time
   * anonymousCaller waits for a refresh either: after a sleep of the machine, keys from before it serve until the issuer has
   * answered. With 0, requests wait for it.
   *
   * @defaultValue 86400 (a day)
   */
  readonly staleKeysForSeconds?: number;
  /**
   * A key set to start with, from a file or the environment, until the issuer has been asked. Counts as fetched
   * when the app starts: with an issuer that does not answer it serves for 10 minutes, and then for
   * `staleKeysForSeconds`. A key of it that the issuer has withdrawn long ago verifies tokens until the first fetch
   * has been answered; `warmUp` has that done before the app listens. Replace the file when the issuer replaces keys.
   */
  readonly initialKeys?: { readonly keys: readonly Jwk[] };
}

/** The same, read. */
export interface KeyOptions {
  readonly staleKeysForSeconds?: number | undefined;
  readonly initialKeys?: readonly VerificationKey[] | undefined;
}

/** The names of these options. */
export const keyNames = ['staleKeysForSeconds', 'initialKeys'] as const;

const day = 86_400;

/** @throws {ConfigurationError} for a wrong value. */
export function readKeyOptions(where: string, options: GivenOptions): KeyOptions {
  const limits = { least: 0, most: 30 * day };
  const { initialKeys } = options;
  return {
    staleKeysForSeconds: readNumber(where, options, 'staleKeysForSeconds', limits),
    initialKeys: initialKeys === undefined ? undefined : readGivenKeys(path(where, 'initialKeys'), initialKeys),
  };
}

/** The addresses of one key set, in the order in which they are tried; `undefined` when left out. */
export function readJwksUris(where: string, options: GivenOptions, rule: AddressRule): readonly string[] | undefined {
  if (options['jwksUri'] === undefined) return undefined;
  const addresses = requireTexts(where, options, 'jwksUri', 'Write the address of the key set');
  for (const address of addresses) checkAddress(path(where, 'jwksUri'), address, rule);
  return addresses;
}

/**
 * Refuses these options where nothing is fetched: they would be believed to do something.
 *
 * @throws {ConfigurationError}
 */
export function refuseKeyOptions(where: string, options: GivenOptions, beside: string): void {
  const idle = keyNames.find((name) => options[name] !== undefined);
  if (idle === undefined) return;
  throw new ConfigurationError(path(where, idle), `it means nothing beside ${beside}`, 'Leave it out');
}
