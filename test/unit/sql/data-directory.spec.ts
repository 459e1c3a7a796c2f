import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../src/errors/auth-error.js';
import { lockDirectory, readOrCreateKey } from '../../../src/sql/data-directory.js';
import { ManualTimer } from '../../support/manual-timer.js';

let directory: string;
let lock: string;
let keyFile: string;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'gatehouse-data-')), 'data');
  lock = join(directory, 'lock');
  keyFile = join(directory, 'encryption.key');
});

afterEach(() => {
  rmSync(join(directory, '..'), { recursive: true });
});

const isSame = (one: ReturnType<typeof readOrCreateKey>, other: ReturnType<typeof readOrCreateKey>): boolean =>
  one.derive('test')[0]?.equals(other.derive('test')[0] ?? Buffer.alloc(0)) === true;

describe('the key in a directory', () => {
  it('is made once, and only its owner can read it', () => {
    const key = readOrCreateKey(directory);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(isSame(readOrCreateKey(directory), key)).toBe(true);
    rmSync(keyFile);
    expect(isSame(readOrCreateKey(directory), key)).toBe(false);
  });

  it('is not made anew where there is data that was encrypted with another one', () => {
    mkdirSync(join(directory, 'postgres'), { recursive: true });
    expect(() => readOrCreateKey(directory)).toThrow('Restore the file');
    expect(existsSync(keyFile)).toBe(false);
  });

  it('is named when it is damaged, and not repeated', () => {
    readOrCreateKey(directory);
    writeFileSync(keyFile, 'geheim');
    expect(() => readOrCreateKey(directory)).toThrow('encryption.key');
    expect(() => readOrCreateKey(directory)).not.toThrow('geheim');
  });

  it('cannot be made where the directory is a file', () => {
    writeFileSync(directory, '');
    expect(() => readOrCreateKey(directory)).toThrow(ConfigurationError);
  });
});

describe('the lock of a directory', () => {
  const timer = new ManualTimer();
  const waits: number[] = [];
  const noWait = (ms: number): Promise<void> => {
    waits.push(ms);
    return Promise.resolve();
  };
  const take = (wait = noWait): Promise<() => void> => lockDirectory(directory, timer, wait);
  const writeLock = (pid: number, host = hostname(), id = 'other'): void => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(lock, JSON.stringify({ pid, host, id }));
  };

  beforeEach(() => {
    waits.length = 0;
  });

  it('is taken by one at a time, and given back', async () => {
    const release = await take();
    await expect(take()).rejects.toThrow('this process uses the directory');
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
    expect(readdirSync(directory)).toEqual(['lock']);
    release();
    expect(existsSync(lock)).toBe(false);
    expect(timer.delayMs).toBeNull();
    (await take())();
  });

  it('is not taken from a process that lives', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1e6)'], { stdio: 'ignore' });
    await once(other, 'spawn');
    const pid = other.pid ?? 0;
    writeLock(pid);
    await expect(take()).rejects.toThrow(`process ${pid} uses the directory`);
    other.kill('SIGKILL');
    await once(other, 'exit');
    (await take())();
    expect(waits).toEqual([100]);
  });

  it('is taken over from a process that died', async () => {
    writeLock(spawnSync(process.execPath, ['-e', '']).pid);
    (await take())();
    expect(waits).toEqual([100]);
  });

  it('with the same process id is taken over when it is not renewed, as after a restart of a container', async () => {
    writeLock(process.pid);
    (await take())();
    expect(waits).toEqual([20_000, 100]);
  });

  it('with the same process id is respected when it is renewed, as another container of the same name does', async () => {
    writeLock(process.pid);
    await expect(
      take(() => {
        utimesSync(lock, new Date(), new Date(Date.now() + 5_000));
        return Promise.resolve();
      }),
    ).rejects.toThrow('another thread, or another container, uses the directory');
    expect(existsSync(lock)).toBe(true);
  });

  it('is taken over when it stays half written', async () => {
    writeLock(1);
    writeFileSync(lock, '{"pid":');
    (await take())();
    expect(waits).toEqual([100, 100]);
  });

  it('is respected when it is half written for a moment only', async () => {
    writeLock(1);
    writeFileSync(lock, '{"pid":');
    await expect(
      take(() => {
        writeLock(process.ppid);
        return Promise.resolve();
      }),
    ).rejects.toThrow('another process uses the directory');
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ pid: process.ppid });
  });

  it('is not removed when another process took it over in the meantime', async () => {
    writeLock(1, 'another-machine');
    const taken = await take((ms) => {
      if (ms === 20_000) {
        const { mtime } = statSync(lock);
        writeLock(process.ppid, hostname(), 'third');
        utimesSync(lock, mtime, mtime);
      }
      return Promise.resolve();
    }).catch((error: unknown) => error);
    expect(taken).toBeInstanceOf(ConfigurationError);
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ id: 'third' });
  });

  it('that was taken at once is checked again, as another process may have removed it', async () => {
    const taken = await take(() => {
      writeLock(process.ppid);
      return Promise.resolve();
    }).catch((error: unknown) => error);
    expect(taken).toBeInstanceOf(ConfigurationError);
  });

  it('of another machine is taken over when it is not renewed, and respected when it is', async () => {
    writeLock(1, 'another-machine');
    await expect(
      take(() => {
        utimesSync(lock, new Date(), new Date(Date.now() + 5_000));
        return Promise.resolve();
      }),
    ).rejects.toThrow('process 1 on another machine uses the directory');
    (await take())();
    expect(waits).toEqual([20_000, 100]);
  });

  it('is renewed as long as it is held', async () => {
    const release = await take();
    const past = new Date(Date.now() - 60_000);
    utimesSync(lock, past, past);
    expect(timer.delayMs).toBe(5_000);
    timer.ring();
    expect(statSync(lock).mtimeMs).toBeGreaterThan(past.getTime());
    rmSync(lock);
    timer.ring();
    expect(timer.delayMs).toBe(5_000);
    release();
  });

  it('goes to one when two find the same stale lock', async () => {
    writeLock(1, 'another-machine');
    let isLost = false;
    const taken = await take((ms) => {
      // While this one waits, the other one removes the lock and makes its own.
      if (ms === 100 && !isLost) {
        isLost = true;
        writeLock(process.ppid);
      }
      return Promise.resolve();
    }).catch((error: unknown) => error);
    expect(taken).toBeInstanceOf(ConfigurationError);
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ pid: process.ppid });
  });
});
