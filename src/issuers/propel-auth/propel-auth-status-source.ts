import { RefusalError } from '../../errors/auth-error.js';
import type { JsonObject } from '../../token/json-object.js';
import { readTextClaim } from '../../user/claim-map.js';
import type { CreateStatusSource } from '../identity-provider.js';
import type { PropelAuthApi } from './propel-auth-keys.js';
import { findDisabledReason, findUser } from './propel-auth-profiles.js';
import { observedStatusSource } from '../observed-status-source.js';

/**
 * Asks about the user whom a token names: PropelAuth says nothing of the token itself, so that only one whose
 * signature has been checked is worth asking about.
 */
export function propelAuthStatusSource(api: PropelAuthApi): CreateStatusSource {
  return (context) => {
    const client = context.providerClient(api.apiUrl);
    const ask = async (_token: string, claims: JsonObject | null): Promise<null> => {
      const user = await findUser(client, api, readTextClaim(claims ?? {}, 'user_id') ?? '');
      if (user === null) throw RefusalError.token('revoked', 'PropelAuth knows no user of it any more');
      const bar = findDisabledReason({ raw: user.raw ?? {} });
      if (bar !== undefined) throw RefusalError.token('revoked', bar);
      return null;
    };
    return observedStatusSource(context, api.authHost, { acceptsOpaqueTokens: false, ask });
  };
}
