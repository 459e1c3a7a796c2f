import { describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { type DatabaseSource, embeddedPostgres, postgres, SigningKeyStore, SqlStoresModule } from 'nest-gatehouse/sql';
import { describeSigningKeyStore, memoryStores } from 'nest-gatehouse/testing';

const encryptionKey = Buffer.alloc(32, 'a key of the tests').toString('base64');
const start = (database: DatabaseSource) =>
  NestFactory.createApplicationContext(SqlStoresModule.forRoot({ database, encryptionKey }), {
    logger: false,
    abortOnError: false,
  });

describe('the stores in a Nest 11 app, CommonJS and Jest', () => {
  it('work in PGlite', async () => {
    const app = await start(embeddedPostgres());
    const key = {
      kid: 'kid',
      sequence: 1,
      algorithm: 'ES256',
      publicJwk: '{}',
      sealedPrivateKey: Uint8Array.of(0, 255),
      createdAt: new Date('2030-01-01T00:00:00Z'),
      signsFrom: new Date('2030-01-02T00:00:00Z'),
    } as const;
    expect(await app.get(SigningKeyStore).add(key)).toBe(true);
    const [stored] = await app.get(SigningKeyStore).list();
    expect(stored).toEqual({ ...key, sealedPrivateKey: Buffer.from(key.sealedPrivateKey) });
    expect(stored?.createdAt).toBeInstanceOf(Date);
    await app.close();
  }, 120_000);

  it('name the package that is not installed', async () => {
    await expect(start(postgres('postgres://127.0.0.1/app'))).rejects.toThrow('Install it: npm install pg');
  });
});

describeSigningKeyStore('in memory', async () => {
  const app = await NestFactory.createApplicationContext(memoryStores(), { logger: false });
  return { store: app.get(SigningKeyStore), close: () => app.close() };
});
