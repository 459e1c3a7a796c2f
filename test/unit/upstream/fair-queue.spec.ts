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

/** The same queue, written without regard to its cost. One call runs; the others wait. */
class ModelQueue {
  readonly groups: { name: string; waiters: number[]; since: number }[] = [];
  private changes = 0;

  constructor(private readonly most: { readonly ofGroup: number; readonly inAll: number }) {}

  /** @returns the calls that are refused */
  join(call: number, name: string): number[] {
    const group = this.groups.find((one) => one.name === name);
    const size = group?.waiters.length ?? 0;
    const refused: number[] = [];
    if (size >= this.most.ofGroup) return [call];
    if (this.groups.reduce((sum, { waiters }) => sum + waiters.length, 0) >= this.most.inAll) {
      const longest = Math.max(...this.groups.map(({ waiters }) => waiters.length));
      const [displaced] = this.groups
        .filter(({ waiters }) => waiters.length === longest)
        .sort((one, other) => one.since - other.since);
      if (size + 1 >= longest || displaced === undefined) return [call];
      refused.push(displaced.waiters.pop() ?? -1);
      displaced.since = this.changes += 1;
    }
    const joined = group ?? { name, waiters: [], since: 0 };
    if (group === undefined) this.groups.push(joined);
    joined.waiters.push(call);
    joined.since = this.changes += 1;
    return refused;
  }

  /** @returns the call that has its turn */
  passOn(): number | undefined {
    const group = this.groups.shift();
    const call = group?.waiters.shift();
    if (group !== undefined && group.waiters.length > 0) this.groups.push({ ...group, since: (this.changes += 1) });
    return call;
  }
}

/** Lets calls come and end in an order that follows from the seed, in the queue and in the model. */
async function compareWithModel(seed: number): Promise<void> {
  let state = seed;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const queue = new FairQueue({ mostRunning: 1, mostWaitingOfGroup: 6, mostWaiting: 12 });
  const model = new ModelQueue({ ofGroup: 6, inAll: 12 });
  const events: string[] = [];
  const expected: string[] = ['start 0'];
  let endRunning: () => void = () => undefined;
  const join = (call: number, group: string): void => {
    void queue
      .run(async () => {
        events.push(`start ${call}`);
        await new Promise<void>((resolve) => (endRunning = resolve));
      }, calls(group))
      .catch(() => events.push(`refuse ${call}`));
  };
  join(0, 'first');
  for (let call = 1; call < 400; call += 1) {
    // At times many groups come, at times few.
    const group = `group ${random(call % 100 < 50 ? 3 : 20)}`;
    if (random(10) < 7) {
      expected.push(...model.join(call, group).map((refused) => `refuse ${refused}`));
      join(call, group);
    } else {
      const next = model.passOn();
      if (next === undefined) continue;
      expected.push(`start ${next}`);
      endRunning();
    }
    await turn();
  }
  expect(events).toEqual(expected);
}

/**
 * How long 4,000 calls take that come when the queue is full of calls of so many groups: the first half displaces others, and
 * the second half is refused. The least of three rounds, because other programs only add to it.
 */
async function fastestJoin(groups: number): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const queue = new FairQueue({ mostRunning: 1, mostWaiting: groups + 2_001 });
    let end: () => void = () => undefined;
    const outcomes = [queue.run(() => new Promise<void>((resolve) => (end = resolve)), calls('first'))];
    const join = (group: string): void => {
      outcomes.push(queue.run(() => Promise.resolve(), calls(group)).catch(() => undefined));
    };
    for (let call = 0; call < groups; call += 1) join(`one of ${call}`);
    for (let call = 0; call < 2_001; call += 1) join('the longest');
    const start = performance.now();
    for (let call = 0; call < 4_000; call += 1) join(`new ${call}`);
    rounds.push(performance.now() - start);
    end();
    await Promise.all(outcomes);
  }
  return Math.min(...rounds);
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

  it('displace the newest call of the longest group when a shorter group has one more', async () => {
    const { run, started, endFirst } = setUp({ mostRunning: 1, mostWaiting: 6 });
    void run('a0', calls('a'));
    const waiting = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3'].map((name) => run(name, calls(name.charAt(0))));
    const outcomes = Promise.allSettled(waiting);
    await expect(run('a4', calls('a'))).rejects.toThrow('There is no room');
    // Of two groups of the same size, the one that has had it for longer gives way.
    void run('c1', calls('c'));
    void run('d1', calls('d'));
    // The longest have two calls now: with a second one, this group would be as long as they.
    await expect(run('c2', calls('c'))).rejects.toThrow('There is no room');
    for (let call = 0; call < 6; call += 1) await endFirst();
    expect(started).toEqual(['a0', 'a1', 'b1', 'c1', 'd1', 'a2', 'b2']);
    await endFirst();
    expect((await outcomes).map(({ status }) => status === 'fulfilled')).toEqual([
      true,
      true,
      false,
      true,
      true,
      false,
    ]);
  });

  it('of a new group are refused when every group has a single one', async () => {
    const { run } = setUp({ mostRunning: 1, mostWaiting: 3 });
    for (const name of ['a', 'b', 'c', 'd']) void run(name, calls(name));
    await expect(run('e', calls('e'))).rejects.toThrow('There is no room');
  });

  it('wait as in a simple model of the queue, whatever comes and ends', async () => {
    for (let seed = 1; seed <= 40; seed += 1) await compareWithModel(seed);
  });

  it('cost the same however many groups wait', async () => {
    // A search among the groups would take a hundred times as long for the second.
    const [few, many] = [await fastestJoin(200), await fastestJoin(20_000)];
    expect(many / few).toBeLessThan(20);
  }, 30_000);
});
