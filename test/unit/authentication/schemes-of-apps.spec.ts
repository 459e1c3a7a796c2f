import { describe, expect, it } from 'vitest';
import { type Authentication, AuthenticationScheme } from '../../../src/authentication/authentication-scheme.js';
import { RequestAuthenticator } from '../../../src/authentication/request-authenticator.js';
import type { Credential } from '../../../src/request/find-credential.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import type { TokenSource } from '../../../src/request/token-sources.js';
import { ManualClock } from '../../support/manual-clock.js';
import { someUser } from '../../support/some-user.js';

describe("an authentication scheme of the app's own", () => {
  const source: TokenSource = { place: 'x-key', read: () => [] };

  class OddScheme extends AuthenticationScheme {
    override readonly name = 'odd';

    constructor(private readonly given: unknown) {
      super();
    }

    override find(): Credential {
      return { text: 'a', scheme: 'Odd', source };
    }

    override authenticate(): Authentication {
      return this.given as Authentication;
    }

    override authenticateOnline(): Authentication {
      return this.given as Authentication;
    }

    override challenge(): null {
      return null;
    }
  }

  const withUser = (user: unknown): object => ({
    user,
    scheme: 'Odd',
    credentialId: null,
    token: null,
    expiresAtMs: null,
  });

  it.each<[string, unknown]>([
    ['null as the user', withUser(null)],
    ['a promise of null as the user', Promise.resolve(withUser(null))],
    ['no user', {}],
    ['nothing', undefined],
    ['a promise of nothing', Promise.resolve(undefined)],
    ['null', null],
    ['a text as the user', withUser('alice')],
  ])('lets nobody pass when it gives %s', async (_, given) => {
    const authenticator = new RequestAuthenticator({
      schemes: [new OddScheme(given)],
      sources: [],
      // Makes a user of anything, so that nothing behind the authentication would notice.
      toUser: () => ({ id: 'somebody' }),
      clock: new ManualClock(),
    });
    const view = viewHttpRequest({});
    for (const ask of ['authenticate', 'authenticate', 'authenticateOnline'] as const) {
      await expect((async () => authenticator[ask](view))()).rejects.toThrow(TypeError);
    }
  });

  it('may give a promise that is one only by its "then"', async () => {
    const user = someUser({ id: 'alice' });
    // As a query builder: it starts when it is awaited, and gives nothing back.
    const thenable = {
      then: (resolve: (value: object) => void): void => {
        resolve(withUser(user));
      },
    };
    const authenticator = new RequestAuthenticator({
      schemes: [new OddScheme(thenable)],
      sources: [],
      toUser: null,
      clock: new ManualClock(),
    });
    expect(await authenticator.authenticate(viewHttpRequest({}))).toBe(user);
  });
});
