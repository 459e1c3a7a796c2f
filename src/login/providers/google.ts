import { readAddress } from '../../configuration/read-address.js';
import { discoveredIssuer } from '../../issuers/discovered-issuer.js';
import { readTextClaim } from '../../user/claim-map.js';
import { type LoginProvider, loginProvider, type Person, type ProviderAnswers } from '../login-provider.js';
import { addScopes, loginAddressRule, type LoginClientOptions, readLoginClient } from './read-login-options.js';
import { readStandardClaims } from './read-standard-claims.js';

/** An app that is registered at Google. */
export interface GoogleOptions extends LoginClientOptions {
  /** The issuer, for a stand-in in tests. @defaultValue 'https://accounts.google.com' */
  readonly issuer?: string;
}

const preset = 'google';
const usualIssuer = 'https://accounts.google.com';
/** In ID tokens of older registrations. */
const oldIssuer = 'accounts.google.com';

/**
 * Signs people in with their Google account. An address counts as verified for linking when it is of gmail.com or of a Workspace domain
 * (`hd`): the owner of any other domain may have changed since Google verified it.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function google(given: GoogleOptions): LoginProvider {
  const { options, client } = readLoginClient(preset, given, ['issuer']);
  const issuer = readAddress(preset, options, 'issuer', loginAddressRule) ?? usualIssuer;
  const isOld = (name: unknown): boolean => issuer === usualIssuer && name === oldIssuer;
  return loginProvider({
    ...client,
    clientAuthentication: null,
    metadata: { discovered: discoveredIssuer([issuer], loginAddressRule) },
    isIssuer: (name) => name === issuer || isOld(name),
    scopes: addScopes(preset, options, ['openid', 'email', 'profile']),
    responseMode: 'query',
    pkce: true,
    idToken: {
      nonce: 'require',
      algorithms: ['RS256'],
      issuerOf: ({ iss }) => (isOld(iss) ? oldIssuer : issuer),
    },
    userinfo: {},
    readPerson,
  });
}

function readPerson(answers: ProviderAnswers): Person {
  const person = readStandardClaims(answers);
  const isGmail = person.email?.toLowerCase().endsWith('@gmail.com') ?? false;
  return { ...person, vouchesForEmail: isGmail || readTextClaim(person.emailClaims, 'hd') !== null };
}
