import type { AddressRule } from '../configuration/address-rule.js';
import { discover, discoveryAddresses, type IssuerMetadata } from '../keys/discovery.js';
import { loadJwks } from '../keys/jwks-loader.js';
import type { LoadedKeys } from '../keys/loaded-keys.js';
import { RemoteKeySource } from '../keys/remote-key-source.js';
import type { Ground, OpenKeys } from './identity-provider.js';

/** Keys that `load` fetches. `what` names them in the log. */
export function remoteKeys(what: string, load: (ground: Ground) => Promise<LoadedKeys>): OpenKeys {
  return (ground) =>
    new RemoteKeySource({ what, load: () => load(ground), clock: ground.clock, report: ground.report });
}

/** The key set at a known address. */
export function keysAt(jwksUri: string): OpenKeys {
  return remoteKeys(`the keys of ${jwksUri}`, ({ upstream }) => loadJwks(upstream, jwksUri));
}

/**
 * The key set whose address the issuer publishes. The address is looked up once and kept while it works:
 * a key fetch that fails has it looked up anew the next time.
 */
export function discoveredKeys(issuers: readonly string[], rule: AddressRule, discoveryUrl?: string): OpenKeys {
  const [issuer = ''] = issuers;
  const addresses = discoveryUrl === undefined ? discoveryAddresses(issuer) : [discoveryUrl];
  return (ground) => {
    let metadata: IssuerMetadata | undefined;
    const load = async ({ upstream }: Ground): Promise<LoadedKeys> => {
      metadata ??= await discover(upstream, { issuers, addresses, rule });
      try {
        return await loadJwks(upstream, metadata.jwksUri);
      } catch (error) {
        metadata = undefined;
        throw error;
      }
    };
    return remoteKeys(`the keys of ${issuer}`, load)(ground);
  };
}
