import { readAddress, requireAddress, type allowInsecureHttpOffLoopback } from '../../configuration/read-address.js';
import { path, readChoice, readOptions, readSwitch, readText, requireText } from '../../configuration/read-options.js';
import { ConfigurationError } from '../../errors/auth-error.js';
import { acceptAnyAudience } from '../../token/trusted-issuer.js';
import type { KeySource } from '../../keys/key-source.js';
import type { Capability } from '../../upstream/auth-context.js';
import { defineProvider } from '../define-provider.js';
import type { IdentityProvider } from '../identity-provider.js';
import { propelAuthApiKeys } from './propel-auth-api-keys.js';
import { propelAuthKeys, type PropelAuthApi } from './propel-auth-keys.js';
import { mapPropelAuthClaims } from './propel-auth-claims.js';
import { propelAuthStatusSource } from './propel-auth-status-source.js';
import { propelAuthProfiles } from './propel-auth-profiles.js';
import { type FetchedKeysOptions, readKeyOptions, refuseKeyOptions } from '../remote-keys.js';
import { readAddressRule } from '../read-terms.js';
import { checkSendableKey } from '../provider-answer.js';
import { readPublicKey } from '../static-keys.js';

/** A PropelAuth project. */
export interface PropelAuthOptions extends Pick<FetchedKeysOptions, 'staleKeysForSeconds'> {
  /** The address of the project's sign-in pages. Its origin, with scheme and port, is the issuer. */
  readonly authUrl: string;
  /** The backend integration key, with which keys and profiles are fetched. It is only sent to `apiUrl`. */
  readonly apiKey: string;
  /** The project's public key as PEM, so that it is not fetched. It has to be replaced when the project's key changes. */
  readonly verifierKey?: string;
  /** The address of PropelAuth's API. @defaultValue 'https://propelauth-api.com' */
  readonly apiUrl?: string;
  /**
   * How tokens are verified. `'local'`: by their signature. `'hybrid'`: by their signature, and then by asking PropelAuth
   * at every request whether the user still exists and is neither blocked nor locked.
   *
   * @defaultValue 'local'; with `@VerifyOnline()` single routes ask
   */
  readonly verify?: 'local' | 'hybrid';
  /**
   * Accepts the API keys that PropelAuth issues to users and organizations, wherever access tokens are read. They have no form of
   * their own, so every text that is no JWT is taken for one. PropelAuth is asked about a key; its answer is used for 30 seconds.
   *
   * @defaultValue false
   */
  readonly apiKeys?: boolean;
  /** Allows addresses of plain http off this machine, for closed test networks. */
  readonly [allowInsecureHttpOffLoopback]?: true;
}

const names = ['authUrl', 'apiKey', 'verifierKey', 'apiUrl', 'verify', 'apiKeys', 'staleKeysForSeconds'] as const;
const where = 'propelAuth';
const apiKeyFix = 'It is on the Backend Integration page';

/**
 * Trusts a PropelAuth project. Its tokens have no audience: whatever was issued by the project is accepted.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function propelAuth(given: PropelAuthOptions): IdentityProvider {
  const options = readOptions(where, given, names);
  const rule = readAddressRule(options);
  const authUrl = requireAddress(where, options, 'authUrl', rule, 'It is on the Backend Integration page');
  const apiKey = checkSendableKey(path(where, 'apiKey'), requireText(where, options, 'apiKey', apiKeyFix));
  const apiUrl = readAddress(where, options, 'apiUrl', rule) ?? 'https://propelauth-api.com';
  const api: PropelAuthApi = { apiUrl, authHost: new URL(authUrl).hostname, apiKey };
  const verifierKey = readText(where, options, 'verifierKey');
  if (verifierKey !== undefined) refuseKeyOptions(where, options, 'verifierKey');
  return defineProvider({
    name: where,
    issuers: [
      {
        terms: {
          issuer: new URL(authUrl).origin,
          audience: acceptAnyAudience,
          algorithms: new Set(['RS256'] as const),
          subjectClaim: 'user_id',
        },
        keys:
          verifierKey === undefined
            ? propelAuthKeys(api, readKeyOptions(where, options))
            : readVerifierKey(path(where, 'verifierKey'), verifierKey),
        introspection: propelAuthStatusSource(api),
        insteadOfAudience: 'authUrl',
      },
    ],
    // Never 'online': PropelAuth is asked about the user, and says nothing about the token.
    verification: readChoice(where, options, 'verify', ['local', 'hybrid'], 'local'),
    claimMap: { provider: 'propel-auth', map: mapPropelAuthClaims },
    profiles: propelAuthProfiles(api),
    ...(readSwitch(where, options, 'apiKeys', false) && { apiKeys: propelAuthApiKeys(api) }),
  });
}

function readVerifierKey(option: string, pem: string): Capability<KeySource> {
  const { keys, algorithms } = readPublicKey(option, pem);
  if (algorithms.includes('RS256')) return keys;
  throw new ConfigurationError(option, 'it is not an RSA key', 'Write the public key of the Backend Integration page');
}
