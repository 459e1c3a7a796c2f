import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../src/keys/backoff.js';

const start = Date.parse('2026-01-01T00:00:00Z');

/** The pause after so many failures, all at one moment. */
function pauseAfter(failures: number): number {
  const backoff = new Backoff();
  for (let failure = 0; failure < failures; failure += 1) backoff.noteFailure(start);
  return backoff.remainingMs(start);
}

describe('what fails', () => {
  it('may be tried at once before it has ever failed', () => {
    const backoff = new Backoff();

    expect([backoff.mayTry(start), backoff.failing, backoff.remainingMs(start)]).toEqual([true, false, 0]);
  });

  it('may be tried at once after the first failure', () => {
    const backoff = new Backoff();
    backoff.noteFailure(start);

    expect([backoff.mayTry(start), backoff.failing]).toEqual([true, true]);
  });

  it.each([
    [2, 1_250],
    [3, 2_500],
    [4, 5_000],
    [5, 10_000],
    [6, 20_000],
    [7, 40_000],
    [8, 50_000],
    [9, 50_000],
    [2_000, 50_000],
  ])('waits after %d failures for %d ms, a fifth more or less: a second to a minute', (failures, pause) => {
    const pauses = Array.from({ length: 200 }, () => pauseAfter(failures));

    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(pause * 0.8);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(pause * 1.2);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000);
    // Many instances that failed together do not come back together.
    expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(pause * 0.2);
  });

  it('may be tried when the pause is over, and not before', () => {
    const backoff = new Backoff();
    backoff.noteFailure(start);
    backoff.noteFailure(start);
    const end = start + backoff.remainingMs(start);

    expect([backoff.mayTry(end - 1), backoff.mayTry(end)]).toEqual([false, true]);
    expect(backoff.remainingMs(end + 5_000)).toBe(0);
  });

  it('is said to have begun to fail once', () => {
    const backoff = new Backoff();

    expect([1, 2, 3].map(() => backoff.noteFailure(start))).toEqual([true, false, false]);
  });

  it('is said to have lasted from its first failure to its success, and starts afresh after it', () => {
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
