import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { findPackage, loadPackage } from '../configuration/load-package.js';
import { ConfigurationError } from '../errors/auth-error.js';
import {
  type Argon2Hash,
  memoryKibOf,
  type PasswordHash,
  type Pbkdf2Hash,
  type ScryptHash,
} from './password-hash-formats.js';

/** What is used of `@node-rs/argon2`. */
interface Argon2Package {
  hashRaw(
    password: Uint8Array,
    options: {
      readonly algorithm: number;
      readonly version: number;
      readonly memoryCost: number;
      readonly timeCost: number;
      readonly parallelism: number;
      readonly outputLen: number;
      readonly salt: Uint8Array;
    },
  ): Promise<Buffer>;
}

/** What is used of `@node-rs/bcrypt`. */
interface BcryptPackage {
  verify(password: Uint8Array, hash: string): Promise<boolean>;
}

/** How the optional packages are loaded. */
export interface PasswordPackages {
  readonly argon2: () => Promise<Argon2Package>;
  readonly bcrypt: () => Promise<BcryptPackage>;
}

const packages: PasswordPackages = {
  argon2: () => import('@node-rs/argon2'),
  bcrypt: () => import('@node-rs/bcrypt'),
};

const argon2Package = {
  where: 'A password hash of argon2',
  name: '@node-rs/argon2',
  install: 'npm install @node-rs/argon2@2',
} as const;

const bcryptPackage = {
  where: 'A password hash of bcrypt',
  name: '@node-rs/bcrypt',
  install: 'npm install @node-rs/bcrypt@2',
} as const;

const argon2Types = { argon2d: 0, argon2i: 1, argon2id: 2 } as const;
const argon2Versions = { 16: 0, 19: 1 } as const;

/** bcrypt reads so many bytes of a password. */
const bcryptBytes = 72;

const deriveScrypt = promisify<Buffer, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
);
const derivePbkdf2 = promisify(pbkdf2);

/** The algorithms behind stored hashes. All of them work in libuv's thread pool. */
export class PasswordAlgorithms {
  private argon2: Promise<Argon2Package | null> | undefined;
  private bcrypt: Promise<BcryptPackage> | undefined;

  constructor(private readonly load: PasswordPackages = packages) {}

  /**
   * Whether argon2 is installed.
   *
   * @throws {ConfigurationError} when it is installed and does not load
   */
  async hasArgon2(): Promise<boolean> {
    return (await this.findArgon2()) !== null;
  }

  /**
   * Makes sure that hashes of a kind can be verified.
   *
   * @throws {ConfigurationError} when a package is missing
   */
  async prepare(kind: PasswordHash['kind']): Promise<void> {
    if (kind === 'argon2') await this.getArgon2();
    if (kind === 'bcrypt') await this.getBcrypt();
  }

  /** Computes the key of a password with the salt and the cost of a hash. */
  async derive(password: Buffer, hash: Argon2Hash | ScryptHash | Pbkdf2Hash): Promise<Buffer> {
    const { salt, key } = hash;
    switch (hash.kind) {
      case 'argon2':
        return await (await this.getArgon2()).hashRaw(password, {
          algorithm: argon2Types[hash.type],
          version: argon2Versions[hash.version],
          memoryCost: hash.memoryKib,
          timeCost: hash.passes,
          parallelism: hash.lanes,
          outputLen: key.length,
          salt,
        });
      case 'scrypt':
        return await deriveScrypt(password, salt, key.length, {
          N: hash.cost,
          r: hash.blockSize,
          p: hash.parallelization,
          // What Node compares with this is a little more than the memory of the algorithm.
          maxmem: memoryKibOf(hash) * 1024 + 256 * hash.blockSize * (hash.parallelization + 2) + 2 ** 20,
        });
      case 'pbkdf2':
        return await derivePbkdf2(password, salt, hash.iterations, key.length, hash.digest);
    }
  }

  /** Whether a password is the one of a hash. */
  async matches(password: Buffer, hash: PasswordHash): Promise<boolean> {
    if (hash.kind !== 'bcrypt') return timingSafeEqual(await this.derive(password, hash), hash.key);
    const isRight = await (await this.getBcrypt()).verify(password.subarray(0, bcryptBytes), hash.text);
    // A longer password would be right with any end, so it is wrong. The work is the same, so that the time does not tell.
    return isRight && password.length <= bcryptBytes;
  }

  private async getArgon2(): Promise<Argon2Package> {
    const found = await this.findArgon2();
    return found ?? (await loadPackage(this.load.argon2, argon2Package));
  }

  private findArgon2(): Promise<Argon2Package | null> {
    this.argon2 ??= this.loadArgon2();
    return this.argon2;
  }

  private async loadArgon2(): Promise<Argon2Package | null> {
    const found = await usable(argon2Package, () => findPackage(this.load.argon2, argon2Package.name));
    // Once more for what `loadPackage` does with the names of a package in CommonJS.
    return found === null ? null : await loadPackage(() => Promise.resolve(found), argon2Package);
  }

  private getBcrypt(): Promise<BcryptPackage> {
    this.bcrypt ??= usable(bcryptPackage, () => loadPackage(this.load.bcrypt, bcryptPackage));
    return this.bcrypt;
  }
}

/** These packages have a native part for each platform, which may be missing where `node_modules` was copied from another one. */
async function usable<Module>(
  { where, name, install }: { where: string; name: string; install: string },
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError(
      where,
      `the package ${name} is installed, and its native part for this platform does not load`,
      `Install it again on this platform: ${install}`,
    );
  }
}
