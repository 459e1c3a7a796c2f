import { argon2idAsync } from '@noble/hashes/argon2.js';
import { scryptAsync } from '@noble/hashes/scrypt.js';
import * as nodeRs from '@node-rs/argon2';
import { compare as compareBcrypt, hash as hashBcrypt } from 'bcryptjs';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { PasswordHasher } from '../../../src/accounts/password-hasher.js';
import { hashedPassword, passwordHashes, unnormalized } from '../../vectors/password-hashes.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';
import { withoutPackages as missing } from '../../support/password-packages.js';

// Hashes are slow by intent, and slower while other tests occupy the cores.
vi.setConfig({ testTimeout: 30_000 });

const password = 'correct horse battery staple';
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');

const hasher = new PasswordHasher();
const withoutPackages = new PasswordHasher({ packages: missing });

describe('A new hash', () => {
  it('is of argon2id, with the parameters of OWASP, where @node-rs/argon2 is installed', async () => {
    const hash = await hasher.hash(password);

    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z\d+/]{22}\$[A-Za-z\d+/]{43}$/);
    expect(await nodeRs.verify(hash, password)).toBe(true);
    expect(await hasher.verify(password, hash)).toBe('right');
    expect(await hasher.verify(`${password}!`, hash)).toBe('wrong');
    expect(await hasher.hash(password)).not.toBe(hash);
  });

  it('is of scrypt where it is not, and another library computes the same', async () => {
    const hash = await withoutPackages.hash(password);
    const [, salt = '', key] = /^\$scrypt\$ln=14,r=8,p=5\$([A-Za-z\d+/]{22})\$([A-Za-z\d+/]{43})$/.exec(hash) ?? [];

    const computed = await scryptAsync(password, Buffer.from(salt, 'base64'), { N: 2 ** 14, r: 8, p: 5, dkLen: 32 });
    expect(base64(computed)).toBe(key);
    expect(await withoutPackages.verify(password, hash)).toBe('right');
    expect(await withoutPackages.verify(password.slice(1), hash)).toBe('wrong');
  });

  it('of scrypt is replaced once argon2 is installed', async () => {
    expect(await hasher.verify(password, await withoutPackages.hash(password))).toBe('right-but-rehash');
  });

  it.each([
    ['', 'empty'],
    ['p\0ssword-of-some-length', 'with U+0000'],
    ['password-with-half-a-pair\ud800', 'with half a surrogate pair'],
    ['x'.repeat(1025), 'of 1,025 characters'],
    ['\ufdfa'.repeat(60), 'of more than 1,024 characters after NFKC'],
  ])('is not made of a password %#: %s', async (text) => {
    expect(await errorOf(hasher.hash(text))).toMatchObject({ code: 'INVALID_INPUT', fields: [{ path: 'password' }] });
    expect(await hasher.verify(text, await hasher.hash(password))).toBe('wrong');
  });

  it('is made of 1,024 characters, each of which counts', async () => {
    const longest = '😀'.repeat(1023);
    const hash = await hasher.hash(`${longest}a`);

    expect(await hasher.verify(`${longest}a`, hash)).toBe('right');
    expect(await hasher.verify(`${longest}b`, hash)).toBe('wrong');
  });
});

describe('Unicode', () => {
  it('is normalized by NFKC: another keyboard writes the same password with other code points', async () => {
    const hash = await hasher.hash('Gr\u00fc\u00dfe ﬁnger Ⅷ');

    expect(await hasher.verify('Gru\u0308\u00dfe finger VIII', hash)).toBe('right');
    expect(await hasher.verify('GR\u00dc\u00dfe finger VIII', hash)).toBe('wrong');
  });

  it('is also tried as it was sent, because other systems do not normalize', async () => {
    expect(await hasher.verify(unnormalized.password, unnormalized.hash)).toBe('right-but-rehash');
    expect(await hasher.verify(unnormalized.password.normalize('NFKC'), unnormalized.hash)).toBe('wrong');
  });
});

