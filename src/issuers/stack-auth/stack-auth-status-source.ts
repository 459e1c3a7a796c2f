import { RefusalError } from '../../errors/refusal-error.js';
import type { CreateStatusSource } from '../identity-provider.js';
import { StackAuthApi, type StackAuthProject } from './stack-auth-api.js';
import { findDisabledReason } from './stack-auth-profiles.js';
import { observedStatusSource } from '../observed-status-source.js';

/** Asks `GET /users/me` with the token itself: the server checks it, and knows the user or does not, any more. */
export function stackAuthStatusSource(project: StackAuthProject): CreateStatusSource {
  return (context) => {
    const api = new StackAuthApi(context.providerClient(project.baseUrl), project);
    const ask = async (token: string): Promise<{ readonly sub: string }> => {
      const me = await api.me(token);
      if (me === null) throw RefusalError.token('revoked', 'Stack Auth knows no user of it any more');
      const bar = findDisabledReason(me, project);
      if (bar !== undefined) throw RefusalError.token('revoked', bar);
      return { sub: me.id };
    };
    return observedStatusSource(context, project.baseUrl, { acceptsOpaqueTokens: false, ask });
  };
}
