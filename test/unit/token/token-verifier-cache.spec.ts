import { describe, expect, it } from 'vitest';
import { type Algorithm, publicKeyAlgorithms } from '../../../src/keys/algorithm.js';
import { IndexedKeySet, type KeySet, type VerificationKey } from '../../../src/keys/key-set.js';
import { KeySource, type KeyState } from '../../../src/keys/key-source.js';
import { readKeys } from '../../../src/keys/jwks-loader.js';
import type { TestIssuer } from '../../../src/testing/test-issuer.js';
import { RefusalError } from '../../../src/errors/auth-error.js';
import { TokenStatusCheck } from '../../../src/token/token-status-check.js';
import { IssuerRegistry } from '../../../src/token/issuer-registry.js';
import { TokenVerifier } from '../../../src/token/token-verifier.js';
import type { IssuerTerms } from '../../../src/token/trusted-issuer.js';
import { VerifiedTokenCache } from '../../../src/token/verified-token-cache.js';
import { setUpAsking } from '../../support/asking-verifier.js';
import { ManualClock } from '../../support/manual-clock.js';
import { issuerTerms, localIssuer } from '../../support/issuer-terms.js';
import { outcomeOf } from '../../support/outcome.js';
import { startIssuer } from '../../support/started-issuer.js';

/** A key source whose keys a test can remove and restore. It counts how often keys are fetched and used. */
class CountingKeys extends KeySource {
  obtained = 0;
  used = 0;
  held: KeySet | null;

  constructor(keys: readonly VerificationKey[]) {
    super();
    const counted = keys.map((key) => ({
      ...key,
      // Only a signature check reads the key object.
      get key() {
        source.used += 1;
        return keys.find(({ identity }) => identity === key.identity)?.key ?? key.key;
      },
    }));
    const source = this as CountingKeys;
    this.held = new IndexedKeySet(counted);
  }

  override current(): KeySet | null {
    return this.held;
  }

  override obtain(): Promise<KeySet> {
    this.obtained += 1;
    return Promise.resolve(this.held ?? new IndexedKeySet([]));
  }

  override refresh(): Promise<void> {
    return Promise.resolve();
  }

  override state(): KeyState {
    return { status: 'fixed', ageSeconds: null, nextRefreshAt: null, lastError: null };
  }

  override close(): void {
    this.held = null;
  }
}

interface Scene {
  readonly clock: ManualClock;
  readonly issuer: TestIssuer;
  readonly keys: CountingKeys;
  readonly verifier: TokenVerifier;
  readonly token: (claims?: object) => Promise<string>;
  /** Creates a valid token and verifies it until it is cached. */
  readonly cached: (claims?: object) => Promise<string>;
}

async function setUp(cacheEntries = 100, terms: Partial<IssuerTerms> = {}): Promise<Scene> {
  const clock = new ManualClock();
  const issuer = await startIssuer({ clock });
  const keys = new CountingKeys(readKeys(issuer.jwks.keys));
  const all = issuerTerms({
    issuer: issuer.url,
    audience: ['api'],
    algorithms: new Set<Algorithm>(publicKeyAlgorithms),
    ...terms,
  });
  const verifier = new TokenVerifier({
    issuers: new IssuerRegistry([localIssuer(all, keys)]),
    clock,
    cache: new VerifiedTokenCache(cacheEntries, clock),
    claimsCheck: null,
  });
  const token = (claims = {}): Promise<string> => issuer.token({ aud: 'api', ...claims });
  const cached = async (claims?: object): Promise<string> => {
    const text = await token(claims);
    await verifier.verify(text);
    await verifier.verify(text);
    expect(verifier.findVerified(text)).toBeDefined();
    return text;
  };
  return { clock, issuer, keys, verifier, token, cached };
}

