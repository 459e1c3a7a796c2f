import { describe, expect, it } from 'vitest';
import { BearerScheme } from '../../../src/authentication/bearer-scheme.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { fromBearer } from '../../../src/request/token-sources.js';
import { setUpAsking } from '../../support/asking-verifier.js';
import { outcomeOf } from '../../support/outcome.js';

describe('a refresh token in the place of an access token', () => {
  it('is refused before an issuer that accepts opaque tokens is asked, also for @VerifyOnline()', async () => {
    const { verifier, statusSource } = await setUpAsking();
    const source = fromBearer();
    const scheme = new BearerScheme({ sources: [source], verifier, claimMaps: new Map() });
    const view = viewHttpRequest({ headers: { authorization: 'Bearer grt_abc' } });
    const credential = { text: 'grt_abc', scheme: 'Bearer', source };

    expect(await outcomeOf(() => scheme.authenticate(credential, view))).toBe('INVALID_TOKEN type');
    expect(await outcomeOf(() => scheme.authenticateOnline(credential, view))).toBe('INVALID_TOKEN type');
    expect(statusSource.asked).toBe(0);
  });
});
