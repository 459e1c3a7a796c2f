import { type GivenOptions, path, readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { Jwk } from '../keys/import-jwk.js';
import type { MissingOption } from '../upstream/auth-context.js';
import { defineProvider } from './define-provider.js';
import type { IdentityProvider } from './identity-provider.js';
import {
  keyNames,
  readJwksUris,
  readKeyOptions,
  refuseKeyOptions,
  keysFrom,
  type FetchedKeysOptions,
} from './remote-keys.js';
import { type ProfilesOptions, readProfiles } from './read-profiles.js';
import { readRolesClaim, type RolesClaimOptions, withRoles } from './read-roles-claim.js';
import {
  mapClaimsBy,
  readAddressRule,
  readTerms,
  type SubjectClaimOptions,
  type TermOptions,
  termNames,
} from './read-terms.js';
import { readKeySet, readPublicKey, readSecret, type StaticKeys } from './static-keys.js';

/** The options of all issuers described by `jwtIssuer`. */
interface JwtIssuerTerms extends TermOptions, SubjectClaimOptions, RolesClaimOptions, ProfilesOptions {
  /** The exact `iss` of the tokens, or a list for several names. Any text, because the name itself is never called. */
  readonly issuer: string | readonly string[];
}

/** An issuer without discovery, whose keys are given in exactly one of four ways. */
export type JwtIssuerOptions = JwtIssuerTerms &
  (
    | (FetchedKeysOptions & {
        /**
         * The address of the key set; several addresses are tried in order. Each is trusted in full: while those before it do not
         * answer, whoever serves it decides which keys sign.
         */
        readonly jwksUri: string | readonly string[];
      })
    | {
        /** The one public key: PEM (SPKI or certificate) or JWK. */
        readonly publicKey: string | Jwk;
      }
    | {
        /** A key set that the app has itself. */
        readonly jwks: { readonly keys: readonly Jwk[] };
      }
    | {
        /**
         * The secret that is shared with the issuer, for HS256, HS384 and HS512: a text (its UTF-8 bytes) or
         * bytes, at least as long as the hash. Anyone who has it can sign tokens as well as verify them.
         */
        readonly secret: string | Uint8Array;
      }
  );

const noIntrospection: MissingOption = {
  option: 'jwtIssuer',
  hint: 'An issuer described by jwtIssuer cannot be asked about tokens. Describe it by oidc({ introspection }), or leave @VerifyOnline() out',
};

const ways = ['jwksUri', 'publicKey', 'jwks', 'secret'] as const;

/**
 * Trusts an issuer that has no discovery: your own, another service, or one whose keys your app holds.
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
    'subjectClaim',
  ]);
  const { keys, algorithms, addresses } = readKeysGiven(options);
  const terms = readTerms('jwtIssuer', options, algorithms);
  return defineProvider({
    name: 'jwtIssuer',
    issuers: terms.map((term) => ({
      terms: term,
      keys,
      introspection: { missing: noIntrospection },
      ...(addresses !== undefined && { addresses: { keys: addresses, hasGivenKeys: true } }),
    })),
    claimMap: { provider: 'jwt', map: withRoles(mapClaimsBy(terms), readRolesClaim('jwtIssuer', options)) },
    profiles: readProfiles('jwtIssuer', options),
  });
}

interface GivenKeys extends Pick<StaticKeys, 'keys'>, Partial<Pick<StaticKeys, 'algorithms'>> {
  /** Where they are fetched; `undefined` where the app holds them. */
  readonly addresses?: readonly string[];
}

function readKeysGiven(options: GivenOptions): GivenKeys {
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
      return readRemote(options);
    case 'publicKey':
      return readPublicKey(where, options[way]);
    case 'jwks':
      return readKeySet(where, options[way]);
    case 'secret':
      return readSecret(where, options[way], options['algorithms']);
  }
}

function readRemote(options: GivenOptions): GivenKeys {
  const addresses = readJwksUris('jwtIssuer', options, readAddressRule(options)) ?? [];
  return { keys: keysFrom(addresses, readKeyOptions('jwtIssuer', options)), addresses };
}
