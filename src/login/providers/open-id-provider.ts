import { readAddress, requireAddress } from '../../configuration/read-address.js';
import { type GivenOptions, path, readChoice, readSwitch, requireText } from '../../configuration/read-options.js';
import { ConfigurationError } from '../../errors/auth-error.js';
import { discoveredIssuer } from '../../issuers/discovered-issuer.js';
import { readSharedTerms } from '../../issuers/read-terms.js';
import { publicKeyAlgorithms } from '../../keys/algorithm.js';
import {
  type ClientAuthentication,
  clientAuthentications,
  type LoginProvider,
  loginProvider,
} from '../login-provider.js';
import { loginAddressRule, type LoginClientOptions, readLoginClient, readScopes } from './read-login-options.js';
import { readStandardClaims } from './read-standard-claims.js';

/** Any OpenID provider that publishes its metadata. */
export interface OpenIdProviderOptions extends Omit<LoginClientOptions, 'id' | 'clientSecret' | 'scopes'> {
  /**
   * The name of the provider in the addresses of its routes and in the identities of accounts: letters, digits and `-`, at most 64.
   * Accounts are found by it, so do not change it later.
   */
  readonly id: string;
  /** The exact issuer, as its metadata and its ID tokens have it. */
  readonly issuer: string;
  /** Left out, the app is a public client, which PKCE alone protects. */
  readonly clientSecret?: LoginClientOptions['clientSecret'];
  /**
   * All scopes that the app asks for; `openid` is always one of them.
   *
   * @defaultValue ['openid', 'email', 'profile']
   */
  readonly scopes?: readonly string[];
  /**
   * The address of the metadata, when it is not below the issuer's name.
   *
   * @defaultValue `/.well-known/openid-configuration` under the issuer, then RFC 8414's place
   */
  readonly discoveryUrl?: string;
  /** How the app proves who it is at the token endpoint. @defaultValue what the metadata states, Basic first */
  readonly clientAuthentication?: ClientAuthentication;
  /** The signature algorithms of ID tokens. @defaultValue every RS, PS, ES algorithm and EdDSA */
  readonly algorithms?: readonly string[];
  /**
   * Whether an address that the provider says is verified is believed: an account that has it is then signed in to. Set it only for a
   * provider that verifies every address, and whose accounts no other party administrates.
   *
   * @defaultValue false
   */
  readonly trustEmail?: boolean;
  /** `'form_post'`: the provider's page sends the answer as a form, as Apple requires it for name and address. @defaultValue 'query' */
  readonly responseMode?: 'query' | 'form_post';
}

const preset = 'openIdProvider';
const ownNames = ['issuer', 'discoveryUrl', 'clientAuthentication', 'algorithms', 'trustEmail', 'responseMode'];

/**
 * Signs people in at any OpenID provider, with code, PKCE and nonce. Its metadata are fetched with the first login.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function openIdProvider(given: OpenIdProviderOptions): LoginProvider {
  const { options, client } = readLoginClient(preset, given, ownNames, 'optional');
  requireText(preset, options, 'id', "Write a name for the addresses of its routes: 'corp'");
  const issuer = requireAddress(preset, options, 'issuer', loginAddressRule, 'Write the issuer of the provider');
  const discoveryUrl = readAddress(preset, options, 'discoveryUrl', loginAddressRule);
  const trustEmail = readSwitch(preset, options, 'trustEmail', false);
  const { algorithms } = readSharedTerms(preset, options, publicKeyAlgorithms);
  return loginProvider({
    ...client,
    clientAuthentication: readClientAuthentication(preset, options),
    metadata: { discovered: discoveredIssuer([issuer], loginAddressRule, discoveryUrl) },
    scopes: [...new Set(['openid', ...(readScopes(preset, options) ?? ['email', 'profile'])])],
    responseMode: readChoice(preset, options, 'responseMode', ['query', 'form_post'], 'query'),
    pkce: true,
    idToken: { nonce: 'require', algorithms: [...algorithms] },
    userinfo: {},
    readPerson: (answers) => ({ ...readStandardClaims(answers), vouchesForEmail: trustEmail }),
  });
}

/** Reads how a client authenticates; `null` when the option was left out. */
export function readClientAuthentication(where: string, options: GivenOptions): ClientAuthentication | null {
  if (options['clientAuthentication'] === undefined) return null;
  const chosen = readChoice(where, options, 'clientAuthentication', clientAuthentications, 'none');
  if ((chosen === 'none') === (options['clientSecret'] === undefined)) return chosen;
  const problem = chosen === 'none' ? 'clientSecret has no effect then' : 'it needs clientSecret';
  throw new ConfigurationError(path(where, 'clientAuthentication'), problem, 'Change one of the two');
}
