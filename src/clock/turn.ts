import { setImmediate } from 'node:timers';

// Both functions are captured when this file is loaded. A test of the app may replace Node's timers with fake ones that
// never fire, and work that was scheduled on those would still be pending after the test.
const immediate = setImmediate;
const tick = process.nextTick.bind(process) as (run: () => void) => void;

/** Runs a function after the callbacks that are due in this turn of the event loop. */
export function atEndOfTurn(run: () => void): void {
  immediate(run);
}

/**
 * Runs a function after the current callback and all of its microtasks, and before any other callback. It works because
 * Node runs a tick that a callback schedules before the callback's microtasks, and a tick that a microtask schedules
 * after all of them.
 */
export function atEndOfCallback(run: () => void): void {
  void settled.then(() => {
    tick(run);
  });
}

const settled = Promise.resolve();
