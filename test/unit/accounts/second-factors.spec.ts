import * as otpauth from 'otpauth';
import { describe, expect, it } from 'vitest';
import { createStoredAccount } from '../../../src/accounts/account-profile.js';
import { AccountRecords } from '../../../src/accounts/account-records.js';
import type { AccountCredentials, FoundAccount, StoredAccount } from '../../../src/accounts/account-store.js';
import { MemoryAccountStore } from '../../../src/accounts/memory-account-store.js';
import { SecondFactors, type SecondFactorsParts, withoutSecondFactor } from '../../../src/accounts/second-factors.js';
import { EncryptionKeys } from '../../../src/issuing/encryption-keys.js';
import { createUuidV7 } from '../../../src/issuing/uuid-v7.js';
import { Authenticator } from '../../support/authenticator.js';
import { ManualClock } from '../../support/manual-clock.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';
import { withoutOtpauth } from '../../support/without-otpauth.js';

type Parts = Partial<SecondFactorsParts>;

function setUp(parts: Parts = {}) {
  const clock = new ManualClock();
  const store = new MemoryAccountStore();
  const records = new AccountRecords({ findStore: () => store, clock, emit: () => undefined });
  const encryptionKeys = EncryptionKeys.random();
  const open = (more: Parts = {}) =>
    new SecondFactors({
      records,
      findEncryptionKeys: () => encryptionKeys,
      issuer: 'api.example.com',
      ...parts,
      ...more,
    });
  const factors = open();
  const create = async (more: Partial<StoredAccount> = {}): Promise<FoundAccount> =>
    records.create({ ...createStoredAccount(createUuidV7(clock.now().getTime()), clock.now()), ...more });
  const credentialsOf = async (id: string): Promise<AccountCredentials> => (await store.find(id))?.credentials ?? {};
  /** An account with a second factor, in a step of which no code was used yet. */
  const enroll = async (more: Partial<StoredAccount> = {}) => {
    const account = await create(more);
    const app = new Authenticator((await factors.register(account)).uri, clock);
    const recoveryCodes = await factors.confirm(account.id, app.code());
    clock.advanceSeconds(30);
    const use = (code: string): Promise<string> => outcomeOf(factors.use(account.id, code));
    return { account, app, recoveryCodes, use };
  };
  return { clock, store, records, factors, open, create, credentialsOf, enroll };
}

describe('a code of an authenticator app', () => {
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('is that of RFC 6238, appendix B, at %i s', async (seconds, code) => {
    // The table has eight digits; six of them are the last six (RFC 4226 §5.3).
    const known = otpauth.Secret.fromLatin1('12345678901234567890').base32;
    class KnownSecret {
      readonly base32 = known;
    }
    const { clock, factors, create } = setUp({ loadPackage: async () => ({ ...otpauth, Secret: KnownSecret }) });
    const account = await create();
    clock.advanceSeconds(seconds - clock.now().getTime() / 1_000);
    expect((await factors.register(account)).secret).toBe(known);
    expect(await outcomeOf(factors.confirm(account.id, code))).toBe('accepted');
  });

  it('comes from a secret of 160 bits, which the URI names with the app and the account', async () => {
    const { clock, factors, create } = setUp();
    const account = await create({ email: 'ada+x@example.com' });
    const { secret, uri } = await factors.register(account);
    expect(uri).toBe(
      `otpauth://totp/api.example.com:ada%2Bx%40example.com?issuer=api.example.com&secret=${secret}&algorithm=SHA1&digits=6&period=30`,
    );
    expect(otpauth.Secret.fromBase32(secret).bytes).toHaveLength(20);
    expect((await factors.register(account)).secret).not.toBe(secret);
    expect(new Authenticator(uri, clock).label).toBe('api.example.com: ada+x@example.com');
    const named = await create({ username: 'ada' });
    expect((await factors.register(named)).uri).toContain('/api.example.com:ada?');
    const nameless = await create();
    expect((await factors.register(nameless)).uri).toContain(`:${nameless.id}?`);
  });

  it('is good in its step, the one before and the one after, with blanks too', async () => {
    for (const [steps, outcome] of [
      [-2, 'INVALID_CODE'],
      [-1, 'accepted'],
      [0, 'accepted'],
      [1, 'accepted'],
      [2, 'INVALID_CODE'],
    ] as const) {
      const { clock, enroll } = setUp();
      const { app, use } = await enroll();
      clock.advanceSeconds(90);
      expect([steps, await use(app.code(steps))]).toEqual([steps, outcome]);
    }
    const { app, use } = await setUp().enroll();
    expect(await use(` ${app.code().slice(0, 3)} ${app.code().slice(3)} `)).toBe('accepted');
  });

  it('is used once, and none of an earlier step after it', async () => {
    const { clock, enroll } = setUp();
    const { app, use } = await enroll();
    expect(await use(app.code(-1)), 'the one that confirmed it').toBe('INVALID_CODE');
    expect(await use(app.code(1))).toBe('accepted');
    for (const steps of [-1, 0, 1]) expect([steps, await use(app.code(steps))]).toEqual([steps, 'INVALID_CODE']);
    clock.advanceSeconds(30);
    expect(await use(app.code())).toBe('INVALID_CODE');
    clock.advanceSeconds(30);
    expect(await use(app.code())).toBe('accepted');
  });

  it('has one winner among 50 uses at once', async () => {
    const { app, use } = await setUp().enroll();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => use(app.code())));
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(['accepted', 'INVALID_CODE']));
  });

  it.each(['', '12345', '1234567', '１２３４５６', '12345a', '12345é', 'x'.repeat(60_000), '-1e100'])(
    'is not %.20s',
    async (code) => {
      const { factors, enroll, create } = setUp();
      const { use } = await enroll();
      expect(await use(code)).toBe('INVALID_CODE');
      const other = await create();
      await factors.register(other);
      expect(await outcomeOf(factors.confirm(other.id, code))).toBe('INVALID_CODE');
    },
  );

  it('of another account is wrong', async () => {
    const { enroll } = setUp();
    const [one, other] = [await enroll(), await enroll()];
    // Of the other's step that is open, while a code of it is not by chance one of this.
    expect(await other.use(one.app.code())).toBe('INVALID_CODE');
    expect(await other.use(one.recoveryCodes[0] ?? '')).toBe('INVALID_CODE');
  });
});

