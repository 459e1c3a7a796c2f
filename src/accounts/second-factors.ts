import { createHash, randomBytes } from 'node:crypto';

import { findPackage, loadPackage } from '../configuration/load-package.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { EncryptionKeys } from '../issuing/encryption-keys.js';
import { AccountError } from './account-error.js';
import type { AccountRecords } from './account-records.js';
import type { AccountCredentials, FoundAccount, StoredTotp } from './account-store.js';

/** What is used of `otpauth`. */
interface OtpPackage {
  readonly Secret: new (options: { readonly size: number }) => { readonly base32: string };
  readonly TOTP: new (options: {
    readonly issuer?: string;
    readonly label?: string;
    readonly secret: string;
    readonly algorithm: string;
    readonly digits: number;
    readonly period: number;
  }) => OtpCodes;
}

interface OtpCodes {
  validate(options: { readonly token: string; readonly timestamp: number; readonly window: number }): number | null;
  toString(): string;
}

const otpPackage = {
  where: 'AccountsModule.forRoot({ totp })',
  name: 'otpauth',
  install: 'npm install otpauth@9',
} as const;

/** For the log of an app without the package, where the routes of second factors are asked for. */
export const installOtpPackage = `the package ${otpPackage.name} is not installed; install it: ${otpPackage.install}`;

/** The length that RFC 4226 §4 recommends, in bytes. */
const secretBytes = 20;
/** What authenticator apps take for granted, some of them whatever the URI says (RFC 6238 §4). */
const otpTerms = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
const stepMs = otpTerms.period * 1_000;
/** How long a secret that was handed out waits for its first code. */
const registrationMs = 10 * 60_000;

const recoveryCodeCount = 10;
/** Letters and digits that are not mistaken for one another: five bits each. */
const recoveryAlphabet = '0123456789abcdefghjkmnpqrstvwxyz';
/** 125 bits, so that a hash without salt or cost is enough: nobody can try them. */
const recoveryLength = 25;

/** What a person adds to an authenticator app. */
export interface TotpRegistration {
  /** The secret in base32, for typing. */
  readonly secret: string;
  /** The same with the names of the app and the account, for a QR code: `otpauth://totp/…`. */
  readonly uri: string;
}

/** The second factor after the use of a code; `null` for a code that is wrong. */
type CodeUse = (totp: StoredTotp) => StoredTotp | null;

export interface SecondFactorsParts {
  readonly records: AccountRecords;
  readonly findEncryptionKeys: () => EncryptionKeys;
  /** The name of the app that authenticator apps show. */
  readonly issuer: string;
  readonly loadPackage?: () => Promise<OtpPackage>;
}

/**
 * Registers and checks the second factors of accounts: codes of an authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 seconds), and
 * recovery codes for whoever has lost it.
 *
 * A code is accepted in its own time step, the one before and the one after, and used once, whatever the number of instances. Secrets are
 * stored encrypted, recovery codes as SHA-256.
 */
export class SecondFactors {
  private readonly load: () => Promise<OtpPackage>;
  private loaded: Promise<OtpPackage | null> | undefined;

  constructor(private readonly parts: SecondFactorsParts) {
    this.load = parts.loadPackage ?? (() => import('otpauth'));
  }

  /** Whether `otpauth` is installed. */
  async isAvailable(): Promise<boolean> {
    return (await this.findPackage()) !== null;
  }

  /** @throws {ConfigurationError} when `otpauth` is not installed */
  async checkIsAvailable(): Promise<void> {
    await this.getPackage();
  }

  /**
   * Makes a secret, which is in force once `confirm` gets a code of it, within 10 minutes. A second factor that the account has already
   * stays in force until then.
   */
  async register(account: FoundAccount): Promise<TotpRegistration> {
    const { Secret, TOTP } = await this.getPackage();
    const { records, issuer } = this.parts;
    const secret = new Secret({ size: secretBytes }).base32;
    const label = account.email ?? account.username ?? account.id;
    const expiresAtMs = records.now().getTime() + registrationMs;
    const pendingTotp = { sealed: this.seal(account.id, secret), expiresAtMs };
    await this.change(account.id, (credentials) => ({ ...credentials, pendingTotp }));
    return { secret, uri: new TOTP({ ...otpTerms, secret, issuer, label }).toString() };
  }

  /**
   * Puts the secret that was registered last in force, in the place of an earlier one, whose recovery codes end with it.
   *
   * @returns the recovery codes, which cannot be read again
   * @throws {RefusalError} `INVALID_CODE` when the code is wrong, or nothing was registered within 10 minutes
   */
  async confirm(accountId: string, code: string): Promise<readonly string[]> {
    const typed = toTyped(code);
    if (!isOtp(typed)) throw wrongCode();
    const use = await this.otpUse(accountId, typed);
    const codes = Array.from({ length: recoveryCodeCount }, createRecoveryCode);
    const recoveryCodes = codes.map(hashRecoveryCode);
    const nowMs = this.parts.records.now().getTime();
    await this.change(accountId, ({ pendingTotp, ...others }) => {
      if (pendingTotp === undefined || pendingTotp.expiresAtMs <= nowMs) return null;
      const totp = use({ sealed: pendingTotp.sealed, lastStep: 0, recoveryCodes });
      return totp && { ...others, totp };
    });
    return codes;
  }

