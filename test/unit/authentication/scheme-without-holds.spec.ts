import { describe, expect, it } from 'vitest';
import { RequestAuthenticator } from '../../../src/authentication/request-authenticator.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { KeyScheme } from '../../support/key-scheme.js';
import { ManualClock } from '../../support/manual-clock.js';
import { outcomeOf } from '../../support/outcome.js';

describe('a request that is authenticated again, by a scheme that does not say how long that holds', () => {
  const clock = new ManualClock();
  const scheme = new KeyScheme(clock);
  const authenticator = new RequestAuthenticator({ schemes: [scheme], sources: [], toUser: null, clock });
  const authenticate = async (view: ReturnType<typeof viewHttpRequest>): Promise<string> =>
    outcomeOf(() => authenticator.authenticate(view));

  it('is authenticated once in five seconds', async () => {
    scheme.add('key_1', { id: 'machine' });
    scheme.authenticated = 0;
    const view = viewHttpRequest({ headers: { 'x-api-key': 'key_1' } });
    expect([await authenticate(view), await authenticate(view), scheme.authenticated]).toEqual([
      'accepted',
      'accepted',
      1,
    ]);
    clock.advanceSeconds(5);
    expect([await authenticate(view), scheme.authenticated]).toEqual(['accepted', 2]);
  });

  it('is refused when its credential has expired meanwhile', async () => {
    scheme.add('key_2', { id: 'visitor', expiresAt: new Date(clock.now().getTime() + 2_000) });
    const view = viewHttpRequest({ headers: { 'x-api-key': 'key_2' } });
    expect(await authenticate(view)).toBe('accepted');
    clock.advanceSeconds(2);
    expect(await authenticate(view)).toBe('INVALID_TOKEN expired');
  });
});
