import { readAddress, requireAddress } from '../../configuration/read-address.js';
import { path, readSwitch, requireText } from '../../configuration/read-options.js';
import { ConfigurationError } from '../../errors/auth-error.js';
import { deepFreeze, type JsonObject } from '../../token/json-object.js';
import { type ClientAuthentication, type LoginProvider, loginProvider } from '../login-provider.js';
import { readClientAuthentication } from './open-id-provider.js';
import { loginAddressRule, type LoginClientOptions, readLoginClient, readScopes } from './read-login-options.js';
import { readStandardClaims } from './read-standard-claims.js';

/** A person, as the app reads the answer of a provider. Values of a wrong type count as absent. */
export interface OAuthIdentity {
  /** The provider's id of the person, which never changes and is never given to another person. */
  readonly subject: string | number;
  readonly email?: string | null;
  /** Whether the provider says that the address was verified. */
  readonly emailVerified?: boolean | null;
  readonly name?: string | null;
  readonly givenName?: string | null;
  readonly familyName?: string | null;
  readonly pictureUrl?: string | null;
}

/** Any OAuth 2 provider with an API that says who has signed in. */
export interface OAuthProviderOptions extends Omit<LoginClientOptions, 'id' | 'clientSecret' | 'scopes'> {
  /**
   * The name of the provider in the addresses of its routes and in the identities of accounts: letters, digits and `-`, at most 64.
   * Accounts are found by it, so do not change it later.
   */
  readonly id: string;
  /** Where the browser is sent to. */
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  /** The address that answers, in JSON, whose access token it is. */
  readonly userinfoEndpoint: string;
  /** Left out, the app is a public client, which PKCE alone protects. */
  readonly clientSecret?: LoginClientOptions['clientSecret'];
  /** How the app proves who it is at the token endpoint. @defaultValue 'client_secret_basic'; 'none' without a secret */
  readonly clientAuthentication?: ClientAuthentication;
  /** All scopes that the app asks for. @defaultValue none */
  readonly scopes?: readonly string[];
  /** Whether PKCE is used, which a provider that does not know it ignores. @defaultValue true */
  readonly pkce?: boolean;
  /** The name by which the provider signs its answers with `iss` (RFC 9207). An answer without it is then refused. */
  readonly issuer?: string;
  /**
   * Whether an address that the provider says is verified is believed: an account that has it is then signed in to. Set it only for a
   * provider that verifies every address.
   *
   * @defaultValue false
   */
  readonly trustEmail?: boolean;
  /** Reads the person out of the answer. An error that it throws is answered with 503. @defaultValue the claims of OpenID Connect */
  readonly toIdentity?: (userinfo: JsonObject) => OAuthIdentity;
}

type ToIdentity = NonNullable<OAuthProviderOptions['toIdentity']>;

const preset = 'oauthProvider';
const ownNames = [
  ...['authorizationEndpoint', 'tokenEndpoint', 'userinfoEndpoint', 'clientAuthentication'],
  ...['pkce', 'issuer', 'trustEmail', 'toIdentity'],
];

/**
 * Signs people in at any OAuth 2 provider. It issues no ID token that could be verified, so the person is the one whom its API names for
 * the access token. For a provider of OpenID Connect, use `openIdProvider`.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function oauthProvider(given: OAuthProviderOptions): LoginProvider {
  const { options, client } = readLoginClient(preset, given, ownNames, 'optional');
  requireText(preset, options, 'id', "Write a name for the addresses of its routes: 'forum'");
  const addressOf = (name: string): string =>
    requireAddress(preset, options, name, loginAddressRule, 'Write the address that the provider documents');
  const issuer = readAddress(preset, options, 'issuer', loginAddressRule);
  const trustEmail = readSwitch(preset, options, 'trustEmail', false);
  const toIdentity = readToIdentity(options['toIdentity']);
  return loginProvider({
    ...client,
    clientAuthentication: readClientAuthentication(preset, options),
    metadata: {
      members: {
        authorization_endpoint: addressOf('authorizationEndpoint'),
        token_endpoint: addressOf('tokenEndpoint'),
        userinfo_endpoint: addressOf('userinfoEndpoint'),
        ...(issuer !== undefined && { issuer, authorization_response_iss_parameter_supported: true }),
      },
    },
    scopes: readScopes(preset, options) ?? [],
    responseMode: 'query',
    pkce: readSwitch(preset, options, 'pkce', true),
    idToken: null,
    userinfo: {},
    readPerson: (answers) => {
      if (toIdentity === null) return { ...readStandardClaims(answers), vouchesForEmail: trustEmail };
      const { subject, emailVerified, ...person } = toIdentity(deepFreeze(answers.userinfo));
      return {
        ...person,
        subject: readSubject(subject),
        emailVerified: emailVerified === true,
        vouchesForEmail: trustEmail,
      };
    },
  });
}

/** Ids of databases are numbers; beyond 2^53 two of them would look alike. */
export function readSubject(subject: unknown): string | null {
  if (typeof subject === 'number') return Number.isSafeInteger(subject) ? String(subject) : null;
  return typeof subject === 'string' ? subject : null;
}

function readToIdentity(value: unknown): ToIdentity | null {
  if (value === undefined) return null;
  if (typeof value === 'function') return value as ToIdentity;
  throw new ConfigurationError(
    path(preset, 'toIdentity'),
    'a function is expected',
    'Write (userinfo) => ({ subject })',
  );
}