  /**
   * Checks a code of the authenticator app, or a recovery code, and uses it up: of many calls at once, one is not refused.
   *
   * @throws {RefusalError} `INVALID_CODE`, also for an account that has no second factor, or is disabled or deleted
   * @throws {ConfigurationError} when `otpauth` is not installed, or the secret cannot be decrypted
   */
  async use(accountId: string, code: string): Promise<void> {
    const typed = toTyped(code);
    const use = isOtp(typed) ? await this.otpUse(accountId, typed) : recoveryUse(typed);
    await this.change(accountId, (credentials) => {
      const totp = credentials.totp === undefined ? null : use(credentials.totp);
      return totp && { ...credentials, totp };
    });
  }

  /** Removes the second factor of an account, and its recovery codes. @throws {AccountError} `NOT_FOUND` when it has none */
  async remove(accountId: string): Promise<void> {
    await this.parts.records.change(accountId, (account) => {
      if (account.credentials.totp !== undefined) return withoutSecondFactor(account);
      throw AccountError.because('NOT_FOUND', 'The account has no second factor');
    });
  }

  private async otpUse(accountId: string, typed: string): Promise<CodeUse> {
    const { TOTP } = await this.getPackage();
    const current = Math.floor(this.parts.records.now().getTime() / stepMs);
    return ({ sealed, lastStep, recoveryCodes }) => {
      const secret = this.open(accountId, sealed);
      const codes = new TOTP({ ...otpTerms, secret });
      const isOf = (step: number): boolean =>
        codes.validate({ token: typed, timestamp: step * stepMs, window: 0 }) !== null;
      const step = [current, current - 1, current + 1].find((candidate) => candidate > lastStep && isOf(candidate));
      if (step === undefined) return null;
      // Encrypted again, so that a secret in use moves to the newest encryption key.
      return { sealed: this.seal(accountId, secret), lastStep: step, recoveryCodes };
    };
  }

  /** Changes the credentials in one atomic step. @throws {RefusalError} `INVALID_CODE` where `decide` gives `null` */
  private async change(
    accountId: string,
    decide: (credentials: AccountCredentials) => AccountCredentials | null,
  ): Promise<void> {
    const changed = await this.parts.records.ask((store) =>
      store.change(accountId, (account) => {
        const credentials = account.status === 'enabled' ? decide(account.credentials) : null;
        if (credentials === null) throw wrongCode();
        return { ...account, credentials };
      }),
    );
    if (changed === null) throw wrongCode();
  }

  private seal(accountId: string, secret: string): string {
    return this.parts.findEncryptionKeys().seal(Buffer.from(secret), contextOf(accountId)).toString('base64');
  }

  private open(accountId: string, sealed: string): string {
    try {
      return this.parts.findEncryptionKeys().open(Buffer.from(sealed, 'base64'), contextOf(accountId)).toString();
    } catch {
      throw new ConfigurationError(
        'A stored second factor',
        'its secret cannot be decrypted with the encryptionKey of this app',
        'If encryptionKey was changed, add the old key behind the new one: [new, old]',
      );
    }
  }

  private async getPackage(): Promise<OtpPackage> {
    return (await this.findPackage()) ?? (await loadPackage(this.load, otpPackage));
  }

  private findPackage(): Promise<OtpPackage | null> {
    this.loaded ??= this.loadOnce();
    return this.loaded;
  }

  private async loadOnce(): Promise<OtpPackage | null> {
    const found = await findPackage(this.load, otpPackage.name);
    // Once more for what `loadPackage` does with the names of a package in CommonJS.
    return found === null ? null : await loadPackage(() => Promise.resolve(found), otpPackage);
  }
}

/** An account without its second factor, its recovery codes, and a registration that was not confirmed. */
export function withoutSecondFactor(account: FoundAccount): FoundAccount {
  const credentials: Writable<AccountCredentials> = { ...account.credentials };
  delete credentials.totp;
  delete credentials.pendingTotp;
  return { ...account, credentials };
}

type Writable<Value> = { -readonly [Name in keyof Value]: Value[Name] };

function recoveryUse(typed: string): CodeUse {
  const hash = hashRecoveryCode(typed);
  return ({ recoveryCodes, ...others }) =>
    recoveryCodes.includes(hash) ? { ...others, recoveryCodes: recoveryCodes.filter((one) => one !== hash) } : null;
}

/** In groups of five: `8k2vq-…`. Each character is equally likely. */
function createRecoveryCode(): string {
  const characters = Array.from(randomBytes(recoveryLength), (byte) => recoveryAlphabet.charAt(byte % 32)).join('');
  return characters.replaceAll(/.{5}(?=.)/g, '$&-');
}

/** Whoever reads a code from paper may take a one for an I or an L, and a zero for an O. */
function hashRecoveryCode(code: string): string {
  const key = toTyped(code).toLowerCase().replaceAll('o', '0').replaceAll(/[il]/g, '1');
  return createHash('sha256').update(key).digest('base64url');
}

/** Authenticator apps show a blank in the middle of a code. */
function toTyped(code: string): string {
  return code.replaceAll(/[\s-]/g, '');
}

function isOtp(typed: string): boolean {
  return /^\d{6}$/.test(typed);
}

/** What a secret is encrypted for: it opens only as that of the same account. */
function contextOf(accountId: string): string {
  return `totp secret of the account ${accountId}`;
}

function wrongCode(): RefusalError {
  return RefusalError.of('INVALID_CODE', 'The second factor is wrong, was used or is too old, or the account has none');
}
