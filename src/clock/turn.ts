import { setImmediate } from 'node:timers';

// Taken when this file is loaded: the tests of an app may put fake timers in the place of Node's for a while, and what waits
// for one that never rings would wait for ever, long after they are gone.
const immediate = setImmediate;
const tick = process.nextTick.bind(process) as (run: () => void) => void;

/** Runs it when the callbacks that are due in this turn of the event loop have run. */
export function atEndOfTurn(run: () => void): void {
  immediate(run);
}

/**
 * Runs it when the callback that runs now is done, and all microtasks after it: before any other callback. Ticks of a callback
 * run before its microtasks, and ticks of a microtask after all of them.
 */
export function atEndOfCallback(run: () => void): void {
  void settled.then(() => {
    tick(run);
  });
}

const settled = Promise.resolve();
