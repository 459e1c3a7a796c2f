import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { oidc } from '../../../src/issuers/oidc.js';
import { startServer } from '../../support/answering-server.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { outcomeOf } from '../../support/outcome.js';

interface Plan {
  /** How long the issuer takes for an answer. */
  readonly delayMs?: number;
  /** The status for tokens that it does not know. */
  readonly junkStatus?: number;
  readonly timeoutMs?: number;
}

/** An issuer that knows the opaque tokens that begin with `good`. */
async function setUp({ delayMs = 0, junkStatus = 200, timeoutMs = 5_000 }: Plan = {}) {
  const clock = new ManualClock();
  const exp = clock.now().getTime() / 1_000 + 3_600;
  const server = await startServer((request, response) => {
    void text(request).then((body) => {
      const isGood = body.startsWith('token=good');
      const status = isGood ? 200 : junkStatus;
      const answer = isGood ? { active: true, sub: 'alice', aud: 'api', exp, token_type: 'Bearer' } : { active: false };
      setTimeout(() => {
        response
          .writeHead(status, { 'content-type': 'application/json', 'retry-after': '60' })
          .end(JSON.stringify(answer));
      }, delayMs);
    });
  });
  const introspection = { clientId: 'api', clientSecret: 'secret', endpoint: `${server.url}/introspect` };
  const { verifier } = openVerifier(oidc({ issuer: server.url, audience: 'api', introspection }), { clock, timeoutMs });
  const judge = (token: string, network: string): Promise<string> =>
    outcomeOf(async () => verifier.verifyUncached(token, () => network));
  return { clock, server, judge };
}

describe('invented tokens of a stranger', () => {
  it('do not stop the calls to an issuer that is slow, and a user gets an answer meanwhile', async () => {
    const { judge } = await setUp({ delayMs: 100, timeoutMs: 15_000 });
    const flood = Array.from({ length: 1_500 }, (_, at) => judge(`junk${at}`, 'the stranger'));
    expect(await judge('good1', 'a user')).toBe('accepted');
    const outcomes = new Set(await Promise.all(flood));
    expect(outcomes).toEqual(new Set(['INVALID_TOKEN revoked', 'SERVER_ERROR']));
    expect(await judge('good2', 'another user')).toBe('accepted');
  }, 30_000);

  it('for which the issuer asks for a pause do not pause the calls about tokens that are known', async () => {
    const { clock, server, judge } = await setUp({ junkStatus: 429 });
    expect(await judge('good1', 'a user')).toBe('accepted');
    expect(await judge('junk', 'the stranger')).toBe('SERVER_ERROR');
    const asked = server.requests.length;
    expect(await judge('junk2', 'the stranger')).toBe('SERVER_ERROR');
    expect(await judge('good2', 'another user')).toBe('SERVER_ERROR');
    expect(server.requests).toHaveLength(asked);
    expect(await judge('good1', 'a user')).toBe('accepted');
    clock.advanceSeconds(61);
    expect(await judge('good2', 'another user')).toBe('accepted');
  });
});