describe('a registration', () => {
  it('is confirmed within 10 minutes, by its own code, once', async () => {
    const { clock, factors, create, credentialsOf } = setUp();
    const account = await create();
    expect(await outcomeOf(factors.confirm(account.id, '123456'))).toBe('INVALID_CODE');
    const first = new Authenticator((await factors.register(account)).uri, clock);
    const second = new Authenticator((await factors.register(account)).uri, clock);
    expect(await outcomeOf(factors.confirm(account.id, first.code()))).toBe('INVALID_CODE');
    expect(await outcomeOf(factors.use(account.id, second.code()))).toBe('INVALID_CODE');
    clock.advanceSeconds(599);
    const code = second.code();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcomeOf(factors.confirm(account.id, code))));
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(1);
    expect((await credentialsOf(account.id)).pendingTotp).toBeUndefined();
    const late = new Authenticator((await factors.register(account)).uri, clock);
    clock.advanceSeconds(600);
    expect(await outcomeOf(factors.confirm(account.id, late.code()))).toBe('INVALID_CODE');
  });

  it('replaces the factor of before, and its recovery codes, when it is confirmed', async () => {
    const { clock, factors, enroll } = setUp();
    const { account, app, recoveryCodes, use } = await enroll();
    const next = new Authenticator((await factors.register(account)).uri, clock);
    expect(await use(next.code())).toBe('INVALID_CODE');
    expect(await use(app.code())).toBe('accepted');
    const codes = await factors.confirm(account.id, next.code());
    clock.advanceSeconds(30);
    expect(await use(app.code())).toBe('INVALID_CODE');
    expect(await use(recoveryCodes[0] ?? '')).toBe('INVALID_CODE');
    expect(await use(next.code())).toBe('accepted');
    expect(await use(codes[0] ?? '')).toBe('accepted');
  });
});

describe('a recovery code', () => {
  it('is one of ten, each for one use, in any case, with and without dashes', async () => {
    const { recoveryCodes, use } = await setUp().enroll();
    expect(new Set(recoveryCodes).size).toBe(10);
    for (const code of recoveryCodes) expect(code).toMatch(/^(?:[0-9a-hjkmnp-tv-z]{5}-){4}[0-9a-hjkmnp-tv-z]{5}$/);
    const [first = '', second = '', third = '', ...others] = recoveryCodes;
    expect(await use(first.toUpperCase().replaceAll('-', ' '))).toBe('accepted');
    expect(await use(first)).toBe('INVALID_CODE');
    expect(await use(second.replaceAll('-', '').replaceAll('0', 'O').replaceAll('1', 'l'))).toBe('accepted');
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => use(third)));
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(1);
    for (const code of others) expect(await use(code)).toBe('accepted');
    for (const code of recoveryCodes) expect(await use(code)).toBe('INVALID_CODE');
  });

  it('needs no package', async () => {
    const { open, enroll } = setUp();
    const { account, app, recoveryCodes } = await enroll();
    const without = open({ loadPackage: withoutOtpauth });
    expect(await without.isAvailable()).toBe(false);
    expect(await outcomeOf(without.use(account.id, recoveryCodes[0] ?? ''))).toBe('accepted');
    const fault = await errorOf(without.use(account.id, app.code()));
    expect([fault?.code, fault?.message]).toEqual([
      'CONFIGURATION_ERROR',
      'AccountsModule.forRoot({ totp }): the package otpauth is not installed. Install it: npm install otpauth@9.',
    ]);
    expect(await errorOf(without.register(account))).toEqual(fault);
    expect(await errorOf(without.checkIsAvailable())).toEqual(fault);
  });
});

