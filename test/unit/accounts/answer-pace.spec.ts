import { describe, expect, it } from 'vitest';
import { AnswerPace } from '../../../src/accounts/answer-pace.js';

describe('The pace of wrong answers', () => {
  it('waits for nothing while all hashes cost the same', () => {
    const pace = new AnswerPace(() => 0);
    expect([12, 30, 12].map((tookMs) => pace.restOf('own', tookMs))).toEqual([0, 0, 0]);
  });

  it('is that of the slowest cost, for all of them', () => {
    const pace = new AnswerPace(() => 0);
    pace.restOf('own', 12);
    expect(pace.restOf('imported', 200)).toBe(50);
    expect(pace.restOf('own', 12)).toBe(238);
    expect(pace.restOf('cheap', 1)).toBe(249);
    expect(pace.restOf('own', 300)).toBe(0);
  });

  it('follows the machine, slowly', () => {
    const pace = new AnswerPace(() => 0);
    pace.restOf('imported', 100);
    pace.restOf('imported', 200);
    expect(pace.restOf('own', 10)).toBeCloseTo(1.25 * 110 - 10);
  });

  it('makes nobody wait for longer than three seconds', () => {
    const pace = new AnswerPace(() => 0);
    pace.restOf('imported', 60_000);
    expect(pace.restOf('own', 10)).toBe(3000);
  });

  it('forgets a cost that was not seen for an hour', () => {
    let now = 0;
    const pace = new AnswerPace(() => now);
    pace.restOf('imported', 200);
    now = 3_600_000;
    expect(pace.restOf('own', 10)).toBe(240);
    now = 3_600_001;
    expect(pace.restOf('own', 10)).toBe(0);
  });

  it('remembers 32 costs', () => {
    const pace = new AnswerPace(() => 0);
    pace.restOf('slow', 1000);
    for (let cost = 0; cost < 31; cost += 1) expect(pace.restOf(`cost ${cost}`, 10)).toBe(1240);
    expect(pace.restOf('one more', 10)).toBe(2.5);
  });
});
