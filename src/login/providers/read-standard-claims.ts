import type { JsonObject } from '../../token/json-object.js';
import { readTextClaim } from '../../user/claim-map.js';
import type { Person, ProviderAnswers } from '../login-provider.js';

/** A person by the standard claims, and the answer that has the address: only there stands what is said about it. */
export interface StandardPerson extends Person {
  readonly email: string | null;
  readonly emailClaims: JsonObject;
}

/** Reads the claims of OpenID Connect Core 1.0 §5.1, from the ID token first. `email_verified` counts when it is `true`. */
export function readStandardClaims({ claims, userinfo }: ProviderAnswers): StandardPerson {
  const read = (name: string): string | null => readTextClaim(claims, name) ?? readTextClaim(userinfo, name);
  const emailClaims = readTextClaim(claims, 'email') === null ? userinfo : claims;
  return {
    subject: read('sub'),
    email: readTextClaim(emailClaims, 'email'),
    emailVerified: emailClaims['email_verified'] === true,
    emailClaims,
    name: read('name'),
    givenName: read('given_name'),
    familyName: read('family_name'),
    pictureUrl: read('picture'),
  };
}
