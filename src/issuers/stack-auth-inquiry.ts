import { RefusalError } from '../errors/refusal-error.js';
import type { OpenInquiry } from './identity-provider.js';
import { StackAuthApi, type StackAuthProject } from './stack-auth-api.js';
import { findBar } from './stack-auth-profiles.js';
import { watchedInquiry } from './watched-inquiry.js';

/** Asks `GET /users/me` with the token itself: the server checks it, and knows the user or does not, any more. */
export function stackAuthInquiry(project: StackAuthProject): OpenInquiry {
  return (ground) => {
    const api = new StackAuthApi(ground.providerClient(project.baseUrl), project);
    const ask = async (token: string): Promise<{ readonly sub: string }> => {
      const me = await api.me(token);
      if (me === null) throw RefusalError.token('revoked', 'Stack Auth knows no user of it any more');
      const bar = findBar(me, project);
      if (bar !== undefined) throw RefusalError.token('revoked', bar);
      return { sub: me.id };
    };
    return watchedInquiry(ground, project.baseUrl, { judgesOpaqueTokens: false, ask });
  };
}
