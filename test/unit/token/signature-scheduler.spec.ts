import { afterEach, describe, expect, it, vi } from 'vitest';
import { type VerificationPlace, SignatureScheduler } from '../../../src/token/signature-scheduler.js';

/** A line in which every piece of work seems to take so long. */
function lineOf(milliseconds: number): SignatureScheduler {
  let now = 0;
  let running = false;
  return new SignatureScheduler(() => {
    running = !running;
    return running ? now : (now += milliseconds);
  });
}

/** Work that does what judging does: nothing more here, or a job in the pool that the test brings to its end. */
function workIn(line: SignatureScheduler) {
  const places: VerificationPlace[] = [];
  const jobs: (() => void)[] = [];
  let underWay = 0;
  const work = (place: VerificationPlace): VerificationPlace | Promise<VerificationPlace> => {
    places.push(place);
    if (place === 'here') return place;
    underWay += 1;
    line.enterPool();
    return new Promise<VerificationPlace>((resolve) => {
      jobs.push(() => {
        underWay -= 1;
        line.leavePool();
        resolve('pool');
      });
    });
  };
  return { places, jobs, work, underWay: () => underWay };
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
    const line = lineOf(0.1);
    const { work } = workIn(line);
    expect(line.schedule(work)).toBe('here');
    await Promise.resolve();
    expect(line.schedule(work)).toBe('here');
  });

  it('has one after the other judged here however many they are, and lets other work in after 2 ms', async () => {
    const line = lineOf(0.5);
    const { work, places } = workIn(line);
    let turns = 0;
    const count = (): void => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);

    for (let at = 0; at < 50; at += 1) expect(await line.schedule(work)).toBe('here');
    clearImmediate(timer);
    expect(places).toHaveLength(50);
    expect(turns).toBeGreaterThanOrEqual(50 / 6);
    expect(turns).toBeLessThanOrEqual(50 / 4);
  });

  it('sends those that come in the same breath to the pool, and others after them while they are there', async () => {
    const line = lineOf(0);
    const { work, places, jobs } = workIn(line);
    const together = [line.schedule(work), line.schedule(work), line.schedule(work)];
    await nextTurn();
    const later = line.schedule(work);
    expect(places).toEqual(['here', 'pool', 'pool', 'pool']);

    await finish(jobs);
    expect(await Promise.all([...together, later])).toEqual(['here', 'pool', 'pool', 'pool']);
    expect(line.schedule(work)).toBe('here');
  });

  it('sends those to the pool that another callback of the same turn asks for, as requests on other sockets do', async () => {
    const line = lineOf(0);
    const { work, places, jobs } = workIn(line);
    // All due at once, these callbacks run in one turn, each with the ticks and microtasks that follow it.
    const asked = [1, 2, 3].map(
      () => new Promise((resolve) => setImmediate(() => resolve(Promise.resolve(line.schedule(work))))),
    );
    await nextTurn();
    expect(places).toEqual(['here', 'pool', 'pool']);

    await finish(jobs);
    await Promise.all(asked);
    expect(await line.schedule(work)).toBe('here');
  });

  it('has the next one judged here that the same callback asks for when the one before is done', async () => {
    const line = lineOf(0);
    const { work, places } = workIn(line);
    const askTwice = async (): Promise<void> => {
      await line.schedule(work);
      await line.schedule(work);
    };
    await new Promise((resolve) => setImmediate(() => resolve(askTwice())));
    expect(places).toEqual(['here', 'here']);
  });

  it("keeps anonymousCaller waiting for ever where fake timers have been in the place of Node's", async () => {
    const line = lineOf(3);
    const { work } = workIn(line);
    vi.useFakeTimers({ toFake: ['setImmediate'] });
    expect(line.schedule(work)).toBe('here');
    const meanwhile = line.schedule(work);
    vi.useRealTimers();

    expect(await meanwhile).toBe('here');
    expect(await line.schedule(work)).toBe('here');
  });

  it('has 32 in the pool at the most, and starts the next one before a result is used', async () => {
    const line = lineOf(0);
    const { work, jobs, underWay } = workIn(line);
    const inPoolAtUse: number[] = [];
    const all = Array.from({ length: 100 }, async () => {
      await line.schedule(work);
      inPoolAtUse.push(underWay());
    });
    await nextTurn();
    expect(underWay()).toBe(32);

    jobs.shift()?.();
    await nextTurn();
    // The first was judged here, when anonymousCaller else had come yet.
    expect(inPoolAtUse).toEqual([32, 32]);

    await finish(jobs);
    await Promise.all(all);
    expect(inPoolAtUse).toHaveLength(100);
    expect(Math.max(...inPoolAtUse)).toBe(32);
  });

  it('starts them in the order in which they came', async () => {
    const line = lineOf(1);
    const { jobs, work } = workIn(line);
    const started: number[] = [];
    const all = Array.from({ length: 60 }, async (_, at) =>
      line.schedule((place) => {
        started.push(at);
        return work(place);
      }),
    );
    await finish(jobs);
    await Promise.all(all);
    expect(started).toEqual(Array.from({ length: 60 }, (_, at) => at));
  });

  it('starts no more in a turn of the event loop than 2 ms allow, be they short of a place or of keys', async () => {
    const line = lineOf(1);
    let startedInTurn = 0;
    const perTurn: number[] = [];
    // Work that leaves the line at once, as that of a token whose keys have to be fetched.
    const all = Array.from({ length: 40 }, async () =>
      line.schedule(() => {
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

  it('throws what lone work throws, and rejects with what work throws that had to wait', async () => {
    const line = lineOf(3);
    const failing = (): never => {
      throw new Error('refused');
    };
    expect(() => line.schedule(failing)).toThrow('refused');
    const waiting = [failing, failing, () => 'passed'].map(async (work) => line.schedule(work));

    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  it('is not held up by a job that fails in the pool', async () => {
    const line = lineOf(0);
    const { work } = workIn(line);
    const failing = async (): Promise<never> => {
      line.enterPool();
      await nextTurn();
      line.leavePool();
      throw new Error('broken key');
    };
    void line.schedule(work);
    const failed = await Promise.allSettled(Array.from({ length: 80 }, async () => line.schedule(failing)));
    expect(failed.every(({ status }) => status === 'rejected')).toBe(true);

    await nextTurn();
    expect(line.schedule(work)).toBe('here');
  });

  it('has the last one that waits judged here, when anonymousCaller is in the pool', async () => {
    const line = lineOf(3);
    const { work, places } = workIn(line);
    void line.schedule(work);
    const second = line.schedule(work);
    expect(places).toEqual(['here']);
    expect(await second).toBe('here');
  });
});
