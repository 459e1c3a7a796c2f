import { randomBytes } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { exportSigningKey, importSigningKey, type SigningKey, type SigningKeys } from './signing-key.js';

/** The file with the keys cannot be used. The message states why, and never repeats its content. */
class KeptKeysError extends Error {
  override readonly name = 'KeptKeysError';
}

/**
 * Reads the keys of an earlier start.
 *
 * @returns `null` where there is no such file
 * @throws {KeptKeysError} when others can read the file, or it is none of this command.
 */
export async function readKeptKeys(file: string): Promise<SigningKeys | null> {
  const found = await stat(file).catch(() => null);
  if (found === null) return null;
  // Windows has no such modes.
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    throw new KeptKeysError(`Other users can read the keys in ${file}. Run chmod 600 on it, or delete it`);
  }
  const [first, ...others] = parse(await readFile(file, 'utf8'), file);
  if (first === undefined) throw new KeptKeysError(`There are no keys in ${file}. Delete it`);
  return [first, ...others];
}

function parse(text: string, file: string): readonly SigningKey[] {
  try {
    const { keys } = JSON.parse(text) as { readonly keys: readonly unknown[] };
    return keys.map(importSigningKey);
  } catch {
    throw new KeptKeysError(`${file} is no file of keys of this command. Delete it, or name another one`);
  }
}

/** Writes the keys so that only this user can read them, and the file is never there in part. */
export async function writeKeptKeys(file: string, keys: readonly SigningKey[]): Promise<void> {
  const text = `${JSON.stringify({ keys: keys.map(exportSigningKey) }, null, 2)}\n`;
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
    await rename(temporary, file);
  } catch {
    throw new KeptKeysError(`${file} cannot be written`);
  }
}
