import { afterEach, describe, expect, it, vi } from 'vitest';
import { type VerificationPlace, SignatureScheduler } from '../../../src/token/signature-scheduler.js';

/** A scheduler that measures the given duration for each job. */
function schedulerOf(milliseconds: number): SignatureScheduler {
  let now = 0;
  let running = false;
  return new SignatureScheduler(() => {
    running = !running;
    return running ? now : (now += milliseconds);
  });
}

/** Simulates a verification: on the main thread it returns at once; in the pool it is a job that the test ends. */
function workIn(scheduler: SignatureScheduler) {
  const places: VerificationPlace[] = [];
  const jobs: (() => void)[] = [];
  let inPool = 0;
  const work = (place: VerificationPlace): VerificationPlace | Promise<VerificationPlace> => {
    places.push(place);
    if (place === 'here') return place;
    inPool += 1;
    scheduler.enterPool();
    return new Promise<VerificationPlace>((resolve) => {
      jobs.push(() => {
        inPool -= 1;
        scheduler.leavePool();
        resolve('pool');
      });
    });
  };
  return { places, jobs, work, inPool: () => inPool };
}

/** Spends the time of this turn, so that of several concurrent tokens only the first one starts. */
async function spendTurn(scheduler: SignatureScheduler): Promise<void> {
  for (let at = 0; at < 3; at += 1) await scheduler.schedule(() => 'done');
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Ends all jobs, and those that start because of it in later turns. */
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

  it('verifies a single token at once without a promise, and then the next one', async () => {
    const scheduler = schedulerOf(0.1);
    const { work } = workIn(scheduler);
    expect(scheduler.schedule(work)).toBe('here');
    await Promise.resolve();
    expect(scheduler.schedule(work)).toBe('here');
  });

  it('verifies any number of consecutive tokens on the main thread, and yields to other work after 4 ms', async () => {
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

  it('sends tokens of the same tick to the pool, and later ones while these are there', async () => {
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

  it('sends tokens of another callback in the same turn to the pool, as for requests on other sockets', async () => {
    const scheduler = schedulerOf(0);
    const { work, places, jobs } = workIn(scheduler);
    // These timers are due at the same time, so their callbacks run in one turn, each followed by its microtasks.
    const asked = [1, 2, 3].map(
      () => new Promise((resolve) => setImmediate(() => resolve(Promise.resolve(scheduler.schedule(work))))),
    );
    await nextTurn();
    expect(places).toEqual(['here', 'pool', 'pool']);

    await finish(jobs);
    await Promise.all(asked);
    expect(await scheduler.schedule(work)).toBe('here');
  });

  it('verifies the next token of the same callback on the main thread when the previous one is done', async () => {
    const scheduler = schedulerOf(0);
    const { work, places } = workIn(scheduler);
    const askTwice = async (): Promise<void> => {
      await scheduler.schedule(work);
      await scheduler.schedule(work);
    };
    await new Promise((resolve) => setImmediate(() => resolve(askTwice())));
    expect(places).toEqual(['here', 'here']);
  });

  it("never leaves a token waiting after Node's timers were fake", async () => {
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

  it('has at most 32 jobs in the pool, and starts the next one before a result is used', async () => {
    const scheduler = schedulerOf(0);
    const { work, jobs, inPool } = workIn(scheduler);
    const inPoolAtUse: number[] = [];
    const all = Array.from({ length: 100 }, async () => {
      await scheduler.schedule(work);
      inPoolAtUse.push(inPool());
    });
    await nextTurn();
    expect(inPool()).toBe(32);

    jobs.shift()?.();
    await nextTurn();
    // The first token was verified on the main thread, because it was the only one then.
    expect(inPoolAtUse).toEqual([32, 32]);

    await finish(jobs);
    await Promise.all(all);
    expect(inPoolAtUse).toHaveLength(100);
    expect(Math.max(...inPoolAtUse)).toBe(32);
  });

  it('starts jobs in the order of arrival', async () => {
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

  it('starts at most 2 ms of work in a turn of the event loop, whether places or keys are missing', async () => {
    const scheduler = schedulerOf(1);
    let startedInTurn = 0;
    const perTurn: number[] = [];
    // This work enters no pool and returns a promise, as for a token whose keys must be fetched.
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

  it('counts at most 1 ms for one token, because a longer time means that the process was interrupted', async () => {
    const scheduler = schedulerOf(20);
    const { work, places, jobs } = workIn(scheduler);
    void scheduler.schedule(work);
    const second = scheduler.schedule(work);
    expect(places).toEqual(['here', 'pool']);

    await finish(jobs);
    expect(await second).toBe('pool');
  });

  it('counts no time for jobs in the pool, which the number of places limits', async () => {
    const scheduler = schedulerOf(1);
    const { work, jobs, places } = workIn(scheduler);
    const together = Array.from({ length: 12 }, async () => scheduler.schedule(work));
    expect(places).toHaveLength(12);

    await finish(jobs);
    await Promise.all(together);
  });

  it('continues in the next turn when a place in the pool is free and the time of the turn is used up', async () => {
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

  it('does not schedule turns while tokens wait for a place in the pool', async () => {
    const scheduler = schedulerOf(0);
    const { work, jobs } = workIn(scheduler);
    const all = Array.from({ length: 40 }, async () => scheduler.schedule(work));
    await nextTurn();
    await nextTurn();
    expect(process.getActiveResourcesInfo()).not.toContain('Immediate');

    await finish(jobs);
    await Promise.all(all);
  });

  it('throws an error of a direct job, and rejects with an error of a queued job', async () => {
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

  it('continues after a job that fails in the pool', async () => {
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

  it('verifies the last queued token on the main thread when the pool is idle', async () => {
    const scheduler = schedulerOf(1);
    const { work, places } = workIn(scheduler);
    await spendTurn(scheduler);
    void scheduler.schedule(work);
    const second = scheduler.schedule(work);
    expect(places).toEqual(['here']);
    expect(await second).toBe('here');
  });
});
