import { describe, expect, it } from 'vitest';
import { FairQueue, type QueuedCall } from '../../../src/upstream/fair-queue.js';

const full = (): Error => new Error('There is no room');
const calls = (group: string, patienceMs = 60_000): QueuedCall => ({ group, patienceMs, toError: full });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Calls that the test ends one by one, in the order in which they had their turn. */
function setUp(limits: ConstructorParameters<typeof FairQueue>[0]) {
  const queue = new FairQueue(limits);
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const run = (name: string, how: QueuedCall): Promise<string> =>
    queue.run(async (waitedMs) => {
      started.push(name);
      await new Promise<void>((resolve) => ends.push(resolve));
      return waitedMs === 0 ? 'at once' : 'later';
    }, how);
  const endFirst = async (): Promise<void> => {
    ends.shift()?.();
    await turn();
  };
  return { run, started, endFirst };
}

describe('calls to a busy provider', () => {
  it('have their turn at once while there is room, and otherwise one group after the other', async () => {
    const { run, started, endFirst } = setUp({ mostRunning: 2 });
    const first = run('a1', calls('a'));
    for (const name of ['a2', 'a3', 'a4', 'a5']) void run(name, calls('a'));
    const other = run('b1', calls('b'));
    void run('c1', calls('c'));
    expect(started).toEqual(['a1', 'a2']);
    for (let call = 0; call < 5; call += 1) await endFirst();
    expect(started).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'a5']);
    expect([await first, await other]).toEqual(['at once', 'later']);
  });

  it('make room when they fail', async () => {
    const queue = new FairQueue({ mostRunning: 1 });
    const failing = queue.run(() => Promise.reject(new Error('It failed')), calls('a'));
    const next = queue.run(() => Promise.resolve('next'), calls('a'));
    await expect(failing).rejects.toThrow('It failed');
    expect(await next).toBe('next');
    expect(await queue.run(() => Promise.resolve('last'), calls('a'))).toBe('last');
  });

  it('fail when their patience is over, and make no call', async () => {
    const { run, started, endFirst } = setUp({ mostRunning: 1 });
    void run('a1', calls('a'));
    await expect(run('a2', calls('a', 1))).rejects.toThrow('There is no room');
    void run('a3', calls('a'));
    await endFirst();
    expect(started).toEqual(['a1', 'a3']);
  });

  it('fail at once where too many wait, of one group or in all', async () => {
    const { run } = setUp({ mostRunning: 1, mostWaitingOfGroup: 2, mostWaiting: 3 });
    for (const name of ['a1', 'a2', 'a3']) void run(name, calls('a'));
    await expect(run('a4', calls('a'))).rejects.toThrow('There is no room');
    void run('b1', calls('b'));
    await expect(run('b2', calls('b'))).rejects.toThrow('There is no room');
  });
});