describe('a token that is used again', () => {
  it('is cached at its second use', async () => {
    const { verifier, token } = await setUp();
    const text = await token();
    await verifier.verify(text);
    expect(verifier.findVerified(text)).toBeUndefined();

    await verifier.verify(text);
    expect(verifier.findVerified(text)?.token.claims['sub']).toBe('test-user');
  });

  it('then causes no key request and no signature check, and is the same object', async () => {
    const { keys, verifier, token } = await setUp();
    const text = await token();
    await verifier.verify(text);
    const second = await verifier.verify(text);
    const cost = { obtained: keys.obtained, used: keys.used };

    expect(cost).toEqual({ obtained: 0, used: 2 });
    expect(await verifier.verify(text)).toBe(second);
    expect(verifier.findVerified(text)?.token).toBe(second);
    expect({ obtained: keys.obtained, used: keys.used }).toEqual(cost);
  });

  it('is verified each time when the cache is off', async () => {
    const { keys, verifier, token } = await setUp(0);
    const text = await token();
    await verifier.verify(text);
    await verifier.verify(text);

    expect({ obtained: keys.obtained, used: keys.used }).toEqual({ obtained: 0, used: 2 });
    expect(verifier.findVerified(text)).toBeUndefined();
  });

  it('is refused from the second on in which it expires', async () => {
    const { clock, verifier, cached } = await setUp();
    const text = await cached();

    clock.advanceSeconds(299.999);
    expect(await outcomeOf(verifier.verify(text))).toBe('accepted');
    clock.advanceSeconds(0.001);
    expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN expired');
    expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN expired');
  });

  it('is refused while the clock is before its start', async () => {
    const { clock, verifier, cached } = await setUp();
    const text = await cached({ nbf: clock.now().getTime() / 1_000 });

    clock.advanceSeconds(-1);
    expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN not_yet_valid');
    clock.advanceSeconds(1);
    expect(await outcomeOf(verifier.verify(text))).toBe('accepted');
  });

  it('is refused once it is older than the issuer allows', async () => {
    const { clock, verifier, cached } = await setUp(100, { maxTokenAgeSeconds: 60 });
    const text = await cached();

    clock.advanceSeconds(59);
    expect(await outcomeOf(verifier.verify(text))).toBe('accepted');
    clock.advanceSeconds(1);
    expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN expired');
  });

  it('is refused when its key was withdrawn, and not accepted while the keys are unknown', async () => {
    const { keys, verifier, cached } = await setUp();
    const text = await cached();
    const before = keys.held;

    keys.held = new IndexedKeySet([]);
    expect(verifier.findVerified(text)).toBeUndefined();
    expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN key');

    keys.held = null;
    expect(verifier.findVerified(text)).toBeUndefined();
    expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN key');

    keys.held = before;
    expect(await outcomeOf(verifier.verify(text))).toBe('accepted');
  });

  it('is not accepted with a key of the same id and other bytes', async () => {
    const { issuer, keys, verifier, cached } = await setUp();
    const text = await cached();
    const { kid } = issuer.publicKey;
    await issuer.rotateKeys({ keepOld: false });

    keys.held = new IndexedKeySet(readKeys([{ ...issuer.publicKey, kid }]));
    expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN signature');
  });
});

describe('a token that resembles a cached one', () => {
  it('is never accepted instead of it, whichever character differs', async () => {
    const { verifier, cached } = await setUp();
    const text = await cached();
    const changed = [...text].map(
      (character, at) => text.slice(0, at) + (character === 'A' ? 'B' : 'A') + text.slice(at + 1),
    );
    const outcomes = await Promise.all(changed.map((other) => outcomeOf(verifier.verify(other))));

    expect(changed.filter((other) => verifier.findVerified(other) !== undefined)).toEqual([]);
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toEqual([]);
  });

  it('is verified separately when only the signature is the same', async () => {
    const { verifier, token, cached } = await setUp();
    const [header = '', , signature = ''] = (await token({ sub: 'mallory' })).split('.');
    const good = await cached();
    const admin = Buffer.from(JSON.stringify({ sub: 'admin' })).toString('base64url');

    expect(await outcomeOf(verifier.verify(`${header}.${admin}.${signature}`))).toBe('INVALID_TOKEN issuer');
    expect(await outcomeOf(verifier.verify(`${header}.${good.split('.')[1] ?? ''}.${signature}`))).toBe(
      'INVALID_TOKEN signature',
    );
  });

  it('does not displace another one when it is refused', async () => {
    const { verifier, cached, issuer } = await setUp(1);
    const good = await cached();
    for (let count = 0; count < 5; count += 1) {
      await outcomeOf(verifier.verify(await issuer.token({ aud: 'other' })));
      await outcomeOf(verifier.verify(await issuer.token({ aud: 'api' }, { signWith: 'stranger' })));
    }

    expect(verifier.findVerified(good)).toBeDefined();
  });
});

describe('a remembered token whose status check has to wait', () => {
  class WaitingCheck extends TokenStatusCheck {
    override readonly version = Number.NaN;
    revoked = false;

    override async check(): Promise<void> {
      await Promise.resolve();
      if (this.revoked) throw RefusalError.token('revoked', 'It was revoked');
    }
  }

  it('is refused, and leaves no rejection behind that would end the process', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const statusCheck = new WaitingCheck();
    const { verifier, token } = await setUpAsking({ verification: 'local', statusCheck });
    const text = await token();
    const verdict = await verifier.verifyUncached(text);
    await verifier.verify(text);
    expect(await outcomeOf(() => verifier.verify(text))).toBe('accepted');

    statusCheck.revoked = true;
    expect(await outcomeOf(() => verifier.verify(text))).toBe('INVALID_TOKEN revoked');
    expect(verifier.holds(verdict)).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
