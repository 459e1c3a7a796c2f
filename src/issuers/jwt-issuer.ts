import { type GivenOptions, path, readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { Jwk } from '../keys/import-jwk.js';
import { fromBearer } from '../request/token-sources.js';
import { mapStandardClaims } from '../user/claim-map.js';
import { type IdentityProvider, identityProvider, type OpenKeys } from './identity-provider.js';
import {
  keyNames,
  readJwksUris,
  readKeyOptions,
  refuseKeyOptions,
  keysAt,
  type FetchedKeysOptions,
} from './remote-keys.js';
import { profileHintFor, type ProfilesOptions, readProfiles } from './read-profiles.js';
import { readRolesClaim, type RolesClaimOptions, withRoles } from './read-roles-claim.js';
import { readAddressRule, readTerms, type TermOptions, termNames } from './read-terms.js';
import { readKeySet, readPublicKey, readSecret, type StaticKeys } from './static-keys.js';

/** What all issuers described by hand have. */
interface JwtIssuerTerms extends TermOptions, RolesClaimOptions, ProfilesOptions {
  /** The exact `iss` of the tokens. A name that anonymousCaller calls: it may be any text. A list for several names. */
  readonly issuer: string | readonly string[];
}

/** An issuer described by hand, with its keys given in exactly one of four ways. */
export type JwtIssuerOptions = JwtIssuerTerms &
  (
    | (FetchedKeysOptions & {
        /** Where the key set is; a list is tried in order. */
        readonly jwksUri: string | readonly string[];
      })
    | {
        /** The one public key: PEM (SPKI or certificate) or JWK. */
        readonly publicKey: string | Jwk;
      }
    | {
        /** A key set that is at hand. */
        readonly jwks: { readonly keys: readonly Jwk[] };
      }
    | {
        /**
         * The secret that is shared with the issuer, for HS256, HS384 and HS512: a text (its UTF-8 bytes) or
         * bytes, at least as long as the hash. Whoever has it can sign tokens as well as verify them.
         */
        readonly secret: string | Uint8Array;
      }
  );

const statusSourceHint = {
  option: 'jwtIssuer',
  fix: 'An issuer described by hand is asked nothing. Describe it by oidc({ introspection }), or leave @VerifyOnline() out',
};

const ways = ['jwksUri', 'publicKey', 'jwks', 'secret'] as const;

/**
 * Trusts an issuer that has no discovery: your own, another service, one whose keys you hold.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function jwtIssuer(given: JwtIssuerOptions): IdentityProvider {
  const options = readOptions('jwtIssuer', given, [
    'issuer',
    'audience',
    'profiles',
    ...ways,
    ...termNames,
    ...keyNames,
    'rolesClaim',
  ]);
  const { openKeys, algorithms } = readKeysGiven(options);
  return identityProvider({
    issuers: readTerms('jwtIssuer', options, algorithms).map((terms) => ({
      terms,
      openKeys,
      createStatusSource: null,
    })),
    verification: 'local',
    statusSourceHint,
    claimMap: { provider: 'jwt', map: withRoles(mapStandardClaims, readRolesClaim('jwtIssuer', options)) },
    tokenSources: [fromBearer()],
    openProfiles: readProfiles('jwtIssuer', options),
    profileHint: profileHintFor('jwtIssuer'),
    hint: new Map(),
  });
}

function readKeysGiven(options: GivenOptions): Pick<StaticKeys, 'openKeys'> & Partial<StaticKeys> {
  const given = ways.filter((way) => options[way] !== undefined);
  const [way] = given;
  if (way === undefined || given.length > 1) {
    const problem = way === undefined ? 'there are no keys' : `keys are given in ${given.length} ways`;
    throw new ConfigurationError('jwtIssuer', problem, `Write exactly one of ${ways.join(', ')}`);
  }
  if (way !== 'jwksUri') refuseKeyOptions('jwtIssuer', options, way);
  const where = path('jwtIssuer', way);
  switch (way) {
    case 'jwksUri':
      return { openKeys: readRemote(options) };
    case 'publicKey':
      return readPublicKey(where, options[way]);
    case 'jwks':
      return readKeySet(where, options[way]);
    case 'secret':
      return readSecret(where, options[way]);
  }
}

function readRemote(options: GivenOptions): OpenKeys {
  const addresses = readJwksUris('jwtIssuer', options, readAddressRule(options)) ?? [];
  return keysAt(addresses, readKeyOptions('jwtIssuer', options));
}
