import { readAddress, requireAddress, type allowInsecureHttpOffLoopback } from '../../configuration/read-address.js';
import { path, readChoice, readOptions, readText, requireText } from '../../configuration/read-options.js';
import { ConfigurationError } from '../../errors/auth-error.js';
import { fromBearer } from '../../request/token-sources.js';
import { acceptAnyAudience } from '../../token/trusted-issuer.js';
import { type IdentityProvider, identityProvider, type OpenKeys } from '../identity-provider.js';
import { propelAuthKeys, type PropelAuthApi } from './propel-auth-keys.js';
import { mapPropelAuthClaims } from './propel-auth-claims.js';
import { propelAuthStatusSource } from './propel-auth-status-source.js';
import { propelAuthProfiles } from './propel-auth-profiles.js';
import { type FetchedKeysOptions, readKeyOptions, refuseKeyOptions } from '../remote-keys.js';
import { readAddressRule, usualTerms } from '../read-terms.js';
import { checkSendableKey } from '../provider-answer.js';
import { readPublicKey } from '../static-keys.js';

/** A PropelAuth project. */
export interface PropelAuthOptions extends Pick<FetchedKeysOptions, 'staleKeysForSeconds'> {
  /** The address of the project's sign-in pages; its origin is the issuer. Scheme and port count. */
  readonly authUrl: string;
  /** The backend integration key, which profiles take as well. It is sent to `apiUrl` and nowhere else. */
  readonly apiKey: string;
  /** The project's public key as PEM. With it nothing is called; when the project's key changes, so must this. */
  readonly verifierKey?: string;
  /** Where PropelAuth's API is. @defaultValue 'https://propelauth-api.com' */
  readonly apiUrl?: string;
  /**
   * How tokens are judged. `'local'`: by their signature. `'hybrid'`: by their signature, and then by asking at every
   * request whether PropelAuth still knows the user, and has them neither blocked nor locked.
   *
   * @defaultValue 'local'; `@VerifyOnline()` has single routes ask
   */
  readonly verify?: 'local' | 'hybrid';
  /** Allows addresses of plain http off this machine, for closed test networks. */
  readonly [allowInsecureHttpOffLoopback]?: true;
}

const names = ['authUrl', 'apiKey', 'verifierKey', 'apiUrl', 'verify', 'staleKeysForSeconds'] as const;
const where = 'propelAuth';
const apiKeyFix = 'It is on the Backend Integration page';
const profileHint = { option: 'propelAuth({ apiKey })', fix: apiKeyFix };
const statusSourceHint = {
  option: where,
  fix: 'It can always be asked',
};

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
  return identityProvider({
    issuers: [
      {
        terms: {
          ...usualTerms,
          issuer: new URL(authUrl).origin,
          audience: acceptAnyAudience,
          algorithms: new Set(['RS256'] as const),
          subjectClaim: 'user_id',
        },
        openKeys:
          verifierKey === undefined
            ? propelAuthKeys(api, readKeyOptions(where, options))
            : readVerifierKey(path(where, 'verifierKey'), verifierKey),
        createStatusSource: propelAuthStatusSource(api),
      },
    ],
    // Never by asking alone: PropelAuth knows users, and says nothing of tokens.
    verification: readChoice(where, options, 'verify', ['local', 'hybrid'], 'local'),
    statusSourceHint,
    claimMap: { provider: 'propel-auth', map: mapPropelAuthClaims },
    tokenSources: [fromBearer()],
    openProfiles: propelAuthProfiles(api),
    profileHint: { get: profileHint, find: profileHint },
    hint: new Map(),
  });
}

function readVerifierKey(option: string, pem: string): OpenKeys {
  const { openKeys, algorithms } = readPublicKey(option, pem);
  if (algorithms.includes('RS256')) return openKeys;
  throw new ConfigurationError(option, 'it is not an RSA key', 'Write the public key of the Backend Integration page');
}
