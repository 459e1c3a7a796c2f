import { createHash, createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

import type { Clock } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import type { EncryptionKeys } from '../issuing/encryption-keys.js';
import { createUuidV7 } from '../issuing/uuid-v7.js';
import { decodeBase64Url } from '../token/base64url.js';
import type { JsonObject } from '../token/json-object.js';
import { askStore } from '../ask-store.js';
import type { OneTimeCodeStore, StoredOneTimeCode } from '../issuing/one-time-code-store.js';

interface CodeLifetimes {
  readonly seconds: number;
  /** The lifetime of the code for typing; `null` where there is none. */
  readonly typedSeconds: number | null;
}

const minutes = 60;
const day = 86_400;

/** How long a code is good for what. A code for typing is an authentication, and is not good for longer than minutes. */
const lifetimes = {
  /** Confirms the address of a sign-up. */
  'verify-email': { seconds: day, typedSeconds: 10 * minutes },
  /** Confirms the new address of an account. */
  'change-email': { seconds: day, typedSeconds: 10 * minutes },
  'reset-password': { seconds: 15 * minutes, typedSeconds: 15 * minutes },
  'magic-link': { seconds: 10 * minutes, typedSeconds: 10 * minutes },
  /** A sign-in that waits for its second factor. Its code is in no mail: it is the `attemptCode` of `MFA_REQUIRED`. */
  'second-factor': { seconds: 5 * minutes, typedSeconds: null },
  /** The challenge of a passkey that is registered. */
  'passkey-registration': { seconds: 5 * minutes, typedSeconds: null },
  /** The challenge of a passkey that somebody signs in with. */
  'passkey-sign-in': { seconds: 5 * minutes, typedSeconds: null },
} as const satisfies Readonly<Record<string, CodeLifetimes>>;

export type CodePurpose = keyof typeof lifetimes;

/** How often a code for typing, or a second factor, may be wrong. */
const mostTries = 5;
/** How every code in a link begins, so that scanners for secrets find it and no issuer is asked about it. */
const linkPrefix = 'goc_';
const linkBytes = 16;
const typedDigits = 6;
/** Asked about where there is no code, so that the answer takes as long. It is the nil UUID (RFC 9562 §5.9). */
const noId = '00000000-0000-0000-0000-000000000000';

/** Not a code, but kept and purged as one. */
const usernamePurpose = 'username';

/** Whom a username is reserved for. */
export interface UsernameHolder {
  readonly emailKey: string;
  /** `null` for a client without cookies. */
  readonly browser: string | null;
}

/** What a code is issued for. */
export interface CodeRequest {
  readonly purpose: CodePurpose;
  /**
   * Whom the code is for: the normalized address that it is sent to. A new code ends the earlier one of its purpose. Left out, the
   * code ends no other, and has no code for typing.
   */
  readonly subject?: string;
  /** The account that the code ends with. @defaultValue none */
  readonly accountId?: string | null;
  /** What the code is bound to; no client sees it. It is stored readable. @defaultValue nothing */
  readonly payload?: JsonObject;
}

/** A code that was issued. Neither of its texts is stored, or can be read again. */
export interface IssuedCode {
  /** The code in the link: 128 random bits. */
  readonly code: string;
  /** The code for typing: six digits; `null` where there is none. */
  readonly typed: string | null;
  /** When the code in the link expires. */
  readonly expiresAt: Date;
}

/** A code that was sent back, and was not used up by that. */
export interface FoundCode {
  readonly id: string;
  readonly purpose: CodePurpose;
  readonly accountId: string | null;
  readonly payload: JsonObject;
  readonly createdAt: Date;
}

export interface OneTimeCodesParts {
  readonly store: OneTimeCodeStore;
  readonly encryptionKeys: EncryptionKeys;
  readonly clock: Clock;
}

/**
 * Issues codes that are used once, and takes them back. A code that is wrong, was used, has expired or was never issued is
 * refused alike. Finding a code does not use it up, so that a link can be opened by what scans mails.
 *
 * The store has hashes alone: SHA-256 of a code in a link, whose 128 bits nobody can try, and for the six digits an HMAC with a
 * key that is derived from the encryption key. Every method throws `AuthUnavailableError` when the store does not answer.
 */
export class OneTimeCodes {
  private readonly store: OneTimeCodeStore;
  private readonly clock: Clock;
  /** Newest first. The first one issues. */
  private readonly keys: readonly Buffer[];

  constructor({ store, encryptionKeys, clock }: OneTimeCodesParts) {
    this.store = store;
    this.clock = clock;
    this.keys = encryptionKeys.derive('one-time code for typing');
  }

  /**
   * Issues a code, and ends the earlier one of its purpose and subject. Issue one for an address without an account as well: what
   * is sent back for it is then answered, and takes as long, as it does for one with an account.
   */
  async issue({ purpose, subject, accountId = null, payload = {} }: CodeRequest): Promise<IssuedCode> {
    const createdAt = this.clock.now();
    const { seconds, typedSeconds } = lifetimes[purpose];
    const id = createUuidV7(createdAt.getTime());
    const after = (length: number): Date => new Date(createdAt.getTime() + length * 1_000);
    const link = randomBytes(linkBytes);
    const typed =
      typedSeconds === null || subject === undefined ? null : { text: createDigits(), expiresAt: after(typedSeconds) };
    const code: StoredOneTimeCode = {
      id,
      purpose,
      subject: hashSubject(subject ?? id),
      accountId,
      linkHash: createHash('sha256').update(link).digest(),
      typed: typed && { hash: this.hashTyped(id, typed.text), expiresAt: typed.expiresAt },
      payload,
      createdAt,
      expiresAt: after(seconds),
    };
    await this.ask(() => this.store.create(code));
    return {
      code: linkPrefix + link.toString('base64url'),
      typed: typed?.text ?? null,
      expiresAt: code.expiresAt,
    };
  }

  /** Finds the code of a link. @throws {RefusalError} `INVALID_CODE`, also for one of another purpose */
  async findByLink(code: string, ...purposes: readonly CodePurpose[]): Promise<FoundCode> {
    const bytes = code.startsWith(linkPrefix) ? decodeBase64Url(code.slice(linkPrefix.length)) : undefined;
    if (bytes?.length !== linkBytes) throw refuse('It has not the form of a code of this app');
    const linkHash = createHash('sha256').update(bytes).digest();
    const found = await this.ask(() => this.store.findByLink(linkHash, this.clock.now()));
    if (found === null) throw refuse('It was never issued, was used or replaced, or has expired');
    if (!isOf(found, purposes)) throw refuse('It is good for something else');
    return toFound(found);
  }

  /**
   * Finds the code that was typed for a subject. Each wrong one takes one of five tries; the code in the link stays valid.
   *
   * @throws {RefusalError} `INVALID_CODE`
   */
  async findByTyped(typed: string, subject: string, ...purposes: readonly CodePurpose[]): Promise<FoundCode> {
    const digits = typed.replaceAll(/[\s-]/g, '');
    if (!/^\d{6}$/.test(digits)) throw refuse('It has not six digits');
    let refusal = refuse('There is no purpose');
    for (const purpose of purposes) {
      const tried = await this.compareTyped(digits, subject, purpose);
      if (!(tried instanceof Error)) return tried;
      refusal = tried;
    }
    throw refusal;
  }

  /**
   * Finds the sign-in that waits for its second factor, and takes one of its five tries. Call it before the factor is compared.
   *
   * @throws {RefusalError} `INVALID_CODE`
   */
  async startTry(attemptCode: string): Promise<FoundCode> {
    const found = await this.findByLink(attemptCode, 'second-factor');
    if (!(await this.ask(() => this.store.takeTry(found.id, mostTries)))) throw refuse('Its tries are used up');
    return found;
  }

  /** Uses a code up. @throws {RefusalError} `INVALID_CODE` for all callers but one */
  async use({ id }: FoundCode): Promise<void> {
    if (!(await this.ask(() => this.store.use(id, this.clock.now())))) throw refuse('It was used at the same moment');
  }

  /**
   * Reserves a username for whoever signs up with it, for as long as the code of a sign-up is valid: also where nothing else of the sign-up
   * is stored, so that a taken username does not tell whether an address has an account.
   *
   * @param holder the normalized address, or the browser, that it may be reserved for already
   * @returns `false` where it is reserved for somebody else
   */
  async reserveUsername(username: string, holder: UsernameHolder): Promise<boolean> {
    const createdAt = this.clock.now();
    const subject = hashSubject(username);
    const known = await this.ask(() => this.store.findBySubject(usernamePurpose, subject, createdAt));
    const mine = { address: hashSubject(holder.emailKey), browser: holder.browser };
    const { address, browser } = known?.payload ?? mine;
    if (address !== mine.address && (mine.browser === null || browser !== mine.browser)) return false;
    const reservation: StoredOneTimeCode = {
      id: createUuidV7(createdAt.getTime()),
      purpose: usernamePurpose,
      subject,
      accountId: null,
      linkHash: null,
      typed: null,
      payload: mine,
      createdAt,
      expiresAt: new Date(createdAt.getTime() + lifetimes['verify-email'].seconds * 1_000),
    };
    await this.ask(() => this.store.create(reservation));
    return true;
  }

  /** Ends all codes of an account. */
  async endOfAccount(accountId: string): Promise<void> {
    await this.ask(() => this.store.endOfAccount(accountId));
  }

  private async compareTyped(digits: string, subject: string, purpose: CodePurpose): Promise<FoundCode | RefusalError> {
    const now = this.clock.now();
    const found = await this.ask(() => this.store.findBySubject(purpose, hashSubject(subject), now));
    const typed = found?.typed;
    const isOpen = typed !== null && typed !== undefined && typed.expiresAt > now;
    // A try is taken before the comparison, so that no more than five are compared, however many come at once.
    const isTaken = await this.ask(() => this.store.takeTry(isOpen && found !== null ? found.id : noId, mostTries));
    if (found === null || !isOpen)
      return refuse('No such code was issued to this subject, or it was used or has expired');
    if (!isTaken) return refuse('Its tries are used up');
    if (!this.keys.some((key) => isEqual(typed.hash, hashWith(key, found.id, digits)))) return refuse('It is wrong');
    await this.ask(() => this.store.returnTry(found.id));
    return toFound(found);
  }

  private hashTyped(id: string, digits: string): Buffer {
    const [key] = this.keys;
    if (key === undefined) throw new TypeError('There is no encryption key');
    return hashWith(key, id, digits);
  }

  private ask<Result>(call: () => Promise<Result>): Promise<Result> {
    return askStore('of the one-time codes', call);
  }
}

/** All numbers are equally likely. */
function createDigits(): string {
  return String(randomInt(10 ** typedDigits)).padStart(typedDigits, '0');
}

/** The id is a part of it, so that the hash of one code is of no use for another one. */
function hashWith(key: Buffer, id: string, digits: string): Buffer {
  return createHmac('sha256', key).update(`${id}\0${digits}`).digest();
}

/** Of a length that any store takes. As JSON, two texts that UTF-8 would write alike (lone surrogates) stay apart. */
function hashSubject(subject: string): string {
  return createHash('sha256').update(JSON.stringify(subject)).digest('base64url');
}

function isEqual(stored: Uint8Array, given: Buffer): boolean {
  return stored.byteLength === given.byteLength && timingSafeEqual(stored, given);
}

function isOf(
  code: StoredOneTimeCode,
  purposes: readonly string[],
): code is StoredOneTimeCode & { purpose: CodePurpose } {
  return purposes.includes(code.purpose);
}

function toFound({ id, purpose, accountId, payload, createdAt }: StoredOneTimeCode): FoundCode {
  return { id, purpose: purpose as CodePurpose, accountId, payload, createdAt };
}

function refuse(explanation: string): RefusalError {
  return RefusalError.of('INVALID_CODE', `The code was refused. ${explanation}`);
}
