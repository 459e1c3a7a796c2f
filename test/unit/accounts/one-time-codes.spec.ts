import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemoryOneTimeCodeStore } from '../../../src/issuing/memory-one-time-code-store.js';
import type { StoredOneTimeCode } from '../../../src/issuing/one-time-code-store.js';
import { type CodePurpose, type IssuedCode, OneTimeCodes } from '../../../src/accounts/one-time-codes.js';
import { RefusalError } from '../../../src/errors/auth-error.js';
import { EncryptionKeys } from '../../../src/issuing/encryption-keys.js';
import { ManualClock } from '../../support/manual-clock.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

/** Shows what is stored. */
class WatchedStore extends MemoryOneTimeCodeStore {
  readonly created: StoredOneTimeCode[] = [];

  override create(code: StoredOneTimeCode): Promise<void> {
    this.created.push(code);
    return super.create(code);
  }
}

const subject = 'ada@example.com';

function setUp(encryptionKeys = EncryptionKeys.random()) {
  const clock = new ManualClock();
  const store = new WatchedStore();
  const codes = new OneTimeCodes({ store, encryptionKeys, clock });
  const issue = (purpose: CodePurpose = 'magic-link', parts: object = {}) =>
    codes.issue({ purpose, subject, payload: { is: purpose }, ...parts });
  const typedOf = ({ typed }: IssuedCode): string => typed ?? 'none';
  return { clock, store, codes, issue, typedOf };
}

const wrong = ({ typed }: IssuedCode, by = 1): string => String((Number(typed) + by) % 1_000_000).padStart(6, '0');

