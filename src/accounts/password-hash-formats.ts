/** What was stored of a password, and what it cost. */
export type PasswordHash = Argon2Hash | ScryptHash | Pbkdf2Hash | BcryptHash;

export interface Argon2Hash {
  readonly kind: 'argon2';
  readonly type: 'argon2d' | 'argon2i' | 'argon2id';
  readonly version: 16 | 19;
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

export interface ScryptHash {
  readonly kind: 'scrypt';
  /** N of RFC 7914, a power of two. */
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

export interface Pbkdf2Hash {
  readonly kind: 'pbkdf2';
  readonly digest: 'sha1' | 'sha256' | 'sha512';
  readonly iterations: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

interface BcryptHash {
  readonly kind: 'bcrypt';
  /** The logarithm of the number of rounds. */
  readonly cost: number;
  readonly text: string;
}

/** Why a text cannot be used as the hash of a password, as a sentence without a full stop. It never repeats the text. */
export interface HashProblem {
  readonly problem: string;
}

const acceptedForms =
  'argon2 and scrypt as PHC strings ($argon2id$v=19$m=…, $scrypt$ln=…), bcrypt ($2a$, $2b$, $2y$), PBKDF2 ($pbkdf2-sha256$…), and what ' +
  'Django, passlib and Werkzeug write of these';

/**
 * The most that a stored hash may cost, so that no hash takes more than about two seconds or 256 MiB: whoever can write hashes, an
 * import of an old database among them, must not be able to stop the app.
 */
const limits = {
  memoryKib: 256 * 1024,
  /** Memory times passes. */
  argon2Kib: 1024 * 1024,
  scryptKib: 512 * 1024,
  bcryptCost: 15,
  pbkdf2Iterations: 5_000_000,
} as const;

/** Fewer bytes than 16 could be guessed, more than 128 are no hash of a password. */
const keyBytes = { least: 16, most: 128 } as const;
const longestText = 1024;

/** A form of the texts, with what its groups mean. */
interface HashForm {
  readonly pattern: RegExp;
  readonly read: (groups: Readonly<Record<string, string | undefined>>) => PasswordHash;
}

const forms: readonly HashForm[] = [
  {
    // Django writes its own name of the algorithm before the PHC string. Without a version it is 16 (0x10).
    pattern:
      /^(?:argon2)?\$(?<type>argon2(?:id|i|d))(?:\$v=(?<version>16|19))?\$m=(?<memory>\d{1,9}),t=(?<passes>\d{1,9}),p=(?<lanes>\d{1,3})\$(?<salt>[A-Za-z\d+/]+)\$(?<key>[A-Za-z\d+/]+)$/,
    read: ({ type, version, memory, passes, lanes, salt, key }) => ({
      kind: 'argon2',
      type: type === 'argon2id' ? 'argon2id' : type === 'argon2i' ? 'argon2i' : 'argon2d',
      version: version === '19' ? 19 : 16,
      memoryKib: Number(memory),
      passes: Number(passes),
      lanes: Number(lanes),
      salt: fromBase64(salt),
      key: fromBase64(key),
    }),
  },
  {
    // `ln` is the logarithm of `n`, which AdonisJS writes in its place.
    pattern:
      /^\$scrypt\$(?:ln=(?<log>\d{1,2})|n=(?<cost>\d{1,9})),r=(?<block>\d{1,9}),p=(?<parallel>\d{1,9})\$(?<salt>[A-Za-z\d+/.]+)\$(?<key>[A-Za-z\d+/.]+)$/,
    read: ({ log, cost, block, parallel, salt, key }) =>
      scryptHash(log === undefined ? cost : 2 ** Number(log), block, parallel, fromBase64(salt), fromBase64(key)),
  },
  {
    // Django. The salt is a text here and in Werkzeug's forms.
    pattern:
      /^scrypt\$(?<cost>\d{1,9})\$(?<salt>[^$]+)\$(?<block>\d{1,9})\$(?<parallel>\d{1,9})\$(?<key>[A-Za-z\d+/]+={0,2})$/,
    read: ({ cost, block, parallel, salt, key }) =>
      scryptHash(cost, block, parallel, Buffer.from(salt ?? ''), fromBase64(key)),
  },
  {
    // Werkzeug (Flask).
    pattern: /^scrypt:(?<cost>\d{1,9}):(?<block>\d{1,9}):(?<parallel>\d{1,9})\$(?<salt>[^$]+)\$(?<key>[0-9a-f]+)$/,
    read: ({ cost, block, parallel, salt, key }) =>
      scryptHash(cost, block, parallel, Buffer.from(salt ?? ''), Buffer.from(key ?? '', 'hex')),
  },
  {
    // PHC strings, and passlib's, which have the number alone, `.` in place of `+`, and no digest for SHA-1.
    pattern:
      /^\$pbkdf2(?:-(?<digest>sha1|sha256|sha512))?\$(?:i=)?(?<iterations>\d{1,9})(?:,l=\d{1,3})?\$(?<salt>[A-Za-z\d+/.]+)\$(?<key>[A-Za-z\d+/.]+)$/,
    read: ({ digest, iterations, salt, key }) => pbkdf2Hash(digest, iterations, fromBase64(salt), fromBase64(key)),
  },
  {
    // Django.
    pattern: /^pbkdf2_(?<digest>sha1|sha256)\$(?<iterations>\d{1,9})\$(?<salt>[^$]+)\$(?<key>[A-Za-z\d+/]+={0,2})$/,
    read: ({ digest, iterations, salt, key }) =>
      pbkdf2Hash(digest, iterations, Buffer.from(salt ?? ''), fromBase64(key)),
  },
  {
    // Werkzeug (Flask).
    pattern: /^pbkdf2:(?<digest>sha1|sha256|sha512):(?<iterations>\d{1,9})\$(?<salt>[^$]+)\$(?<key>[0-9a-f]+)$/,
    read: ({ digest, iterations, salt, key }) =>
      pbkdf2Hash(digest, iterations, Buffer.from(salt ?? ''), Buffer.from(key ?? '', 'hex')),
  },
  {
    // The last characters of salt and hash have bits that mean nothing: a text in which they are set verifies nowhere. `$2x$` is
    // the mark of hashes made wrongly, of which several passwords have the same.
    pattern:
      /^(?:bcrypt\$)?(?<text>\$2[aby]\$(?<cost>\d\d)\$[./\dA-Za-z]{21}[.Oeu][./\dA-Za-z]{30}[.CGKOSWaeimquy26])$/,
    read: ({ cost, text }) => ({ kind: 'bcrypt', cost: Number(cost), text: text ?? '' }),
  },
];

/** Reads the stored hash of a password, in any of the forms that are accepted. */
export function parsePasswordHash(text: string): PasswordHash | HashProblem {
  if (text.length > longestText) return { problem: 'it is too long for the hash of a password' };
  for (const { pattern, read } of forms) {
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) continue;
    const hash = read(groups);
    const problem = findProblem(hash);
    return problem === null ? hash : { problem };
  }
  return { problem: `its form is not known. Accepted are ${acceptedForms}` };
}

/** Writes a hash as a PHC string. */
export function formatPasswordHash(hash: Argon2Hash | ScryptHash): string {
  const end = `${toBase64(hash.salt)}$${toBase64(hash.key)}`;
  if (hash.kind === 'scrypt') {
    return `$scrypt$ln=${Math.log2(hash.cost)},r=${hash.blockSize},p=${hash.parallelization}$${end}`;
  }
  return `$${hash.type}$v=${hash.version}$m=${hash.memoryKib},t=${hash.passes},p=${hash.lanes}$${end}`;
}

/** Names algorithm and cost of a hash: hashes of one name take the same time. */
export function costOf(hash: PasswordHash): string {
  switch (hash.kind) {
    case 'argon2':
      return `${hash.type}:${hash.memoryKib}:${hash.passes}:${hash.lanes}`;
    case 'scrypt':
      return `scrypt:${hash.cost}:${hash.blockSize}:${hash.parallelization}`;
    case 'pbkdf2':
      return `${hash.digest}:${hash.iterations}:${hash.key.length}`;
    case 'bcrypt':
      return `bcrypt:${hash.cost}`;
  }
}

/** Memory times passes of argon2 or scrypt, in KiB: what one guess costs. */
export function workKib(hash: Argon2Hash | ScryptHash): number {
  return hash.kind === 'argon2' ? hash.memoryKib * hash.passes : memoryKibOf(hash) * hash.parallelization;
}

/** The memory that one hash takes. */
export function memoryKibOf(hash: ScryptHash): number {
  return (hash.cost * hash.blockSize) / 8;
}

function scryptHash(
  cost: string | number | undefined,
  block: string | undefined,
  parallel: string | undefined,
  salt: Buffer,
  key: Buffer,
): ScryptHash {
  const numbers = { cost: Number(cost), blockSize: Number(block), parallelization: Number(parallel) };
  return { kind: 'scrypt', ...numbers, salt, key };
}

function pbkdf2Hash(digest: string | undefined, iterations: string | undefined, salt: Buffer, key: Buffer): Pbkdf2Hash {
  const known = digest === 'sha256' || digest === 'sha512' ? digest : 'sha1';
  return { kind: 'pbkdf2', digest: known, iterations: Number(iterations), salt, key };
}

const isDear = 'it costs more to verify than is allowed';

function findProblem(hash: PasswordHash): string | null {
  switch (hash.kind) {
    case 'argon2':
      return findArgon2Problem(hash) ?? findKeyProblem(hash);
    case 'scrypt':
      return findScryptProblem(hash) ?? findKeyProblem(hash);
    case 'pbkdf2':
      return findPbkdf2Problem(hash) ?? findKeyProblem(hash);
    case 'bcrypt':
      return findBcryptProblem(hash);
  }
}

function findBcryptProblem({ cost }: BcryptHash): string | null {
  if (cost < 4 || cost > 31) return 'its parameters are not those of bcrypt';
  return cost > limits.bcryptCost ? `${isDear} (a cost of up to ${limits.bcryptCost})` : null;
}

function findArgon2Problem(hash: Argon2Hash): string | null {
  const { memoryKib, passes, lanes, salt } = hash;
  if (passes < 1 || lanes < 1 || lanes > 255 || memoryKib < 8 * lanes || salt.length < 8) {
    return 'its parameters are not those of argon2';
  }
  return memoryKib > limits.memoryKib || workKib(hash) > limits.argon2Kib
    ? `${isDear} (m up to ${limits.memoryKib}, m × t up to ${limits.argon2Kib})`
    : null;
}

function findScryptProblem(hash: ScryptHash): string | null {
  const { cost, blockSize, parallelization } = hash;
  const isPowerOfTwo = cost > 1 && Number.isInteger(Math.log2(cost));
  if (!isPowerOfTwo || blockSize < 1 || parallelization < 1) return 'its parameters are not those of scrypt';
  return memoryKibOf(hash) > limits.memoryKib || workKib(hash) > limits.scryptKib
    ? `${isDear} (n × r up to ${limits.memoryKib * 8}, n × r × p up to ${limits.scryptKib * 8})`
    : null;
}

const digestBytes = { sha1: 20, sha256: 32, sha512: 64 } as const;

function findPbkdf2Problem({ iterations, key, digest }: Pbkdf2Hash): string | null {
  if (iterations < 1) return 'its parameters are not those of PBKDF2';
  // It is computed once for each part of the key that is as long as the digest.
  const parts = Math.ceil(key.length / digestBytes[digest]);
  return iterations * parts > limits.pbkdf2Iterations
    ? `${isDear} (up to ${limits.pbkdf2Iterations} iterations)`
    : null;
}

function findKeyProblem({ salt, key }: Argon2Hash | ScryptHash | Pbkdf2Hash): string | null {
  if (salt.length === 0) return 'its salt is missing';
  return key.length < keyBytes.least || key.length > keyBytes.most
    ? `its hash has ${key.length} bytes, and ${keyBytes.least} to ${keyBytes.most} are expected`
    : null;
}

/** @returns no bytes for a text that was cut off */
function fromBase64(given = ''): Buffer {
  const text = given.replaceAll('.', '+').replaceAll('=', '');
  return Buffer.from(text.length % 4 === 1 ? '' : text, 'base64');
}

function toBase64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
