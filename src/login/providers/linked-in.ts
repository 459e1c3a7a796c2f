import { readAddress } from '../../configuration/read-address.js';
import { discoveredIssuer } from '../../issuers/discovered-issuer.js';
import { type LoginProvider, loginProvider } from '../login-provider.js';
import { addScopes, loginAddressRule, type LoginClientOptions, readLoginClient } from './read-login-options.js';
import { readStandardClaims } from './read-standard-claims.js';

/** An app that is registered at LinkedIn, with the product "Sign In with LinkedIn using OpenID Connect". */
export interface LinkedInOptions extends LoginClientOptions {
  /** The issuer, for a stand-in in tests. @defaultValue 'https://www.linkedin.com/oauth' */
  readonly issuer?: string;
}

const preset = 'linkedIn';

/**
 * Signs people in with their LinkedIn account. LinkedIn refuses PKCE for apps with a secret and puts no nonce into its ID tokens, so the
 * state, the cookie of the login and the secret are what binds an answer to a login.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function linkedIn(given: LinkedInOptions): LoginProvider {
  const { options, client } = readLoginClient(preset, given, ['issuer']);
  const issuer = readAddress(preset, options, 'issuer', loginAddressRule) ?? 'https://www.linkedin.com/oauth';
  return loginProvider({
    ...client,
    clientAuthentication: 'client_secret_post',
    metadata: { discovered: discoveredIssuer([issuer], loginAddressRule) },
    scopes: addScopes(preset, options, ['openid', 'email', 'profile']),
    responseMode: 'query',
    pkce: false,
    idToken: { nonce: 'absent-ok', algorithms: ['RS256'] },
    // It answers so for a code that has expired, was used, or is of another app.
    refusedErrors: ['invalid_request'],
    userinfo: {},
    readPerson: (answers) => {
      const person = readStandardClaims(answers);
      const verified = person.emailClaims['email_verified'];
      return { ...person, emailVerified: verified === true || verified === 'true', vouchesForEmail: true };
    },
  });
}
