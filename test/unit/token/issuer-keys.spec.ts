import { describe, expect, it } from 'vitest';
import { AuthUnavailableError } from '../../../src/errors/auth-error.js';
import { IndexedKeySet, type KeySet } from '../../../src/keys/key-set.js';
import { KeySource, type KeyState } from '../../../src/keys/key-source.js';
import { IssuerKeys, type WarmUp } from '../../../src/token/issuer-keys.js';
import { IssuerRegistry } from '../../../src/token/issuer-registry.js';
import { issuerTerms, localIssuer } from '../../support/issuer-terms.js';
import { errorOf } from '../../support/outcome.js';

/** A key source that only records its calls. */
class NotingKeys extends KeySource {
  readonly asked: string[] = [];
  fault: AuthUnavailableError | null = null;

  constructor(private readonly ageSeconds: number) {
    super();
  }

  override current(): null {
    return null;
  }

  override obtain(): Promise<KeySet> {
    return Promise.resolve(new IndexedKeySet([]));
  }

  override refresh(): Promise<void> {
    this.asked.push('refresh');
    return this.fault === null ? Promise.resolve() : Promise.reject(this.fault);
  }

  override state(): KeyState {
    return { status: 'fresh', ageSeconds: this.ageSeconds, nextRefreshAt: null, lastError: null };
  }

  override close(): void {
    this.asked.push('close');
  }
}

interface Scene {
  readonly keys: IssuerKeys;
  readonly a: NotingKeys;
  /** One key source that two issuer names share. */
  readonly b: NotingKeys;
}

function setUp(warmUp: WarmUp = false): Scene {
  const [a, b] = [new NotingKeys(1), new NotingKeys(2)];
  const issuers = new IssuerRegistry([
    localIssuer(issuerTerms({ issuer: 'a' }), a),
    localIssuer(issuerTerms({ issuer: 'b' }), b),
    localIssuer(issuerTerms({ issuer: 'b2' }), b),
  ]);
  return { keys: new IssuerKeys(issuers, warmUp), a, b };
}

describe('IssuerKeys.refresh', () => {
  it('fetches the keys of all issuers, once where several names share them', async () => {
    const { keys, a, b } = setUp();
    await keys.refresh();

    expect([a.asked, b.asked]).toEqual([['refresh'], ['refresh']]);
  });

  it('fetches the keys of the named issuer only', async () => {
    const { keys, a, b } = setUp();
    await keys.refresh('b2');

    expect([a.asked, b.asked]).toEqual([[], ['refresh']]);
  });

  it('fetches the other keys when one issuer is down, and fails afterwards', async () => {
    const { keys, a, b } = setUp();
    a.fault = new AuthUnavailableError('a is down', 1);

    expect(await errorOf(keys.refresh())).toBe(a.fault);
    expect(b.asked).toEqual(['refresh']);
  });

  it.each(['c', 'a/', 'A', ''])('finds issuers by their exact names: %j', async (name) => {
    const { keys, a } = setUp();
    const error = await errorOf(keys.refresh(name));

    expect(error?.code).toBe('CONFIGURATION_ERROR');
    expect(error?.message).toBe('IssuerKeys.refresh(issuer): it is not a trusted issuer. Write one of a, b, b2.');
    expect(a.asked).toEqual([]);
  });
});

describe('IssuerKeys of an app that trusts no issuer', () => {
  const none = (): IssuerKeys => new IssuerKeys(new IssuerRegistry([]), 'required');

  it('starts, fetches nothing and stops', async () => {
    const keys = none();
    await keys.onModuleInit();
    await keys.refresh();
    keys.onModuleDestroy();
    expect(keys.states().size).toBe(0);
  });

  it('refuses any name', async () => {
    const error = await errorOf(none().refresh('a'));
    expect(error?.message).toBe('IssuerKeys.refresh(issuer): it is not a trusted issuer. Add it to issuers.');
  });
});

describe('IssuerKeys.states', () => {
  it('has one entry for each name, in the order of the configuration', () => {
    const states = [...setUp().keys.states()].map(([name, { ageSeconds }]) => [name, ageSeconds]);

    expect(states).toEqual([
      ['a', 1],
      ['b', 2],
      ['b2', 2],
    ]);
  });
});

describe('IssuerKeys when the app starts and stops', () => {
  it('makes no calls without warmUp', async () => {
    const { keys, a, b } = setUp(false);
    await keys.onModuleInit();

    expect([a.asked, b.asked]).toEqual([[], []]);
  });

  it.each([true, 'required'] as const)('fetches all keys with warmUp %s', async (warmUp) => {
    const { keys, a, b } = setUp(warmUp);
    await keys.onModuleInit();

    expect([a.asked, b.asked]).toEqual([['refresh'], ['refresh']]);
  });

  it('starts without the keys of an issuer that is down, unless they are required', async () => {
    const [lenient, strict] = [setUp(true), setUp('required')];
    lenient.b.fault = strict.b.fault = new AuthUnavailableError('b is down', 1);

    expect(await errorOf(lenient.keys.onModuleInit())).toBeUndefined();
    await expect(strict.keys.onModuleInit()).rejects.toThrow("warmUp is 'required': b is down");
    await expect(strict.keys.onModuleInit()).rejects.toMatchObject({ cause: strict.b.fault });
  });

  it('closes each source once', () => {
    const { keys, a, b } = setUp();
    keys.onModuleDestroy();

    expect([a.asked, b.asked]).toEqual([['close'], ['close']]);
  });
});
