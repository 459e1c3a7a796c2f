import { fromBearer } from '../request/from-bearer.js';
import type { ClaimMap } from '../user/claim-map.js';
import { type IdentityProvider, identityProvider } from './identity-provider.js';

/** What differs between the presets for issuers of OpenID Connect and OAuth 2. */
export interface OpenIdForm extends Omit<IdentityProvider, 'claimMap' | 'tokenSources' | 'hint'> {
  readonly map: ClaimMap['map'];
  readonly hint?: IdentityProvider['hint'];
}

/** Fills in the form for issuers of OpenID Connect and OAuth 2: whichever product it is, they are used alike. */
export function openIdForm({ map, hint, ...form }: OpenIdForm): IdentityProvider {
  return identityProvider({
    ...form,
    claimMap: { provider: 'oidc', map },
    tokenSources: [fromBearer()],
    hint: hint ?? new Map(),
  });
}
