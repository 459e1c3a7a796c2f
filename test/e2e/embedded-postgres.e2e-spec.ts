/** An app whose database is a directory: it is there again after a restart, with its key, and belongs to one process. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from 'nest-gatehouse';
import { embeddedPostgres, EncryptionKeys, SigningKeyStore, SqlStoresModule } from 'nest-gatehouse/sql';
import { afterAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';

const [platform] = platforms as [(typeof platforms)[0]];
const work = mkdtempSync(join(tmpdir(), 'gatehouse-embedded-'));
const start = (directory: string, logger = new LogLines()): Promise<RunningApp> =>
  startApp(platform, { logger, imports: [SqlStoresModule.forRoot({ database: embeddedPostgres({ directory }) })] });

afterAll(() => {
  rmSync(work, { recursive: true });
});

describe('an embedded database in a directory', () => {
  it('keeps its data and its key when the app starts again, and is used by one app at a time', async () => {
    const directory = join(work, 'data');
    const key = {
      kid: 'kid',
      sequence: 1,
      algorithm: 'EdDSA',
      publicJwk: '{}',
      createdAt: new Date('2030-01-01T00:00:00Z'),
      signsFrom: new Date('2030-01-01T00:00:00Z'),
    } as const;
    const creating = { level: 'log', text: expect.stringContaining(`Creating a database in ${directory},`) as string };
    const log = new LogLines();
    const first = await start(directory, log);
    expect(log.ours('log')[0], 'before the seconds that it takes').toMatchObject(creating);
    const sealedPrivateKey = first.nest.get(EncryptionKeys).seal(Buffer.from('private'), 'test');
    await first.nest.get(SigningKeyStore).add({ ...key, sealedPrivateKey });
    await expect(start(directory)).rejects.toThrow('this process uses the directory');
    await first.nest.close();
    expect(readdirSync(directory).sort()).toEqual(['encryption.key', 'postgres']);

    log.forget();
    const second = await start(directory, log);
    expect(log.ours().map(({ text }) => text)).toEqual([]);
    const [stored] = await second.nest.get(SigningKeyStore).list();
    expect(stored).toMatchObject(key);
    const opened = second.nest.get(EncryptionKeys).open(stored?.sealedPrivateKey ?? Buffer.alloc(0), 'test');
    expect(opened.toString()).toBe('private');
    await second.nest.close();
  }, 120_000);

  it('that PGlite cannot open is a ConfigurationError, and is given free again', async () => {
    const directory = join(work, 'broken');
    mkdirSync(join(directory, 'postgres'), { recursive: true });
    writeFileSync(join(directory, 'encryption.key'), Buffer.alloc(32, 'abc').toString('base64'));
    writeFileSync(join(directory, 'postgres', 'PG_VERSION'), '9.6\n');
    await expect(start(directory)).rejects.toThrow(ConfigurationError);
    await expect(start(directory)).rejects.toThrow('PGlite cannot open it');
    expect(readdirSync(directory).sort()).toEqual(['encryption.key', 'postgres']);
  }, 120_000);
});