describe('a code', () => {
  it('has 128 random bits for the link and six digits for typing, and is stored as neither', async () => {
    const { store, issue } = setUp();
    const issued = await Promise.all(Array.from({ length: 100 }, () => issue('magic-link', { subject: 'x' })));
    for (const { code, typed } of issued) {
      expect(code).toMatch(/^goc_[\w-]{22}$/);
      expect(typed).toMatch(/^\d{6}$/);
    }
    expect(new Set(issued.map(({ code }) => code)).size).toBe(100);
    for (const [at, { code, typed }] of issued.entries()) {
      const { typed: hashed } = store.created[at] ?? {};
      const written = JSON.stringify(store.created[at], (_, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
      );
      for (const secret of [code.slice(4), `"${typed}"`, subject]) expect(written).not.toContain(secret);
      // Who has the table and not the key cannot try a million numbers.
      expect(hashed?.hash).not.toEqual(createHash('sha256').update(String(typed)).digest());
    }
  });

  it('for typing is any of a million numbers', async () => {
    const { issue } = setUp();
    const counts = new Map<string, number>();
    for (let round = 0; round < 2_000; round += 1) {
      const [digit = ''] = (await issue()).typed ?? '';
      counts.set(digit, (counts.get(digit) ?? 0) + 1);
    }
    expect([...counts.keys()].sort().join('')).toBe('0123456789');
    // 200 each, by five standard deviations.
    for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(68);
  });

  it('in a link is found as often as it is asked for, and used once', async () => {
    const { codes, issue } = setUp();
    const { code } = await issue('magic-link', { accountId: 'account' });
    const found = await codes.findByLink(code, 'magic-link');
    for (let round = 0; round < 10; round += 1) await codes.findByLink(code, 'verify-email', 'magic-link');
    expect(found).toMatchObject({ purpose: 'magic-link', accountId: 'account', payload: { is: 'magic-link' } });
    const uses = await Promise.all(Array.from({ length: 50 }, () => outcomeOf(codes.use(found))));
    expect(uses.filter((outcome) => outcome === 'accepted')).toHaveLength(1);
    expect(new Set(uses)).toEqual(new Set(['accepted', 'INVALID_CODE']));
    expect(await outcomeOf(codes.findByLink(code, 'magic-link'))).toBe('INVALID_CODE');
  });

  it('is ended by the use of its other text, and by a new one', async () => {
    const { codes, issue, typedOf } = setUp();
    const first = await issue();
    await codes.use(await codes.findByTyped(typedOf(first), subject, 'magic-link'));
    expect(await outcomeOf(codes.findByLink(first.code, 'magic-link'))).toBe('INVALID_CODE');
    const [second, reset, other] = [
      await issue(),
      await issue('reset-password'),
      await issue('magic-link', { subject: 'x' }),
    ];
    await codes.use(await codes.findByLink(second.code, 'magic-link'));
    expect(await outcomeOf(codes.findByTyped(typedOf(second), subject, 'magic-link'))).toBe('INVALID_CODE');
    const third = await issue();
    const fourth = await issue();
    expect(await outcomeOf(codes.findByLink(third.code, 'magic-link'))).toBe('INVALID_CODE');
    expect(await outcomeOf(codes.findByTyped(typedOf(third), subject, 'magic-link'))).toBe(
      third.typed === fourth.typed ? 'accepted' : 'INVALID_CODE',
    );
    for (const [{ code }, purpose] of [
      [fourth, 'magic-link'],
      [reset, 'reset-password'],
      [other, 'magic-link'],
    ] as const) {
      expect(await outcomeOf(codes.findByLink(code, purpose))).toBe('accepted');
    }
  });

  it.each([
    ['verify-email', 86_400, 600],
    ['change-email', 86_400, 600],
    ['reset-password', 900, 900],
    ['magic-link', 600, 600],
    ['second-factor', 300, null],
  ] as const)('for %s is good for %i seconds, and for typing for %j', async (purpose, seconds, typedSeconds) => {
    const lifetimeOf = async (find: (codes: OneTimeCodes, issued: IssuedCode) => Promise<unknown>) => {
      const { clock, codes, issue } = setUp();
      const issued = await issue(purpose);
      let age = 0;
      for (const limit of [300, 600, 900, 86_400]) {
        clock.advanceSeconds(limit - age - 0.001);
        expect(await outcomeOf(find(codes, issued))).toBe('accepted');
        clock.advanceSeconds(0.001);
        age = limit;
        if ((await outcomeOf(find(codes, issued))) === 'INVALID_CODE') return limit;
      }
      return 'longer';
    };
    expect(await lifetimeOf((codes, { code }) => codes.findByLink(code, purpose))).toBe(seconds);
    const { typed } = await setUp().issue(purpose);
    if (typedSeconds === null) expect(typed).toBeNull();
    else
      expect(await lifetimeOf((codes, { typed }) => codes.findByTyped(typed ?? '', subject, purpose))).toBe(
        typedSeconds,
      );
  });

  it('is not found for another purpose, subject or form', async () => {
    const { codes, issue, typedOf } = setUp();
    const issued = await issue();
    const { code } = issued;
    const typed = typedOf(issued);
    for (const given of [
      '',
      'goc_',
      code.slice(4),
      `${code}=`,
      `${code} `,
      code.slice(0, -1),
      code.toUpperCase(),
      typed,
    ]) {
      expect(await outcomeOf(codes.findByLink(given, 'magic-link'))).toBe('INVALID_CODE');
    }
    expect(await outcomeOf(codes.findByLink(code, 'reset-password', 'verify-email'))).toBe('INVALID_CODE');
    for (const given of ['', '12345', '1234567', '12345a', '١٢٣٤٥٦', `+${typed.slice(1)}`, code]) {
      expect(await outcomeOf(codes.findByTyped(given, subject, 'magic-link'))).toBe('INVALID_CODE');
    }
    for (const [other, purpose] of [
      [subject, 'reset-password'],
      ['bob@example.com', 'magic-link'],
      ['', 'magic-link'],
    ] as const) {
      expect(await outcomeOf(codes.findByTyped(typed, other, purpose))).toBe('INVALID_CODE');
    }
    expect(await outcomeOf(codes.findByTyped(` ${typed.slice(0, 3)} ${typed.slice(3)}`, subject, 'magic-link'))).toBe(
      'accepted',
    );
  });

  it('is refused with one text, whatever is wrong with it', async () => {
    const { clock, codes, issue, typedOf } = setUp();
    const used = await issue('magic-link', { subject: 'used' });
    await codes.use(await codes.findByLink(used.code, 'magic-link'));
    const old = await issue('magic-link', { subject: 'old' });
    clock.advanceSeconds(600);
    const there = await issue();
    const errors = await Promise.all(
      [
        ...[used.code, old.code, 'goc_AAAAAAAAAAAAAAAAAAAAAA', 'x'].map((code) => codes.findByLink(code, 'magic-link')),
        codes.findByLink(there.code, 'reset-password'),
        ...['used', 'old', 'unknown'].map((name) => codes.findByTyped(typedOf(used), name, 'magic-link')),
        codes.findByTyped(wrong(there), subject, 'magic-link'),
        codes.startTry(there.code),
      ].map((call) => errorOf(call)),
    );
    expect(new Set(errors.map((error) => `${error?.code}: ${error?.message}`))).toEqual(
      new Set(['INVALID_CODE: The code is wrong, was used or is too old']),
    );
    for (const error of errors) {
      expect(error?.explanation).not.toMatch(/ada|goc_|\d{6}/);
      expect(error).toBeInstanceOf(RefusalError);
    }
  });
});

describe('a code for typing', () => {
  it('is ended by five wrong ones, and the code in the link is not', async () => {
    const { codes, issue, typedOf } = setUp();
    const issued = await issue();
    for (let by = 1; by <= 4; by += 1) {
      expect(await outcomeOf(codes.findByTyped(wrong(issued, by), subject, 'magic-link'))).toBe('INVALID_CODE');
    }
    // A right one takes no try: the password beside it may have been wrong.
    for (let round = 0; round < 10; round += 1) await codes.findByTyped(typedOf(issued), subject, 'magic-link');
    expect(await outcomeOf(codes.findByTyped(wrong(issued), subject, 'magic-link'))).toBe('INVALID_CODE');
    expect(await outcomeOf(codes.findByTyped(typedOf(issued), subject, 'magic-link'))).toBe('INVALID_CODE');
    expect(await outcomeOf(codes.findByLink(issued.code, 'magic-link'))).toBe('accepted');
  });

  it('is compared with five of 200 guesses at once', async () => {
    const { codes, issue } = setUp();
    const issued = await issue();
    const guesses = Array.from({ length: 200 }, (_, at) => wrong(issued, (at + 195) % 200));
    expect(guesses.indexOf(issued.typed ?? '')).toBe(5);
    const outcomes = await Promise.all(
      guesses.map((guess) => outcomeOf(codes.findByTyped(guess, subject, 'magic-link'))),
    );
    expect(new Set(outcomes)).toEqual(new Set(['INVALID_CODE']));
  });

  it('is found among several purposes', async () => {
    const { codes, issue, typedOf } = setUp();
    const issued = await issue('change-email');
    const found = await codes.findByTyped(typedOf(issued), subject, 'verify-email', 'change-email');
    expect(found.purpose).toBe('change-email');
    expect(await outcomeOf(codes.findByTyped(typedOf(issued), subject))).toBe('INVALID_CODE');
  });

  it('stays good while the encryption key is changed', async () => {
    const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
    const { codes, clock, store, issue, typedOf } = setUp(new EncryptionKeys([oldKey]));
    const issued = await issue();
    const by = (...keys: Buffer[]): Promise<string> => {
      const later = new OneTimeCodes({ store, clock, encryptionKeys: new EncryptionKeys(keys) });
      return outcomeOf(later.findByTyped(typedOf(issued), subject, 'magic-link'));
    };
    expect(await outcomeOf(codes.findByTyped(typedOf(issued), subject, 'magic-link'))).toBe('accepted');
    expect(await by(oldKey, newKey)).toBe('accepted');
    expect(await by(newKey, oldKey)).toBe('accepted');
    expect(await by(newKey)).toBe('INVALID_CODE');
    expect(await outcomeOf(codes.findByLink(issued.code, 'magic-link'))).toBe('accepted');
  });
});

describe('a sign-in that waits for its second factor', () => {
  it('can be tried five times, and used once', async () => {
    const { codes } = setUp();
    const start = () => codes.issue({ purpose: 'second-factor', accountId: 'account', payload: { amr: ['pwd'] } });
    const [first, second] = [await start(), await start()];
    expect(first.typed).toBeNull();
    const tries = await Promise.all(Array.from({ length: 50 }, () => outcomeOf(codes.startTry(first.code))));
    expect(tries.filter((outcome) => outcome === 'accepted')).toHaveLength(5);
    const found = await codes.startTry(second.code);
    expect(found).toMatchObject({ accountId: 'account', payload: { amr: ['pwd'] } });
    await codes.use(found);
    expect(await outcomeOf(codes.use(found))).toBe('INVALID_CODE');
    expect(await outcomeOf(codes.startTry(second.code))).toBe('INVALID_CODE');
  });
});

describe('codes', () => {
  it('end with their account', async () => {
    const { codes, issue } = setUp();
    const issued = [
      await issue(),
      await issue('reset-password', { accountId: 'account' }),
      await issue('magic-link', { subject: 'other', accountId: 'account' }),
      await issue('magic-link', { subject: 'third' }),
    ];
    const left = async () => {
      const outcomes = issued.map(({ code }) => outcomeOf(codes.findByLink(code, 'magic-link', 'reset-password')));
      return (await Promise.all(outcomes)).flatMap((outcome, at) => (outcome === 'accepted' ? [at] : []));
    };
    await codes.endOfAccount('account');
    expect(await left()).toEqual([0, 3]);
  });
});