// Each with a hasher of its own: wrong passwords wait for the slowest cost that was seen.
describe('An imported hash', () => {
  it.each(passwordHashes)('of %s verifies', async (_madeBy, hash) => {
    const hasher = new PasswordHasher();
    expect(await outcomeOf(hasher.checkImported(hash))).toBe('accepted');
    // What others make with argon2id is stronger than what we make, and stays.
    const right = hash.includes('$argon2id$') ? 'right' : 'right-but-rehash';
    expect(await hasher.verify(hashedPassword, hash)).toBe(right);
    expect(await hasher.verify(`${hashedPassword}.`, hash)).toBe('wrong');
  });

  it('of argon2id by another library verifies, and a weaker one is replaced', async () => {
    const hasher = new PasswordHasher();
    const salt = randomBytes(16);
    const key = await argon2idAsync(password, salt, { m: 8192, t: 1, p: 2, dkLen: 32 });
    const hash = `$argon2id$v=19$m=8192,t=1,p=2$${base64(salt)}$${base64(key)}`;

    expect(await hasher.verify(password, hash)).toBe('right-but-rehash');
    expect(await hasher.verify('another password', hash)).toBe('wrong');
  });

  it.each([
    ['m=47104,t=1', 'right'],
    ['m=7168,t=5', 'right-but-rehash'],
    ['m=65536,t=3', 'right'],
    ['m=1024,t=100', 'right-but-rehash'],
  ])('of argon2id with %s is %s', async (parameters, verdict) => {
    const [memoryCost, timeCost] = [...parameters.matchAll(/\d+/g)].map(Number);
    const hash = await nodeRs.hash(password, { memoryCost: memoryCost ?? 0, timeCost: timeCost ?? 0 });

    expect(hash).toContain(parameters);
    expect(await hasher.verify(password, hash)).toBe(verdict);
  });

  it.each(['2a', '2b', '2y'])('of bcrypt ($%s$) by another library verifies', async (prefix) => {
    const hasher = new PasswordHasher();
    const hash = (await hashBcrypt(password, 6)).replace('$2b$', `$${prefix}$`);

    expect(await hasher.verify(password, hash)).toBe('right-but-rehash');
    expect(await hasher.verify('another password', hash)).toBe('wrong');
  });

  it('of bcrypt is of 72 bytes, so a longer password is wrong, whose end bcrypt does not read', async () => {
    const hasher = new PasswordHasher();
    const exactly = 'é'.repeat(36);
    const hash = await hashBcrypt(exactly, 6);

    expect(await compareBcrypt(`${exactly}x`, hash)).toBe(true);
    expect(await hasher.verify(`${exactly}x`, hash)).toBe('wrong');
    expect(await hasher.verify(exactly, hash)).toBe('right-but-rehash');
  });

  it.each(['sha1', 'sha256', 'sha512'])('of PBKDF2 as a PHC string with %s verifies', async (digest) => {
    const hasher = new PasswordHasher();
    const salt = randomBytes(16);
    const key = pbkdf2Sync(password, salt, 3000, 64, digest);
    const hash = `$pbkdf2-${digest}$i=3000,l=64$${base64(salt)}$${base64(key)}`;

    expect(await hasher.verify(password, hash)).toBe('right-but-rehash');
    expect(await hasher.verify('another password', hash)).toBe('wrong');
  });

  it('of scrypt as AdonisJS writes it verifies', async () => {
    const hasher = new PasswordHasher();
    const salt = randomBytes(16);
    const key = await scryptAsync(password, salt, { N: 2 ** 14, r: 8, p: 1, dkLen: 64 });

    expect(await hasher.verify(password, `$scrypt$n=16384,r=8,p=1$${base64(salt)}$${base64(key)}`)).toBe(
      'right-but-rehash',
    );
  });
});

