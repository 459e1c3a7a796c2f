import type { allowInsecureHttpOffLoopback } from '../configuration/address-rule.js';
import { type GivenOptions, path, readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import type { Jwk } from '../keys/import-jwk.js';
import { fromBearer } from '../request/from-bearer.js';
import type { acceptAnyAudience } from '../token/trusted-issuer.js';
import { mapStandardClaims } from '../user/standard-claims.js';
import { type IdentityProvider, identityProvider, type OpenKeys } from './identity-provider.js';
import { readAddressRule, readTerms, termNames } from './read-terms.js';
import { keyNames, readJwksUris, readKeyOptions } from './read-key-options.js';
import { keysAt } from './remote-keys.js';
import { readKeySet, readPublicKey, readSecret, type StaticKeys } from './static-keys.js';

/** What all issuers described by hand have. */
interface JwtIssuerTerms {
  /** The exact `iss` of the tokens. A name that nobody calls: it may be any text. A list for several names. */
  readonly issuer: string | readonly string[];
  /** The audiences that this API answers to; a token must name one. `acceptAnyAudience` turns the check off. */
  readonly audience: string | readonly string[] | typeof acceptAnyAudience;
  /** The signature algorithms to accept. Left out, all that go with the kind of key. */
  readonly algorithms?: readonly string[];
  /** The `typ` that a token's header must have. Left out, any type passes. */
  readonly tokenType?: string;
  /**
   * Seconds a token may be past its end or ahead of its start; 0 to 600.
   *
   * @defaultValue 5
   */
  readonly clockToleranceSeconds?: number;
  /** Seconds since `iat` after which a token is refused, whatever its `exp`. */
  readonly maxTokenAgeSeconds?: number;
  /** Allows plain http off this machine, for closed test networks. */
  readonly [allowInsecureHttpOffLoopback]?: true;
}

/** An issuer described by hand, with its keys given in exactly one of four ways. */
export type JwtIssuerOptions = JwtIssuerTerms &
  (
    | {
        /** Where the key set is; a list is tried in order. */
        readonly jwksUri: string | readonly string[];
        /** Seconds past their life for which known keys serve on during an outage. @defaultValue 86400 (a day) */
        readonly staleKeysForSeconds?: number;
        /** A key set to start with, until the address has been asked. */
        readonly initialKeys?: { readonly keys: readonly Jwk[] };
      }
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

const ways = ['jwksUri', 'publicKey', 'jwks', 'secret'] as const;

/**
 * Trusts an issuer that has no discovery: your own, another service, one whose keys you hold.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function jwtIssuer(given: JwtIssuerOptions): IdentityProvider {
  const options = readOptions('jwtIssuer', given, ['issuer', 'audience', ...ways, ...termNames, ...keyNames]);
  const { openKeys, algorithms } = readKeysGiven(options);
  return identityProvider({
    issuers: readTerms('jwtIssuer', options, algorithms).map((terms) => ({ terms, openKeys })),
    claimMap: { provider: 'jwt', map: mapStandardClaims },
    tokenSources: [fromBearer()],
    advice: new Map(),
  });
}

function readKeysGiven(options: GivenOptions): Pick<StaticKeys, 'openKeys'> & Partial<StaticKeys> {
  const given = ways.filter((way) => options[way] !== undefined);
  const [way] = given;
  if (way === undefined || given.length > 1) {
    const problem = way === undefined ? 'there are no keys' : `keys are given in ${given.length} ways`;
    throw new ConfigurationError('jwtIssuer', problem, `Write exactly one of ${ways.join(', ')}`);
  }
  checkKept(way, options);
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

/** How keys are kept is only to say where they are fetched. */
function checkKept(way: (typeof ways)[number], options: GivenOptions): void {
  const idle = way === 'jwksUri' ? undefined : keyNames.find((name) => options[name] !== undefined);
  if (idle !== undefined) {
    throw new ConfigurationError(path('jwtIssuer', idle), `it means nothing beside ${way}`, 'Leave it out');
  }
}

function readRemote(options: GivenOptions): OpenKeys {
  const addresses = readJwksUris('jwtIssuer', options, readAddressRule(options)) ?? [];
  return keysAt(addresses, readKeyOptions('jwtIssuer', options));
}
