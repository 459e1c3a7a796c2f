import { loadJwks, loadJwksFrom } from '../keys/jwks-loader.js';
import type { LoadedKeys } from '../keys/loaded-keys.js';
import { RemoteKeySource } from '../keys/remote-key-source.js';
import type { DiscoveredIssuer } from './discovered-issuer.js';
import type { AuthContext, OpenKeys } from './identity-provider.js';
import type { KeyOptions } from './read-key-options.js';

/** Keys that `load` fetches. `what` names them in the log. */
export function remoteKeys(
  what: string,
  load: (context: AuthContext) => Promise<LoadedKeys>,
  options: KeyOptions = {},
): OpenKeys {
  return (context) => {
    const { clock, report, createTimer } = context;
    return new RemoteKeySource({ ...options, what, clock, report, timer: createTimer?.(), load: () => load(context) });
  };
}

/** The key set at a known address, or at the first of several that gives it. */
export function keysAt(address: string | readonly string[], options?: KeyOptions): OpenKeys {
  const addresses = [address].flat();
  const what = `the keys of ${addresses.join(', ')}`;
  return remoteKeys(what, ({ upstream }) => loadJwksFrom(upstream, addresses), options);
}

/**
 * The key set whose address the issuer publishes. The address is looked up once and kept while it works:
 * a key fetch that fails has it looked up anew the next time.
 */
export function discoveredKeys(issuer: DiscoveredIssuer, options?: KeyOptions): OpenKeys {
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
