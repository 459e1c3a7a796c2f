import { createHmac } from 'node:crypto';

import { path, readText } from '../../configuration/read-options.js';
import { ConfigurationError } from '../../errors/auth-error.js';
import { readObjectClaim, readTextClaim } from '../../user/claim-map.js';
import { type LoginProvider, loginProvider, type Person, type ProviderAnswers } from '../login-provider.js';
import { addScopes, type LoginClientOptions, readLoginClient, readOrigin } from './read-login-options.js';

/** An app that is registered at Facebook. */
export interface FacebookOptions extends LoginClientOptions {
  /** The version of the Graph API. Facebook ends each about two years after its release. @defaultValue 'v24.0' */
  readonly apiVersion?: string;
  /** Where the browser is sent to, for a stand-in in tests. @defaultValue 'https://www.facebook.com' */
  readonly dialogUrl?: string;
  /** The address of the Graph API, for a stand-in in tests. @defaultValue 'https://graph.facebook.com' */
  readonly graphUrl?: string;
}

const preset = 'facebook';

/**
 * Signs people in with their Facebook account. Facebook does not say whether it has verified an address, so no account is found by it, and
 * an account that is made for a person has none.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function facebook(given: FacebookOptions): LoginProvider {
  const { options, client } = readLoginClient(preset, given, ['apiVersion', 'dialogUrl', 'graphUrl']);
  const version = readText(preset, options, 'apiVersion') ?? 'v24.0';
  if (!/^v\d{1,3}\.\d{1,2}$/.test(version)) {
    throw new ConfigurationError(path(preset, 'apiVersion'), 'it is not a version of the Graph API', "Write 'v24.0'");
  }
  const dialog = readOrigin(preset, options, 'dialogUrl', 'https://www.facebook.com');
  const graph = readOrigin(preset, options, 'graphUrl', 'https://graph.facebook.com');
  return loginProvider({
    ...client,
    clientAuthentication: 'client_secret_post',
    // The metadata that it publishes lacks the token endpoint.
    metadata: {
      members: {
        authorization_endpoint: `${dialog}/${version}/dialog/oauth`,
        token_endpoint: `${graph}/${version}/oauth/access_token`,
        userinfo_endpoint: `${graph}/${version}/me`,
      },
    },
    scopes: addScopes(preset, options, ['email', 'public_profile']),
    responseMode: 'query',
    pkce: true,
    idToken: null,
    userinfo: {
      parameters: (accessToken, secret) => ({
        // Without it, only id and name are answered.
        fields: 'id,name,first_name,last_name,email,picture.type(large)',
        // A call with a stolen access token alone is refused then, where the app requires the proof.
        appsecret_proof: createHmac('sha256', secret).update(accessToken).digest('hex'),
      }),
    },
    readPerson,
  });
}

function readPerson({ userinfo }: ProviderAnswers): Person {
  const picture = readObjectClaim(readObjectClaim(userinfo, 'picture') ?? {}, 'data') ?? {};
  return {
    subject: readTextClaim(userinfo, 'id'),
    email: readTextClaim(userinfo, 'email'),
    emailVerified: false,
    vouchesForEmail: false,
    name: readTextClaim(userinfo, 'name'),
    givenName: readTextClaim(userinfo, 'first_name'),
    familyName: readTextClaim(userinfo, 'last_name'),
    // A silhouette stands for a person without a picture.
    pictureUrl: picture['is_silhouette'] === true ? null : readTextClaim(picture, 'url'),
  };
}
