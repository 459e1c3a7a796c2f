import { describe, expect, it } from 'vitest';
import { FingerprintTable } from '../../../src/revocation/fingerprint-table.js';

/** Numbers that look random and are the same at each run (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

interface Entry {
  issuedUntil: number;
  expiresAt: number;
}

/** What the table has to agree with: a plain Map. */
class PlainTable {
  readonly entries = new Map<string, Entry>();

  add(key: string, issuedUntil: number, expiresAt: number): boolean {
    const known = this.entries.get(key);
    const merged = {
      issuedUntil: Math.max(known?.issuedUntil ?? 0, issuedUntil),
      expiresAt: Math.max(known?.expiresAt ?? 0, expiresAt),
    };
    this.entries.set(key, merged);
    return known?.issuedUntil !== merged.issuedUntil || known.expiresAt !== merged.expiresAt;
  }

  get(key: string, now: number): number | undefined {
    const known = this.entries.get(key);
    return known !== undefined && known.expiresAt > now ? known.issuedUntil : undefined;
  }

  sweep(now: number): void {
    for (const [key, { expiresAt }] of this.entries) if (expiresAt <= now) this.entries.delete(key);
  }
}

describe('FingerprintTable', () => {
  it.each([
    ['spread over all slots', 2 ** 32, 5_000],
    ['crowded into the last slots, so that probing wraps around', 2 ** 26, 400],
  ])('agrees with a Map over 100,000 random operations, with fingerprints %s', (_, spread, count) => {
    const random = randomNumbers(spread);
    const table = new FingerprintTable();
    const plain = new PlainTable();
    let now = 1_000;
    const fingerprints = Array.from({ length: count }, () => ({
      low: 2 ** 32 - 1 - random(spread),
      high: random(2 ** 32),
    }));
    const differences: string[] = [];
    for (let step = 0; step < 100_000; step += 1) {
      const fingerprint = fingerprints[random(fingerprints.length)] ?? { low: 0, high: 0 };
      const key = `${fingerprint.low} ${fingerprint.high}`;
      const action = random(100);
      if (action < 45) {
        const times = [random(1_000), now + 1 + random(2_000)] as const;
        if (table.add(fingerprint, ...times) !== plain.add(key, ...times)) differences.push(`add ${key} at ${step}`);
      } else if (action < 98) {
        if (table.get(fingerprint, now) !== plain.get(key, now)) differences.push(`get ${key} at ${step}`);
      } else {
        now += random(40);
        table.sweep(now);
        plain.sweep(now);
        if (table.size !== plain.entries.size) differences.push(`size at ${step}`);
      }
    }
    expect(differences).toEqual([]);
    expect(plain.entries.size).toBeGreaterThan(count / 5);
    for (const fingerprint of fingerprints) {
      expect(table.get(fingerprint, now)).toBe(plain.get(`${fingerprint.low} ${fingerprint.high}`, now));
    }
  });

  it('keeps apart what shares one half of its fingerprint', () => {
    const table = new FingerprintTable();
    table.add({ low: 7, high: 1 }, 10, 100);
    expect(table.get({ low: 7, high: 2 }, 0)).toBeUndefined();
    expect(table.get({ low: 8, high: 1 }, 0)).toBeUndefined();
    expect(table.get({ low: 7, high: 1 }, 0)).toBe(10);
  });

  it('forgets an entry in the second in which it expires, and counts it until it is swept', () => {
    const table = new FingerprintTable();
    table.add({ low: 0, high: 0 }, 0, 100);
    expect(table.get({ low: 0, high: 0 }, 99.9)).toBe(0);
    expect(table.get({ low: 0, high: 0 }, 100)).toBeUndefined();
    expect(table.size).toBe(1);
    table.sweep(99);
    expect(table.size).toBe(1);
    table.sweep(100);
    expect(table.size).toBe(0);
  });

  it('takes between 16 and 35 bytes an entry from a thousand entries on, and gives memory back', () => {
    const table = new FingerprintTable();
    const random = randomNumbers(1);
    for (let count = 1; count <= 200_000; count += 1) {
      table.add({ low: random(2 ** 32), high: count }, 0, count);
      if (count < 1_000) continue;
      const bytes = table.byteLength / count;
      if (bytes > 35 || bytes < 16) expect.fail(`${bytes} bytes an entry at ${count}`);
    }
    table.sweep(199_990);
    expect(table.size).toBe(10);
    expect(table.byteLength).toBe(4_096);
  });
});