describe('A hash that is not accepted', () => {
  const end = `$${base64(randomBytes(16))}$${base64(randomBytes(32))}`;
  const bcryptEnd = '$.Clib48UP5cgP3qcUN1vfepKFbVqY2VKX7cSGbFW8/pYI4k1H.yhW';

  it.each([
    ['5f4dcc3b5aa765d61d8327deb882cf99', 'its form is not known'],
    ['', 'its form is not known'],
    [`$2x$10${bcryptEnd}`, 'its form is not known'],
    [`$2b$10${bcryptEnd.replace('vfep', 'vfzp')}x`, 'its form is not known'],
    [`$argon2id$v=18$m=19456,t=2,p=1${end}`, 'its form is not known'],
    ['$'.repeat(2000), 'it is too long'],
    [`$2b$16${bcryptEnd}`, 'it costs more to verify than is allowed (a cost of up to 15)'],
    [`$2b$03${bcryptEnd}`, 'its parameters are not those of bcrypt'],
    [`$argon2id$v=19$m=4194304,t=1,p=1${end}`, 'it costs more to verify than is allowed'],
    [`$argon2id$v=19$m=65536,t=17,p=1${end}`, 'it costs more to verify than is allowed'],
    [`$argon2id$v=19$m=7,t=1,p=1${end}`, 'its parameters are not those of argon2'],
    [`$argon2id$v=19$m=65536,t=1,p=0${end}`, 'its parameters are not those of argon2'],
    [`$scrypt$ln=19,r=8,p=1${end}`, 'it costs more to verify than is allowed'],
    [`$scrypt$ln=14,r=8,p=33${end}`, 'it costs more to verify than is allowed'],
    [`$scrypt$ln=99,r=8,p=1${end}`, 'it costs more to verify than is allowed'],
    [`$scrypt$n=15000,r=8,p=1${end}`, 'its parameters are not those of scrypt'],
    [`$pbkdf2-sha256$i=5000001${end}`, 'it costs more to verify than is allowed'],
    [`$pbkdf2-sha1$i=2500001${end}`, 'it costs more to verify than is allowed'],
    [`$pbkdf2-sha256$i=0${end}`, 'its parameters are not those of PBKDF2'],
    ['$pbkdf2-sha256$i=1000$c2FsdA$c2hvcnQ', 'its hash has 5 bytes'],
    ['$pbkdf2-sha256$i=1000$c2Fsd$c2hvcnQ', 'its salt is missing'],
  ])('%s: %s', async (hash, problem) => {
    const refusal = await errorOf(hasher.checkImported(hash));
    expect(refusal).toMatchObject({
      code: 'INVALID_INPUT',
      fields: [{ path: 'passwordHash', message: expect.stringContaining(problem) as string }],
    });
    if (hash.length > 10) expect(refusal?.explanation).not.toContain(hash);

    // In the store it is a fault, and no wrong password.
    const fault = await errorOf(hasher.verify(password, hash));
    expect(fault?.code).toBe('CONFIGURATION_ERROR');
    expect(fault?.message).toContain(problem);
  });

  it('names the forms that are accepted', async () => {
    const { explanation } = (await errorOf(hasher.checkImported('md5:abc'))) ?? {};
    for (const name of ['argon2', 'scrypt', 'bcrypt', 'PBKDF2']) expect(explanation).toContain(name);
  });

  it.each([
    ['argon2', `$argon2id$v=19$m=19456,t=2,p=1${end}`, 'npm install @node-rs/argon2@2'],
    ['bcrypt', `$2b$10${bcryptEnd}`, 'npm install @node-rs/bcrypt@2'],
  ])('of %s without its package is a fault that names the installation', async (_name, hash, install) => {
    for (const attempt of [withoutPackages.checkImported(hash), withoutPackages.verify(password, hash)]) {
      const fault = await errorOf(attempt);
      expect(fault?.code).toBe('CONFIGURATION_ERROR');
      expect(fault?.message).toContain(install);
    }
  });

  it('is a fault too where the native part of a package does not load', async () => {
    const broken = new PasswordHasher({
      packages: { ...missing, argon2: () => Promise.reject(new Error('Cannot find native binding')) },
    });
    const fault = await errorOf(broken.hash(password));
    expect(fault?.message).toContain('its native part for this platform does not load');
  });
});
