/** The contract of authentication schemes, run by the scheme of the app's own API keys. */
import { fromBearer, fromHeader } from 'nest-gatehouse';
import { describeAuthenticationScheme, type SchemeUnderTest } from 'nest-gatehouse/testing';
import { describe, it } from 'vitest';
import { ApiKeyFormat } from '../../src/api-keys/api-key-format.js';
import { currentHashVersion, hashApiKey } from '../../src/api-keys/api-key-hash.js';
import { ApiKeyScheme } from '../../src/api-keys/api-key-scheme.js';
import type { StoredApiKey } from '../../src/api-keys/api-key-store.js';
import { ApiKeyUsage } from '../../src/api-keys/api-key-usage.js';
import { ApiKeyVerifier } from '../../src/api-keys/api-key-verifier.js';
import { MemoryApiKeyStore } from '../../src/api-keys/memory-api-key-store.js';
import { RefusedKeys } from '../../src/authentication/refused-keys.js';
import { ManualClock } from '../support/manual-clock.js';
import { ManualTimer } from '../support/manual-timer.js';

const clock = new ManualClock();
const format = new ApiKeyFormat('acme');
const basic = (id: string, secret: string): string => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
const inSeconds = (seconds: number): Date => new Date(clock.now().getTime() + seconds * 1_000);

async function open(): Promise<SchemeUnderTest> {
  const store = new MemoryApiKeyStore();
  const create = async (parts: Partial<StoredApiKey> = {}) => {
    const issued = format.createSecret(format.createId());
    const { id, secret } = issued;
    const hash = hashApiKey(id, secret);
    const dates = { createdAt: clock.now(), expiresAt: null, revokedAt: null, lastUsedAt: null };
    const key = { id, userId: 'alice', name: null, scopes: ['a'], roles: [], enabled: true, ...dates, hash };
    await store.create({ ...key, hashVersion: currentHashVersion, previous: null, ...parts });
    return issued;
  };
  const scheme = new ApiKeyScheme({
    format,
    verifier: new ApiKeyVerifier({
      findKey: (id) => store.find(id),
      findSubject: (id) => Promise.resolve(id === 'gone' ? null : { id }),
      issuer: 'https://api.example.com',
      clock,
      cacheMs: 30_000,
      onReplacedUse: () => undefined,
    }),
    usage: new ApiKeyUsage({ findStore: () => store, clock, timer: new ManualTimer() }),
    refused: new RefusedKeys(clock),
    basic: true,
    tokenUrl: null,
    sources: [fromBearer(), fromHeader('x-api-key')],
  });
  const [good, short, other] = [await create(), await create({ expiresAt: inSeconds(60) }), await create()];
  const ended = [
    await create({ revokedAt: clock.now() }),
    await create({ expiresAt: clock.now() }),
    await create({ enabled: false }),
    await create({ userId: 'gone' }),
  ];
  const wrong = [{ ...good, secret: other.secret, text: `${good.id}_${other.secret}` }, ...ended];
  const formsOf = ({ id, secret, text }: { id: string; secret: string; text: string }) => [
    { authorization: `Bearer ${text}` },
    { 'x-api-key': text },
    { authorization: basic(id, secret) },
  ];
  return {
    scheme,
    accepted: [good, short].flatMap(formsOf),
    refused: [
      ...wrong.flatMap(formsOf),
      { authorization: 'Bearer acme_x' },
      { authorization: basic('alice', 'secret') },
    ],
    malformed: [
      { authorization: 'Basic' },
      { authorization: 'Basic !' },
      { authorization: basic(good.id, good.secret), 'x-api-key': other.text },
    ],
  };
}

describeAuthenticationScheme('of the app’s API keys', open, { describe, it });
