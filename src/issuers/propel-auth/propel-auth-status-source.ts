import { RefusalError } from '../../errors/auth-error.js';
import type { JsonObject } from '../../token/json-object.js';
import type { TokenStatusSource } from '../../token/trusted-issuer.js';
import type { Capability } from '../../upstream/auth-context.js';
import { readTextClaim } from '../../user/claim-map.js';
import type { PropelAuthApi } from './propel-auth-keys.js';
import { findDisabledReason, findUser } from './propel-auth-profiles.js';
import { observedStatusSource } from '../observed-status-source.js';

/**
 * Asks for the user that a token names. PropelAuth says nothing about the token itself, so only a token whose signature
 * was verified may be asked about.
 */
export function propelAuthStatusSource(api: PropelAuthApi): Capability<TokenStatusSource> {
  return {
    create: (context) => {
      const client = context.providerClient(api.apiUrl);
      const ask = async (_token: string, claims: JsonObject | null): Promise<null> => {
        const user = await findUser(client, api, readTextClaim(claims ?? {}, 'user_id') ?? '');
        if (user === null) throw RefusalError.token('revoked', 'PropelAuth no longer has a user for it');
        const disabledReason = findDisabledReason({ raw: user.raw ?? {} });
        if (disabledReason !== undefined) throw RefusalError.token('revoked', disabledReason);
        return null;
      };
      return observedStatusSource(context, api.authHost, { acceptsOpaqueTokens: false, ask });
    },
  };
}
