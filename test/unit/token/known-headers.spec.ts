import { describe, expect, it } from 'vitest';
import { KnownHeaders } from '../../../src/token/parse-token.js';
import type { TokenHeader } from '../../../src/token/verified-token.js';

const header = (kid: string): TokenHeader => ({ alg: 'ES256', kid });

/** A full cache, with the encoded texts '0', '1', … */
function filled(count: number): KnownHeaders {
  const known = new KnownHeaders();
  for (let at = 0; at < count; at += 1) known.add(String(at), header(String(at)));
  return known;
}

const found = (known: KnownHeaders, count: number): number =>
  Array.from({ length: count }, (_, at) => known.find(String(at))).filter((one) => one !== undefined).length;

describe('KnownHeaders', () => {
  it('returns the same header object for exactly the same text', () => {
    const known = new KnownHeaders();
    const added = header('a');
    known.add('encoded', added);

    expect(known.find('encoded')).toBe(added);
    expect(known.find('encodeD')).toBeUndefined();
    expect(known.find('__proto__')).toBeUndefined();
  });

  it('has 64 headers, and is cleared for the next one', () => {
    expect(found(filled(64), 64)).toBe(64);

    const known = filled(65);
    expect(found(known, 65)).toBe(1);
    expect(known.find('64')).toEqual(header('64'));
  });

  it('does not remove any when a known one is added again', () => {
    const known = filled(64);
    known.add('3', header('3'));

    expect(found(known, 64)).toBe(64);
  });
});
