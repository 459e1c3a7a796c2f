import { describe, expect, it } from 'vitest';
import { RefusedKeys } from '../../../src/authentication/refused-keys.js';
import { ManualClock } from '../../support/manual-clock.js';

describe('refused keys', () => {
  it('are counted for each network, 30 in any five minutes', () => {
    const clock = new ManualClock();
    const refused = new RefusedKeys(clock);
    for (let at = 0; at < 29; at += 1) expect(refused.note('192.0.2.1')).toBeNull();
    clock.advanceSeconds(200);
    expect(refused.note('192.0.2.1')).toBeNull();
    expect(refused.note('192.0.2.1')).toBe(100);
    expect(refused.note('192.0.2.2')).toBeNull();
    clock.advanceSeconds(99);
    expect(refused.note('192.0.2.1')).toBe(1);
    // A window that began anew every five minutes would take 30 more at once.
    clock.advanceSeconds(1);
    for (let at = 0; at < 29; at += 1) expect(refused.note('192.0.2.1')).toBeNull();
    expect(refused.note('192.0.2.1')).toBe(200);
  });

  it('do not extend the time by attempts that were answered with 429', () => {
    const clock = new ManualClock();
    const refused = new RefusedKeys(clock);
    for (let at = 0; at < 1_000; at += 1) refused.note('net');
    clock.advanceSeconds(300);
    expect(refused.note('net')).toBeNull();
  });

  it('are not counted where the network is not known, and survive a clock that is set back', () => {
    const clock = new ManualClock();
    const refused = new RefusedKeys(clock);
    for (let at = 0; at < 100; at += 1) expect(refused.note(null)).toBeNull();
    for (let at = 0; at < 31; at += 1) refused.note('net');
    clock.advanceSeconds(-86_400);
    expect(refused.note('net')).toBeNull();
  });

  it('take a bounded amount of memory, and forget the oldest network first', () => {
    const refused = new RefusedKeys(new ManualClock());
    const networks = (refused as unknown as { networks: Map<string, number[]> }).networks;
    for (let at = 0; at < 40; at += 1) refused.note('first');
    for (let at = 0; at < 10_000; at += 1) refused.note(`net ${at}`);
    expect(networks.size).toBe(10_000);
    expect(refused.note('first')).toBeNull();
    for (let at = 0; at < 100; at += 1) refused.note('busy');
    expect(networks.get('busy')).toHaveLength(30);
  });
});
