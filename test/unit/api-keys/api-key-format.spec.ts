import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ApiKeyFormat, apiKeyPattern, readApiKeyPrefix } from '../../../src/api-keys/api-key-format.js';
import { withOther } from '../../support/key-store-app.js';

const format = new ApiKeyFormat('acme_live');
const create = () => format.createSecret(format.createId());

/** Written again here, from the published description. */
function base62(number: number): string {
  const digits = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
  return Array.from({ length: 6 }, (_, at) => digits[Math.floor(number / 62 ** (5 - at)) % 62]).join('');
}

describe('the text of an API key', () => {
  it('is prefix, id, secret and the CRC-32 of all before it', () => {
    const { id, secret, text } = create();
    expect(text).toMatch(/^acme_live_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}$/);
    expect(text).toBe(`${id}_${secret}`);
    expect(text.slice(-6)).toBe(base62(crc32(text.slice(0, -6))));
    expect(format.parse(text)).toEqual({ id, secret });
    expect(format.parsePair(id, secret)).toEqual({ id, secret });
  });

  it('differs each time, and uses all digits about equally', () => {
    const counts = new Map<string, number>();
    const texts = Array.from({ length: 2_000 }, create);
    expect(new Set(texts.map(({ id }) => id)).size).toBe(2_000);
    for (const { secret } of texts) {
      for (const digit of secret.slice(0, 43)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
    }
    expect(counts.size).toBe(62);
    const usual = (2_000 * 43) / 62;
    // With the modulo of a byte, eight digits would be a quarter more frequent.
    expect(Math.max(...counts.values())).toBeLessThan(usual * 1.15);
    expect(Math.min(...counts.values())).toBeGreaterThan(usual * 0.85);
  });

  it('is refused with any one character changed, left out, added, or two of them exchanged', () => {
    const { text } = create();
    for (let at = 0; at < text.length; at += 1) {
      expect(format.parse(withOther(text, at))).toBeNull();
      expect(format.parse(text.slice(0, at) + text.slice(at + 1))).toBeNull();
      expect(format.parse(`${text.slice(0, at)}x${text.slice(at)}`)).toBeNull();
      const swapped = text.slice(0, at) + text.charAt(at + 1) + text.charAt(at) + text.slice(at + 2);
      if (swapped !== text && at + 1 < text.length) expect(format.parse(swapped)).toBeNull();
    }
    for (const other of ['', ' ', `${text}\n`, ` ${text}`, `${text}_`, text.toUpperCase(), `${text}\0`, `x${text}`]) {
      expect(format.parse(other)).toBeNull();
    }
  });

  it('is not found in 10,000 random texts, also of its own form', () => {
    for (let round = 0; round < 5_000; round += 1) {
      const random = randomBytes(60)
        .toString('base64')
        .replaceAll(/[^0-9A-Za-z]/g, 'x');
      expect(format.parse(random)).toBeNull();
      expect(format.parse(`acme_live_${random.slice(0, 22)}_${random.slice(22, 71)}`)).toBeNull();
    }
  });

  it('belongs to one prefix alone, also where one is the beginning of the other', () => {
    const { id, text } = create();
    for (const prefix of ['acme', 'acme_test', 'ac', 'live']) {
      const other = new ApiKeyFormat(prefix);
      expect(other.parse(text)).toBeNull();
      expect(other.isId(id)).toBe(false);
    }
    expect(new ApiKeyFormat('acme').claims(text)).toBe(true);
    expect(new ApiKeyFormat('acm').claims(text)).toBe(false);
  });

  it('is split at one place only', () => {
    const { id, text } = create();
    const [, , short = ''] = id.split('_');
    expect(format.parsePair('acme_live', text.slice('acme_live_'.length))).toBeNull();
    expect(format.parsePair('acme', text.slice('acme_'.length))).toBeNull();
    expect(format.parsePair(id.slice(0, -1), `${short.slice(-1)}_${text.slice(id.length + 1)}`)).toBeNull();
  });
});

describe('a prefix', () => {
  it.each(['acme', 'a1', 'ab', 'abcdefghijklmnop', 'acme_live', 'acme_test', 'live', 'sk_test'])(
    'may be %s',
    (prefix) => {
      expect(readApiKeyPrefix('here', prefix)).toBe(prefix);
    },
  );

  it.each([
    undefined,
    null,
    7,
    '',
    'a',
    'abcdefghijklmnopq',
    'Acme',
    '1acme',
    'ac me',
    'acme_',
    'acme_prod',
    'acme_live_test',
    'acme-x',
    'acme\n',
    'stackauth',
    'stackauth_live',
    'grt',
    'grt_test',
    'goc',
    'hexclave',
  ])('must not be %j', (prefix) => {
    expect(() => readApiKeyPrefix('ApiKeysModule.forRoot({ prefix })', prefix)).toThrow(
      /^ApiKeysModule.forRoot\(\{ prefix \}\): .+\. Write a short name of your app: prefix: 'acme'\.$/,
    );
  });

  it('makes the pattern for scanners, which finds keys of the app and no others', () => {
    const pattern = new RegExp(apiKeyPattern('acme_live'), 'g');
    const { text } = create();
    expect(`KEY="${text}" other=acme_live_short\n${text};`.match(pattern)).toEqual([text, text]);
    expect(`${text}a`.match(pattern)).toBeNull();
    expect(new ApiKeyFormat('acme').createSecret(new ApiKeyFormat('acme').createId()).text.match(pattern)).toBeNull();
    expect(() => apiKeyPattern('a.*')).toThrow('apiKeyPattern(prefix)');
  });
});
