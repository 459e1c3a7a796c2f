import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../src/keys/backoff.js';

const start = Date.parse('2026-01-01T00:00:00Z');

/** The delay after a number of failures at the same time. */
function pauseAfter(failures: number): number {
  const backoff = new Backoff();
  for (let failure = 0; failure < failures; failure += 1) backoff.noteFailure(start);
  return backoff.remainingMs(start);
}

describe('an operation that fails', () => {
  it('may be tried before its first failure', () => {
    const backoff = new Backoff();

    expect([backoff.mayTry(start), backoff.failing, backoff.remainingMs(start)]).toEqual([true, false, 0]);
  });

  it('may be retried at once after the first failure', () => {
    const backoff = new Backoff();
    backoff.noteFailure(start);

    expect([backoff.mayTry(start), backoff.failing]).toEqual([true, true]);
  });

  it.each([
    [2, 1_250],
    [3, 2_500],
    [4, 5_000],
    [5, 10_000],
    [6, 12_000],
    [7, 12_000],
    [2_000, 12_000],
  ])('must wait after %d failures for %d ms with 20 % of jitter, between 1 and 15 seconds', (failures, pause) => {
    const pauses = Array.from({ length: 200 }, () => pauseAfter(failures));

    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(pause * 0.8);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(pause * 1.2);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(15_000);
    // Instances that failed at the same time do not retry at the same time.
    expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(pause * 0.2);
  });

  it('may be retried when the delay has passed, and not before', () => {
    const backoff = new Backoff();
    backoff.noteFailure(start);
    backoff.noteFailure(start);
    const end = start + backoff.remainingMs(start);

    expect([backoff.mayTry(end - 1), backoff.mayTry(end)]).toEqual([false, true]);
    expect(backoff.remainingMs(end + 5_000)).toBe(0);
  });

  it('reports its first failure once', () => {
    const backoff = new Backoff();

    expect([1, 2, 3].map(() => backoff.noteFailure(start))).toEqual([true, false, false]);
  });

  it('reports the duration from its first failure to its success, and starts over after it', () => {
    const backoff = new Backoff();
    backoff.noteFailure(start);
    backoff.noteFailure(start + 10_000);

    expect(backoff.noteSuccess(start + 30_000)).toBe(30_000);
    expect([backoff.failing, backoff.mayTry(start)]).toEqual([false, true]);
    expect(backoff.noteSuccess(start + 40_000)).toBeNull();
    expect(backoff.noteFailure(start + 50_000)).toBe(true);
    expect(backoff.remainingMs(start + 50_000)).toBe(0);
  });
});
