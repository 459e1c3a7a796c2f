import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NodeTimer, type Timer } from '../clock/clock.js';
import { isReadingOnly } from '../configuration/reading-only.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { EncryptionKeys, readEncryptionKeys } from '../issuing/encryption-keys.js';

const where = 'embeddedPostgres({ directory })';

/**
 * Reads the key that a directory keeps beside its data, or makes it for a new one.
 *
 * @throws {ConfigurationError} when there is data, and its key is missing or damaged
 */
export function readOrCreateKey(directory: string): EncryptionKeys {
  const file = join(directory, 'encryption.key');
  // Nothing is kept for it: the app makes it when it starts.
  if (isReadingOnly() && !existsSync(directory)) return EncryptionKeys.random();
  createDirectory(directory);
  if (!existsSync(file)) {
    if (existsSync(join(directory, 'postgres'))) {
      throw new ConfigurationError(
        where,
        `its file encryption.key is missing, and the keys in its data cannot be decrypted without it`,
        'Restore the file, pass the option encryptionKey, or delete the directory to begin with an empty one',
      );
    }
    if (isReadingOnly()) return EncryptionKeys.random();
    writeExclusively(file, `${randomBytes(32).toString('base64')}\n`);
  }
  return readEncryptionKeys(`${where}: encryption.key`, readFileSync(file, 'utf8'));
}

/** Another process that starts at the same time may have written it; its file then counts. */
function writeExclusively(file: string, text: string): boolean {
  // The file gets its name when it is complete: nobody reads half of it, and a process that dies leaves none behind.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(draft, text, { flag: 'wx', mode: 0o600 });
    try {
      linkSync(draft, file);
    } catch (error) {
      if (isCode(error, 'EEXIST')) throw error;
      // The file system has no hard links.
      writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
    }
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw unusable(error);
  } finally {
    rmSync(draft, { force: true });
  }
}

function createDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(error);
  }
}

function unusable(error: unknown): ConfigurationError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error';
  return new ConfigurationError(where, `it cannot be written (${code})`, 'Name a directory that the app may write to');
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

/** Who uses a directory. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Random. Two containers may have the same name, and the same process id in it. */
  readonly id: string;
}

/** How often the process that uses a directory renews its lock. */
const renewEveryMs = 5_000;
/** A lock whose process cannot be looked up, and that is not renewed for so long, is stale. */
const unknownPatienceMs = 20_000;
/** Longer than another process takes between finding a stale lock and removing it, or writing one. */
const takeOverMs = 100;

const openKey = Symbol.for('nest-gatehouse.open-directories');
const registry = globalThis as Record<symbol, Set<string> | undefined>;
/** The directories that this process uses, for all loaded copies of the package. */
const openHere = (registry[openKey] ??= new Set());

/**
 * Reserves a directory for this process: two that write the same data would destroy it. The lock is a file with the id of the
 * process. One that a dead process has left behind is taken over.
 *
 * @returns what gives the directory free again
 * @throws {ConfigurationError} when a process uses it
 */
export async function lockDirectory(
  directory: string,
  timer: Timer = new NodeTimer(),
  wait: (ms: number) => Promise<unknown> = delay,
): Promise<() => void> {
  const file = join(directory, 'lock');
  createDirectory(directory);
  if (openHere.has(directory)) throw inUse('this process');
  openHere.add(directory);
  const own: Holder = { pid: process.pid, host: hostname(), id: randomBytes(9).toString('base64url') };
  try {
    await takeLock(file, own, wait);
  } catch (error) {
    openHere.delete(directory);
    throw error;
  }
  renew(file, timer);
  return () => {
    timer.clear();
    if (readHolder(file)?.id === own.id) rmSync(file, { force: true });
    openHere.delete(directory);
  };
}

async function takeLock(file: string, own: Holder, wait: (ms: number) => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (writeExclusively(file, `${JSON.stringify(own)}\n`)) {
      // Whoever has found a stale lock may remove this one in its place.
      await wait(takeOverMs);
      if (readHolder(file)?.id === own.id) return;
      continue;
    }
    const holder = readHolder(file);
    if (!(await isStale(file, holder, wait))) throw inUse(describe(holder));
    // Another process may have taken it over in the meantime.
    if (readHolder(file)?.id === holder?.id) rmSync(file, { force: true });
  }
  throw inUse('another process');
}

/** Whether the process that a lock names has gone. */
async function isStale(file: string, holder: Holder | null, wait: (ms: number) => Promise<unknown>): Promise<boolean> {
  if (holder === null) {
    await wait(takeOverMs);
    return readHolder(file) === null;
  }
  // A lock with the id of this process is that of an earlier one, of another container or of another thread.
  if (holder.host === hostname() && holder.pid !== process.pid) return !isAlive(holder.pid);
  // The process cannot be looked up from here, but a living one renews its lock.
  const before = renewedAt(file);
  await wait(unknownPatienceMs);
  return renewedAt(file) === before;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and belongs to another user.
    return isCode(error, 'EPERM');
  }
}

function renewedAt(file: string): number {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

function renew(file: string, timer: Timer): void {
  timer.set(renewEveryMs, () => {
    try {
      const now = new Date();
      utimesSync(file, now, now);
    } catch {
      // The file was removed. The data is still here, and the next renewal changes nothing about that.
    }
    renew(file, timer);
  });
}

/** `null` when there is none, or its text is no lock: on a file system without hard links it may be half written. */
function readHolder(file: string): Holder | null {
  try {
    const { pid, host, id = '' } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>;
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host, id } : null;
  } catch {
    return null;
  }
}

function describe(holder: Holder | null): string {
  if (holder === null) return 'another process';
  const { pid, host } = holder;
  if (host !== hostname()) return `process ${pid} on another machine`;
  return pid === process.pid ? 'another thread, or another container,' : `process ${pid}`;
}

function inUse(by: string): ConfigurationError {
  return new ConfigurationError(
    where,
    `${by} uses the directory`,
    'Stop it, or name another directory. Several processes can share data by postgres(url)',
  );
}
