/** Schemes of an app's own: to which of them a credential belongs, and how long its proof is reused for one request. */
import { describe, expect, it } from 'vitest';
import { type Authentication, AuthenticationScheme } from '../../../src/authentication/authentication-scheme.js';
import { RequestAuthenticator } from '../../../src/authentication/request-authenticator.js';
import type { Credential } from '../../../src/request/find-credential.js';
import { type RequestView, viewHttpRequest } from '../../../src/request/request-view.js';
import { fromHeader } from '../../../src/request/token-sources.js';
import { createAuthUser } from '../../../src/user/verified-user.js';
import { ManualClock } from '../../support/manual-clock.js';

/** Accepts every text in its header, as a user who is named after the scheme. */
class HeaderScheme extends AuthenticationScheme {
  proven = 0;

  constructor(
    override readonly name: string,
    private readonly header: string,
    private readonly expiresAtMs: number | null = null,
  ) {
    super();
  }

  override find(request: RequestView): Credential | undefined {
    const [text] = request.headers(this.header);
    return text === undefined ? undefined : { text, scheme: 'Bearer', source: fromHeader(this.header) };
  }

  override authenticate(): Authentication {
    this.proven += 1;
    const credential = { kind: this.name, id: null, scheme: 'Bearer' } as const;
    const user = createAuthUser({ id: this.name, issuer: 'test', provider: 'api-key', credential });
    return { user, scheme: 'Bearer', credentialId: null, token: null, expiresAtMs: this.expiresAtMs };
  }

  override challenge(): null {
    return null;
  }
}

const schemes = [new HeaderScheme('first', 'x-first'), new HeaderScheme('second', 'x-second')];
const authenticator = new RequestAuthenticator({ schemes, sources: [], toUser: null, clock: new ManualClock() });

describe('one text that two schemes find', () => {
  it('belongs to the first of them', async () => {
    const view = viewHttpRequest({ headers: { 'x-first': 'secret', 'x-second': 'secret' } });
    expect((await authenticator.authenticate(view)).id).toBe('first');
  });

  it('is proven again by the other one, when the first does not find it any more', async () => {
    const headers: Record<string, string> = { 'x-first': 'secret', 'x-second': 'secret' };
    const view = viewHttpRequest({ headers });
    expect((await authenticator.authenticate(view)).id).toBe('first');
    delete headers['x-first'];
    expect((await authenticator.authenticate(view)).id).toBe('second');
  });
});

describe('a proof of a scheme that does not state how long it holds', () => {
  it.each([
    { what: 'for five seconds', lifetimeMs: null, reusedForMs: 5_000 },
    { what: 'until the credential expires, where that is earlier', lifetimeMs: 2_000, reusedForMs: 2_000 },
  ])('is reused for the same request $what', async ({ lifetimeMs, reusedForMs }) => {
    const clock = new ManualClock();
    const expiresAtMs = lifetimeMs === null ? null : clock.now().getTime() + lifetimeMs;
    const scheme = new HeaderScheme('only', 'x-key', expiresAtMs);
    const alone = new RequestAuthenticator({ schemes: [scheme], sources: [], toUser: null, clock });
    const view = viewHttpRequest({ headers: { 'x-key': 'secret' } });
    await alone.authenticate(view);

    clock.advanceSeconds((reusedForMs - 1) / 1_000);
    await alone.authenticate(view);
    expect(scheme.proven).toBe(1);
    clock.advanceSeconds(1 / 1_000);
    await alone.authenticate(view);
    expect(scheme.proven).toBe(2);
  });
});
