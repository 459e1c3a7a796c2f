import { describe, expect, it } from 'vitest';
import { SingleFlight } from '../../../src/upstream/single-flight.js';

/** A call that ends when it is told. */
function heldCall() {
  let calls = 0;
  let land: (value: string) => void = () => undefined;
  let crash: (error: Error) => void = () => undefined;
  const call = (): Promise<string> => {
    calls += 1;
    return new Promise((resolve, reject) => {
      land = resolve;
      crash = reject;
    });
  };
  return { call, calls: () => calls, land: (value: string) => land(value), crash: (error: Error) => crash(error) };
}

describe('a flight', () => {
  it('is shared by everybody who asks while it is under way', async () => {
    const flight = new SingleFlight<string>();
    const { call, calls, land } = heldCall();
    const asked = Array.from({ length: 100 }, () => flight.run(call));
    land('landed');

    expect(new Set(await Promise.all(asked))).toEqual(new Set(['landed']));
    expect(calls()).toBe(1);
  });

  it('fails for everybody who waits', async () => {
    const flight = new SingleFlight<string>();
    const { call, calls, crash } = heldCall();
    const asked = Array.from({ length: 3 }, () => flight.run(call));
    crash(new Error('crashed'));

    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(calls()).toBe(1);
  });

  it.each(['landed', 'crashed'])('is not kept once it has %s', async (end) => {
    const flight = new SingleFlight<string>();
    const { call, calls, land, crash } = heldCall();
    const first = flight.run(call).catch(() => 'crashed');
    if (end === 'landed') land('landed');
    else crash(new Error('crashed'));

    expect(await first).toBe(end);
    const second = flight.run(call);
    land('second');

    expect(await second).toBe('second');
    expect(calls()).toBe(2);
  });
});
