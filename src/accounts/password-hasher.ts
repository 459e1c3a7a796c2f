import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isUnicodeText } from '../configuration/unicode-text.js';
import { AuthUnavailableError, ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { FairQueue } from '../upstream/fair-queue.js';
import { AnswerPace } from './answer-pace.js';
import { PasswordAlgorithms, type PasswordPackages } from './password-algorithms.js';
import {
  type Argon2Hash,
  costOf,
  formatPasswordHash,
  parsePasswordHash,
  type PasswordHash,
  type ScryptHash,
  workKib,
} from './password-hash-formats.js';

/** The most characters that a password may have. */
export const longestPassword = 1024;

/** What a password proved to be. After `right-but-rehash` the account is given `hash(password)`: the stored one is weaker. */
export type PasswordVerdict = 'wrong' | 'right' | 'right-but-rehash';

export interface PasswordHasherOptions {
  /** How many hashes are computed at once. @defaultValue one for each core, at most 4, and one thread of libuv's pool is left free */
  readonly mostAtOnce?: number;
  /** How many further ones wait. @defaultValue 500 */
  readonly mostWaiting?: number;
  /** How long they wait. @defaultValue 10,000 */
  readonly patienceMs?: number;
  readonly packages?: PasswordPackages;
}

type OwnHash = Argon2Hash | ScryptHash;

/**
 * Hashes passwords and verifies them: argon2id where `@node-rs/argon2` is installed, scrypt otherwise, with the parameters that OWASP
 * recommends. Stored hashes of argon2, scrypt, bcrypt and PBKDF2 are verified whatever new ones are made with.
 *
 * Hashes are computed in libuv's thread pool, few at once. The others wait in a queue, in which each group (the network of the
 * client) has its turn; one that had no turn in time fails with an {@link AuthUnavailableError}, which is answered with 503.
 */
export class PasswordHasher {
  private readonly algorithms: PasswordAlgorithms;
  private readonly queue: FairQueue;
  private readonly pace = new AnswerPace();
  private readonly patienceMs: number;
  private readonly mostWaiting: number;
  private nothing: Promise<OwnHash> | undefined;

  constructor(options: PasswordHasherOptions = {}) {
    const { mostAtOnce = usableThreads(), mostWaiting = 500, patienceMs = 10_000 } = options;
    this.algorithms = new PasswordAlgorithms(options.packages);
    this.queue = new FairQueue({ mostRunning: mostAtOnce, mostWaiting });
    this.mostWaiting = mostWaiting;
    this.patienceMs = patienceMs;
  }

  /**
   * Hashes a password, as a PHC string.
   *
   * @throws {RefusalError} for what no password can be: `isPossible` tells
   * @throws {AuthUnavailableError} when there was no turn for it
   */
  async hash(password: string, group?: string): Promise<string> {
    if (!isPossible(password)) throw RefusalError.input([{ path: 'password', message: impossiblePassword }]);
    const model = await this.createModel();
    return await this.run(group, async () => {
      const key = await this.algorithms.derive(Buffer.from(password.normalize('NFKC')), model);
      return formatPasswordHash({ ...model, key });
    });
  }

  /**
   * Verifies a password. Without a stored hash it takes as long as with one, and is wrong: an account that does not exist, or has no
   * password, must not be told by the time.
   *
   * @throws {ConfigurationError} when the stored hash cannot be verified: this is never taken for a wrong password
   * @throws {AuthUnavailableError} when there was no turn for it
   */
  async verify(password: string, stored: string | null, group?: string): Promise<PasswordVerdict> {
    // The same for all accounts.
    if (!isPossible(password)) return 'wrong';
    const own = await this.getNothing();
    const hash = stored === null ? own : readStored(stored);
    await this.algorithms.prepare(hash.kind);
    const spellings = spellingsOf(password);
    const { verdict, tookMs } = await this.run(group, async () => {
      const began = performance.now();
      const found = await this.findSpelling(spellings, hash);
      return { verdict: toVerdict(found, hash, own), tookMs: performance.now() - began };
    });
    if (verdict === 'wrong') await this.wait(costOf(hash), tookMs, spellings.length);
    return verdict;
  }

  /** Takes as long as `verify` with a wrong password, for a login that has no account. */
  async verifyAgainstNothing(password: string, group?: string): Promise<'wrong'> {
    await this.verify(password, null, group);
    return 'wrong';
  }

  /**
   * Checks a hash that another system has made, before it is stored.
   *
   * @throws {RefusalError} when its form is unknown, or it costs too much (`INVALID_INPUT`)
   * @throws {ConfigurationError} when a package that verifies it is not installed
   */
  async checkImported(stored: string): Promise<void> {
    const hash = parsePasswordHash(stored);
    if ('problem' in hash) throw RefusalError.input([{ path: 'passwordHash', message: hash.problem }]);
    await this.algorithms.prepare(hash.kind);
  }

  private async findSpelling(spellings: readonly Buffer[], hash: PasswordHash): Promise<number> {
    for (const [at, spelling] of spellings.entries()) {
      if (await this.algorithms.matches(spelling, hash)) return at;
    }
    return -1;
  }

  private async wait(cost: string, tookMs: number, times: number): Promise<void> {
    const restMs = this.pace.restOf(cost, tookMs / times) * times;
    if (restMs > 0) await sleep(restMs);
  }

  private run<Result>(group: string | undefined, work: () => Promise<Result>): Promise<Result> {
    return this.queue.run(work, {
      ...(group !== undefined && { group }),
      patienceMs: this.patienceMs,
      toError: () =>
        new AuthUnavailableError(
          `Too many passwords are hashed at once: this one had no turn within ${this.patienceMs} ms, or ${this.mostWaiting} waited already`,
        ),
    });
  }

  /** A hash that no password has, which costs what a new one costs. */
  private getNothing(): Promise<OwnHash> {
    this.nothing ??= this.createModel();
    return this.nothing;
  }

  private async createModel(): Promise<OwnHash> {
    const [salt, key] = [randomBytes(16), randomBytes(32)];
    return (await this.algorithms.hasArgon2())
      ? { kind: 'argon2', type: 'argon2id', version: 19, memoryKib: 19 * 1024, passes: 2, lanes: 1, salt, key }
      : { kind: 'scrypt', cost: 2 ** 14, blockSize: 8, parallelization: 5, salt, key };
  }
}

const impossiblePassword = `It has 1 to ${longestPassword} characters, none of them U+0000 or half a surrogate pair`;

/** Whether a text can be a password: neither empty, nor too long, nor with what is no character. */
export function isPossible(password: string): boolean {
  // First what takes no time for a long text.
  if (password === '' || password.length > 2 * longestPassword || !isUnicodeText(password)) return false;
  return lengthOf(password) <= longestPassword && lengthOf(password.normalize('NFKC')) <= longestPassword;
}

/** How many characters a text has: Unicode code points. */
export function lengthOf(text: string): number {
  return Array.from(text).length;
}

/**
 * A password as it was hashed here, and as it was sent: systems that did not normalize have hashed the latter. A hash made here is of
 * normalized text, so it has no second password.
 */
function spellingsOf(password: string): readonly Buffer[] {
  return [...new Set([password.normalize('NFKC'), password])].map((text) => Buffer.from(text));
}

function toVerdict(found: number, hash: PasswordHash, own: OwnHash): PasswordVerdict {
  if (found < 0) return 'wrong';
  return found > 0 || isWeaker(hash, own) ? 'right-but-rehash' : 'right';
}

/** Whether a hash should be replaced by one that is made today. Memory is what makes guessing dear, so it counts by itself. */
function isWeaker(hash: PasswordHash, own: OwnHash): boolean {
  if (hash.kind !== own.kind || hash.key.length < own.key.length || hash.salt.length < own.salt.length) return true;
  if (workKib(hash) < workKib(own)) return true;
  if (hash.kind === 'scrypt') return hash.cost * hash.blockSize < 2 ** 16;
  return hash.type !== 'argon2id' || hash.version !== 19 || hash.memoryKib < 7 * 1024;
}

function readStored(stored: string): PasswordHash {
  const hash = parsePasswordHash(stored);
  if (!('problem' in hash)) return hash;
  throw new ConfigurationError(
    'A stored password hash',
    `it cannot be verified: ${hash.problem}`,
    'Check what was imported, and set a new password, or none, for this account',
  );
}

/**
 * How many hashes may run at once. libuv's threads also read files, look up names and check signatures: with all of them in use, these
 * would wait for a hash to end. More hashes than cores do not end sooner.
 */
function usableThreads(): number {
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
  const free = Number.isInteger(threads) && threads > 0 ? threads - 1 : 3;
  return Math.max(1, Math.min(4, free, availableParallelism()));
}
