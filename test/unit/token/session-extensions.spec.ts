import { describe, expect, it } from 'vitest';
import { AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import { IssuerRegistry } from '../../../src/token/issuer-registry.js';
import { SessionExtensions } from '../../../src/token/session-extensions.js';
import type { SessionStatusSource } from '../../../src/token/trusted-issuer.js';
import { toVerifiedToken } from '../../../src/token/verified-token.js';
import { StaticKeySource } from '../../../src/keys/key-source.js';
import { IndexedKeySet, type KeySet } from '../../../src/keys/key-set.js';
import { readKeys } from '../../../src/keys/jwks-loader.js';
import { TokenVerifier } from '../../../src/token/token-verifier.js';
import { VerifiedTokenCache } from '../../../src/token/verified-token-cache.js';
import { issuerTerms, localIssuer } from '../../support/issuer-terms.js';
import { ManualClock } from '../../support/manual-clock.js';
import { startIssuer } from '../../support/started-issuer.js';

const issuer = 'https://issuer.example';
const token = toVerifiedToken(issuer, { alg: 'ES256' }, { iss: issuer, sub: 'alice', sid: 's1', exp: 0 });

function setUp(stillActive: SessionStatusSource['stillActive'] | null, check: () => void = () => undefined) {
  const clock = new ManualClock();
  const trusted = localIssuer(issuerTerms({ issuer }), new StaticKeySource(new IndexedKeySet([])));
  const extensions = new SessionExtensions({
    issuers: new IssuerRegistry([{ ...trusted, sessions: stillActive && { stillActive } }]),
    clock,
    statusCheck: { version: 0, check },
  });
  return { clock, extend: async () => extensions.extend(token) };
}

describe('the session of an expired token', () => {
  it('ends with the token where the issuer does not know sessions', async () => {
    expect(await setUp(null).extend()).toBeNull();
  });

  it('is asked for again when the answer is over, and once for all that ask meanwhile', async () => {
    let asked = 0;
    const { clock, extend } = setUp(async ({ claims }) => {
      asked += claims['sid'] === 's1' ? 1 : 100;
      return new Date(clock.now().getTime() + 120_000);
    });
    const until = new Date(clock.now().getTime() + 120_000);
    expect(await Promise.all([extend(), extend(), extend()])).toEqual([until, until, until]);
    clock.advanceSeconds(119);
    expect(await extend()).toEqual(until);
    expect(asked).toBe(1);
    clock.advanceSeconds(1);
    expect(await extend()).toEqual(new Date(until.getTime() + 120_000));
    expect(asked).toBe(2);
  });

  it('is asked for again after it had ended, and after a failure', async () => {
    const answers = [null, new AuthUnavailableError('It does not answer', 1), new Date('2030-01-01')];
    const { extend } = setUp(async () => {
      const answer = answers.shift() ?? null;
      if (answer instanceof Error) throw answer;
      return answer;
    });
    expect(await extend()).toBeNull();
    await expect(extend()).rejects.toThrow(AuthUnavailableError);
    expect(await extend()).toEqual(new Date('2030-01-01'));
  });

  it('is refused when the token is revoked, although the answer is not over', async () => {
    let revoked = false;
    const { extend } = setUp(
      () => new Date('2030-01-01'),
      () => {
        if (revoked) throw RefusalError.token('revoked', 'Its session has ended');
      },
    );
    expect(await extend()).toEqual(new Date('2030-01-01'));
    revoked = true;
    await expect(extend()).rejects.toThrow(RefusalError);
  });
});

/** Keys that a test removes and restores. `newer` is what the issuer publishes, where there are no current ones. */
class ChangingKeys extends StaticKeySource {
  held: KeySet | null;
  newer: KeySet | Error;

  constructor(keys: KeySet) {
    super(keys);
    this.held = keys;
    this.newer = keys;
  }

  override current(): KeySet {
    return this.held as KeySet;
  }

  override async obtain(): Promise<KeySet> {
    if (this.newer instanceof Error) throw this.newer;
    return this.newer;
  }
}

const noKeys = new IndexedKeySet([]);

async function setUpVerified(verification: 'local' | 'hybrid') {
  const clock = new ManualClock();
  const issuing = await startIssuer({ clock });
  const published = (): KeySet => new IndexedKeySet(readKeys(issuing.jwks.keys));
  const keys = new ChangingKeys(published());
  const terms = issuerTerms({ issuer: issuing.url, algorithms: new Set(['ES256']) });
  const until = new Date('2030-01-01');
  const verifier = new TokenVerifier({
    issuers: new IssuerRegistry([
      {
        ...localIssuer(terms, keys),
        verification,
        statusSource: { acceptsOpaqueTokens: false, ask: async () => ({ active: true }) },
        sessions: { stillActive: () => until },
      },
    ]),
    clock,
    cache: new VerifiedTokenCache(10, clock),
    claimsCheck: null,
  });
  const verified = await verifier.verify(await issuing.token({ sub: 'alice', sid: 's1' }));
  return { keys, published, until, extend: async () => verifier.sessions.extend(verified) };
}

describe.each(['local', 'hybrid'] as const)('the key of an expired token that was verified as %s', (verification) => {
  it('is checked each time, so that no connection outlives a key that the issuer removes', async () => {
    const { keys, until, extend } = await setUpVerified(verification);
    expect(await extend()).toEqual(until);
    keys.held = noKeys;
    await expect(extend()).rejects.toMatchObject({ code: 'INVALID_TOKEN', reason: 'key' });
  });

  it('is looked for in newer keys where there are no current ones', async () => {
    const { keys, published, until, extend } = await setUpVerified(verification);
    keys.held = null;
    // Other objects with the same content, as after another fetch.
    keys.newer = published();
    expect(await extend()).toEqual(until);
    keys.newer = noKeys;
    await expect(extend()).rejects.toMatchObject({ code: 'INVALID_TOKEN', reason: 'key' });
    keys.newer = new AuthUnavailableError('It does not answer', 1);
    await expect(extend()).rejects.toThrow(AuthUnavailableError);
  });
});