describe('what is stored', () => {
  it('has neither the secret nor a recovery code', async () => {
    const { clock, factors, create, credentialsOf } = setUp();
    const account = await create();
    const { secret, uri } = await factors.register(account);
    const bytes = Buffer.from(otpauth.Secret.fromBase32(secret).bytes);
    const texts = [secret, ...(['base64', 'base64url', 'hex', 'latin1'] as const).map((one) => bytes.toString(one))];
    const check = async (): Promise<void> => {
      const { totp, pendingTotp } = await credentialsOf(account.id);
      const sealed = Buffer.from((totp ?? pendingTotp)?.sealed ?? '', 'base64').toString('latin1');
      const written = JSON.stringify(await credentialsOf(account.id)) + sealed;
      for (const text of texts) expect(written).not.toContain(text);
    };
    await check();
    for (const code of await factors.confirm(account.id, new Authenticator(uri, clock).code())) {
      texts.push(code, code.replaceAll('-', ''));
    }
    await check();
    expect((await credentialsOf(account.id)).totp?.recoveryCodes).toHaveLength(10);
  });

  it('opens as the secret of its own account alone', async () => {
    const { records, factors, enroll } = setUp();
    const [one, other] = [await enroll(), await enroll()];
    await records.change(other.account.id, (account) => ({ ...account, credentials: {} }));
    const { totp } = (await records.find(one.account.id))?.credentials ?? {};
    if (totp === undefined) throw new Error('There is no second factor');
    await records.change(other.account.id, (account) => ({ ...account, credentials: { totp } }));
    const error = await errorOf(factors.use(other.account.id, one.app.code()));
    expect(error?.code).toBe('CONFIGURATION_ERROR');
    expect(error?.message).not.toContain(totp.sealed);
  });

  it('moves to a new encryption key when it is used', async () => {
    const [old, next] = [Buffer.alloc(32, 'old'), Buffer.alloc(32, 'new')];
    const { clock, open, enroll } = setUp({ findEncryptionKeys: () => new EncryptionKeys([old]) });
    const { account, app } = await enroll();
    const withNext = open({ findEncryptionKeys: () => new EncryptionKeys([next]) });
    const error = await errorOf(withNext.use(account.id, app.code()));
    expect(error?.code).toBe('CONFIGURATION_ERROR');
    const withBoth = open({ findEncryptionKeys: () => new EncryptionKeys([next, old]) });
    expect(await outcomeOf(withBoth.use(account.id, app.code()))).toBe('accepted');
    clock.advanceSeconds(30);
    expect(await outcomeOf(withNext.use(account.id, app.code()))).toBe('accepted');
  });
});

describe('an account', () => {
  it('without a second factor, or that is disabled or deleted, accepts no code', async () => {
    const { records, factors, create, enroll, store } = setUp();
    const { id } = await create();
    expect(await outcomeOf(factors.use(id, '123456'))).toBe('INVALID_CODE');
    expect(await outcomeOf(factors.use(createUuidV7(0), '123456'))).toBe('INVALID_CODE');
    const { account, app, recoveryCodes, use } = await enroll();
    await records.change(account.id, (found) => ({ ...found, status: 'disabled' }));
    expect(await use(app.code())).toBe('INVALID_CODE');
    expect(await use(recoveryCodes[0] ?? '')).toBe('INVALID_CODE');
    expect(await outcomeOf(factors.register(account))).toBe('INVALID_CODE');
    await store.delete(account.id);
    expect(await use(app.code())).toBe('INVALID_CODE');
  });

  it('loses its second factor with the recovery codes and what was registered, and nothing else', async () => {
    const { factors, enroll, credentialsOf } = setUp();
    const { account, app, recoveryCodes, use } = await enroll({ credentials: { passwordHash: 'hash' } });
    await factors.register(account);
    await factors.remove(account.id);
    expect(await credentialsOf(account.id)).toEqual({ passwordHash: 'hash' });
    expect(await use(app.code())).toBe('INVALID_CODE');
    expect(await use(recoveryCodes[0] ?? '')).toBe('INVALID_CODE');
    expect(await outcomeOf(factors.remove(account.id))).toBe('NOT_FOUND');
    expect(withoutSecondFactor(account)).toEqual(account);
  });
});
