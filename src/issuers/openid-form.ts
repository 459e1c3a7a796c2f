import { fromBearer } from '../request/from-bearer.js';
import type { ClaimMap } from '../user/claim-map.js';
import { type IdentityProvider, identityProvider } from './identity-provider.js';

/** What differs between the presets for issuers of OpenID Connect and OAuth 2. */
export interface OpenIdForm extends Omit<IdentityProvider, 'claimMap' | 'tokenSources' | 'advice'> {
  readonly map: ClaimMap['map'];
  readonly advice?: IdentityProvider['advice'];
}

/** Fills in the form for issuers of OpenID Connect and OAuth 2: whichever product it is, they are used alike. */
export function openIdForm({ map, advice, ...form }: OpenIdForm): IdentityProvider {
  return identityProvider({
    ...form,
    claimMap: { provider: 'oidc', map },
    tokenSources: [fromBearer()],
    advice: advice ?? new Map(),
  });
}
