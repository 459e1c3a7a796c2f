import { type AddressRule, type allowInsecureHttpOffLoopback, checkAddress } from '../configuration/read-address.js';
import { path, readNumber, requireTexts, type GivenOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { Jwk } from '../keys/import-jwk.js';
import { loadJwks, loadJwksFrom, type LoadedKeys } from '../keys/jwks-loader.js';
import type { KeySource } from '../keys/key-source.js';
import { RemoteKeySource } from '../keys/remote-key-source.js';
import type { VerificationKey } from '../keys/key-set.js';
import type { DiscoveredIssuer } from './discovered-issuer.js';
import type { AuthContext, Capability } from '../upstream/auth-context.js';
import { readAddressRule } from './read-terms.js';
import { readGivenKeys } from './static-keys.js';

/** How fetched keys are kept. */
export interface FetchedKeysOptions {
  /**
   * Seconds past their lifetime for which known keys are used while the issuer does not answer; 0 to 2,592,000 (30 days).
   * A key that the issuer withdraws during its own outage is trusted for that long. Within that time no request waits for
   * a refresh: after the machine has slept, older keys are used until the issuer has answered. With 0, requests wait.
   *
   * @defaultValue 86400 (a day)
   */
  readonly staleKeysForSeconds?: number;
  /**
   * A key set to start with, from a file or the environment, until the keys have been fetched. It is treated as fetched
   * when the app starts: if the issuer does not answer, it is used for 10 minutes and then for `staleKeysForSeconds`. A
   * key in it that the issuer has withdrawn verifies tokens until the first fetch; with `warmUp`, keys are fetched before
   * the app listens. Replace the file when the issuer replaces its keys.
   */
  readonly initialKeys?: { readonly keys: readonly Jwk[] };
}

/** How keys are kept, after the options were read. */
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

/** The addresses of one key set, in the order in which they are tried; `undefined` when the option was left out. */
export function readJwksUris(where: string, options: GivenOptions, rule: AddressRule): readonly string[] | undefined {
  if (options['jwksUri'] === undefined) return undefined;
  const addresses = requireTexts(where, options, 'jwksUri', 'Write the address of the key set');
  for (const address of addresses) checkAddress(path(where, 'jwksUri'), address, rule);
  return addresses;
}

/**
 * Refuses these options when no keys are fetched, because they would have no effect.
 *
 * @throws {ConfigurationError}
 */
export function refuseKeyOptions(where: string, options: GivenOptions, beside: string): void {
  const idle = keyNames.find((name) => options[name] !== undefined);
  if (idle === undefined) return;
  throw new ConfigurationError(path(where, idle), `it has no effect together with ${beside}`, 'Leave it out');
}

/** Keys that `load` fetches. `what` names them in the log: `the keys of https://issuer.example`. */
export function remoteKeys(
  what: string,
  load: (context: AuthContext) => Promise<LoadedKeys>,
  options: KeyOptions = {},
): Capability<KeySource> {
  const create = (context: AuthContext): KeySource => {
    const { clock, report, createTimer } = context;
    return new RemoteKeySource({ ...options, what, clock, report, timer: createTimer?.(), load: () => load(context) });
  };
  return { create };
}

/**
 * The keys at a known address, or at the first of several addresses that has them, for `defineProvider`. They are fetched with
 * the first token, refreshed before they are old, and used during an outage for `staleKeysForSeconds`.
 *
 * @throws {ConfigurationError} for an address that is not https, or http on this machine.
 */
export function keysAt(
  address: string | readonly string[],
  options: KeyOptions & { readonly [allowInsecureHttpOffLoopback]?: true } = {},
): Capability<KeySource> {
  const given = Array.isArray(address) ? (address as readonly unknown[]) : [address];
  if (given.length === 0) throw new ConfigurationError('keysAt(address)', 'it is an empty list', 'Write an address');
  const rule = readAddressRule(options as GivenOptions);
  return keysFrom(
    given.map((one) => checkAddress('keysAt(address)', one, rule)),
    options,
  );
}

/** The same for addresses that a preset has checked. */
export function keysFrom(address: string | readonly string[], options?: KeyOptions): Capability<KeySource> {
  const addresses = [address].flat();
  const what = `the keys of ${addresses.join(', ')}`;
  return remoteKeys(what, ({ upstream }) => loadJwksFrom(upstream, addresses), options);
}

/**
 * The keys whose address the issuer's metadata names. The metadata are fetched once, and again after a fetch of the keys
 * has failed.
 */
export function discoveredKeys(issuer: DiscoveredIssuer, options?: KeyOptions): Capability<KeySource> {
  const load = async (context: AuthContext): Promise<LoadedKeys> => {
    const document = issuer.documentOn(context);
    const metadata = await document.find(context.upstream);
    try {
      return await loadJwks(context.upstream, metadata.jwksUri);
    } catch (error) {
      document.forget(metadata);
      throw error;
    }
  };
  return remoteKeys(`the keys of ${issuer.name}`, load, options);
}
