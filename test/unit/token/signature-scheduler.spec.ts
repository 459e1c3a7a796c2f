import { afterEach, describe, expect, it, vi } from 'vitest';
import { type VerificationPlace, SignatureScheduler } from '../../../src/token/signature-scheduler.js';

/** A scheduler for which every piece of work seems to take so long. */
function schedulerOf(milliseconds: number): SignatureScheduler {
  let now = 0;
  let running = false;
  return new SignatureScheduler(() => {
    running = !running;
    return running ? now : (now += milliseconds);
  });
}

/** Work that does what judging does: nothing more here, or a job in the pool that the test brings to its end. */
function workIn(scheduler: SignatureScheduler) {
  const places: VerificationPlace[] = [];
  const jobs: (() => void)[] = [];
  let underWay = 0;
  const work = (place: VerificationPlace): VerificationPlace | Promise<VerificationPlace> => {
    places.push(place);
    if (place === 'here') return place;
    underWay += 1;
    scheduler.enterPool();
    return new Promise<VerificationPlace>((resolve) => {
      jobs.push(() => {
        underWay -= 1;
        scheduler.leavePool();
        resolve('pool');
      });
    });
  };
  return { places, jobs, work, underWay: () => underWay };
}

/** Has so much verified in this turn that of several tokens that come now only the first is not made to wait. */
async function spendTurn(scheduler: SignatureScheduler): Promise<void> {
  for (let at = 0; at < 3; at += 1) await scheduler.schedule(() => 'done');
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Finishes jobs until none is left, a turn for each round of them. */
async function finish(jobs: (() => void)[]): Promise<void> {
  while (jobs.length > 0) {
    for (const end of jobs.splice(0)) end();
    await nextTurn();
  }
}

describe('SignatureScheduler', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('has a lone token judged at once and without a promise, and the next one when that is done', async () => {
    const scheduler = schedulerOf(0.1);
    const { work } = workIn(scheduler);
    expect(scheduler.schedule(work)).toBe('here');
    await Promise.resolve();
    expect(scheduler.schedule(work)).toBe('here');
  });

  it('verifies one token after the other on the main thread however many they are, and lets other work in after 4 ms', async () => {
    const scheduler = schedulerOf(0.5);
    const { work, places } = workIn(scheduler);
    let turns = 0;
    const count = (): void => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);

    for (let at = 0; at < 50; at += 1) expect(await scheduler.schedule(work)).toBe('here');
    clearImmediate(timer);
    expect(places).toHaveLength(50);
    expect(turns).toBeGreaterThanOrEqual(Math.floor(50 / 10));
    expect(turns).toBeLessThanOrEqual(50 / 8);
  });

  it('sends those that come in the same tick to the pool, and others after them while they are there', async () => {
    const scheduler = schedulerOf(0);
    const { work, places, jobs } = workIn(scheduler);
    const together = [scheduler.schedule(work), scheduler.schedule(work), scheduler.schedule(work)];
    await nextTurn();
    const later = scheduler.schedule(work);
    expect(places).toEqual(['here', 'pool', 'pool', 'pool']);

    await finish(jobs);
    expect(await Promise.all([...together, later])).toEqual(['here', 'pool', 'pool', 'pool']);
    expect(scheduler.schedule(work)).toBe('here');
  });

  it('sends those to the pool that another callback of the same turn asks for, as requests on other sockets do', async () => {
    const scheduler = schedulerOf(0);
    const { work, places, jobs } = workIn(scheduler);
    // All due at once, these callbacks run in one turn, each with the ticks and microtasks that follow it.
    const asked = [1, 2, 3].map(
      () => new Promise((resolve) => setImmediate(() => resolve(Promise.resolve(scheduler.schedule(work))))),
    );
    await nextTurn();
    expect(places).toEqual(['here', 'pool', 'pool']);

    await finish(jobs);
    await Promise.all(asked);
    expect(await scheduler.schedule(work)).toBe('here');
  });

  it('has the next one judged here that the same callback asks for when the one before is done', async () => {
    const scheduler = schedulerOf(0);
    const { work, places } = workIn(scheduler);
    const askTwice = async (): Promise<void> => {
      await scheduler.schedule(work);
      await scheduler.schedule(work);
    };
    await new Promise((resolve) => setImmediate(() => resolve(askTwice())));
    expect(places).toEqual(['here', 'here']);
  });

  it("keeps nobody waiting for ever where fake timers have been in the place of Node's", async () => {
    const scheduler = schedulerOf(1);
    const { work } = workIn(scheduler);
    vi.useFakeTimers({ toFake: ['setImmediate'] });
    await spendTurn(scheduler);
    expect(scheduler.schedule(work)).toBe('here');
    const meanwhile = scheduler.schedule(work);
    vi.useRealTimers();

    expect(await meanwhile).toBe('here');
    expect(await scheduler.schedule(work)).toBe('here');
  });

  it('has 32 in the pool at the most, and starts the next one before a result is used', async () => {
    const scheduler = schedulerOf(0);
    const { work, jobs, underWay } = workIn(scheduler);
    const inPoolAtUse: number[] = [];
    const all = Array.from({ length: 100 }, async () => {
      await scheduler.schedule(work);
      inPoolAtUse.push(underWay());
    });
    await nextTurn();
    expect(underWay()).toBe(32);

    jobs.shift()?.();
    await nextTurn();
    // The first was judged here, when nobody else had come yet.
    expect(inPoolAtUse).toEqual([32, 32]);

    await finish(jobs);
    await Promise.all(all);
    expect(inPoolAtUse).toHaveLength(100);
    expect(Math.max(...inPoolAtUse)).toBe(32);
  });

  it('starts them in the order in which they came', async () => {
    const scheduler = schedulerOf(1);
    const { jobs, work } = workIn(scheduler);
    const started: number[] = [];
    const all = Array.from({ length: 60 }, async (_, at) =>
      scheduler.schedule((place) => {
        started.push(at);
        return work(place);
      }),
    );
    await finish(jobs);
    await Promise.all(all);
    expect(started).toEqual(Array.from({ length: 60 }, (_, at) => at));
  });

  it('starts no more in a turn of the event loop than 2 ms allow, be they short of a place or of keys', async () => {
    const scheduler = schedulerOf(1);
    let startedInTurn = 0;
    const perTurn: number[] = [];
    // Work that is done with the scheduler at once, as that of a token whose keys have to be fetched.
    const all = Array.from({ length: 40 }, async () =>
      scheduler.schedule(() => {
        startedInTurn += 1;
        return Promise.resolve();
      }),
    );
    for (let turn = 0; turn < 20; turn += 1) {
      perTurn.push(startedInTurn);
      startedInTurn = 0;
      await nextTurn();
    }
    await Promise.all(all);
    expect(Math.max(...perTurn)).toBe(3);
    expect(perTurn.reduce((sum, count) => sum + count, 0)).toBe(40);
  });

  it('counts 1 ms at the most for one token, as the process was interrupted if it seems to take longer', async () => {
    const scheduler = schedulerOf(20);
    const { work, places, jobs } = workIn(scheduler);
    void scheduler.schedule(work);
    const second = scheduler.schedule(work);
    expect(places).toEqual(['here', 'pool']);

    await finish(jobs);
    expect(await second).toBe('pool');
  });

  it('counts no time for what enters the pool, where the number of places is the limit', async () => {
    const scheduler = schedulerOf(1);
    const { work, jobs, places } = workIn(scheduler);
    const together = Array.from({ length: 12 }, async () => scheduler.schedule(work));
    expect(places).toHaveLength(12);

    await finish(jobs);
    await Promise.all(together);
  });

  it('goes on in the next turn when a place in the pool is free, but the time of the turn is spent', async () => {
    const scheduler = schedulerOf(1);
    const { work, jobs } = workIn(scheduler);
    const together = Array.from({ length: 33 }, async () => scheduler.schedule(work));
    const refused = Array.from({ length: 10 }, async () => scheduler.schedule(() => 'refused'));
    await nextTurn();
    await nextTurn();

    jobs.shift()?.();
    expect(await Promise.all(refused)).toHaveLength(10);
    await finish(jobs);
    await Promise.all(together);
  });

  it('leaves the event loop alone while tokens wait for a place in the pool', async () => {
    const scheduler = schedulerOf(0);
    const { work, jobs } = workIn(scheduler);
    const all = Array.from({ length: 40 }, async () => scheduler.schedule(work));
    await nextTurn();
    await nextTurn();
    expect(process.getActiveResourcesInfo()).not.toContain('Immediate');

    await finish(jobs);
    await Promise.all(all);
  });

  it('throws what lone work throws, and rejects with what work throws that had to wait', async () => {
    const scheduler = schedulerOf(1);
    const failing = (): never => {
      throw new Error('refused');
    };
    await spendTurn(scheduler);
    expect(() => scheduler.schedule(failing)).toThrow('refused');
    const waiting = [failing, failing, () => 'passed'].map(async (work) => scheduler.schedule(work));

    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  it('is not held up by a job that fails in the pool', async () => {
    const scheduler = schedulerOf(0);
    const { work } = workIn(scheduler);
    const failing = async (): Promise<never> => {
      scheduler.enterPool();
      await nextTurn();
      scheduler.leavePool();
      throw new Error('broken key');
    };
    void scheduler.schedule(work);
    const failed = await Promise.allSettled(Array.from({ length: 80 }, async () => scheduler.schedule(failing)));
    expect(failed.every(({ status }) => status === 'rejected')).toBe(true);

    await nextTurn();
    expect(scheduler.schedule(work)).toBe('here');
  });

  it('has the last one that waits judged here, when nobody is in the pool', async () => {
    const scheduler = schedulerOf(1);
    const { work, places } = workIn(scheduler);
    await spendTurn(scheduler);
    void scheduler.schedule(work);
    const second = scheduler.schedule(work);
    expect(places).toEqual(['here']);
    expect(await second).toBe('here');
  });
});
