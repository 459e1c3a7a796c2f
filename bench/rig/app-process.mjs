// The child process of an app: it receives its configuration by message, and answers requests of the parent. In a separate
// process the cost of an app's own requests can be measured, and its faults do not affect others.
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

let clockOffsetMs = 0;
let app;
let counted;

/** The time that requests have waited for the garbage collector. */
let collectorMs = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) collectorMs += duration;
}).observe({ entryTypes: ['gc'] });

const requests = {
  /** @param {{ module?: string }} config what makes the app, seen from this folder */
  start: async ({ handClock, module = './nest-app.mjs', ...config }) => {
    const { startApp } = await import(module);
    const now = handClock === true ? { now: () => new Date(Date.now() + clockOffsetMs) } : {};
    const started = await startApp({ ...config, ...now });
    ({ app, counted } = started);
    return { port: started.port };
  },
  usage: async () => {
    // The performance entries of the garbage collector arrive one turn later.
    await turn();
    return { ...process.cpuUsage(), collectorMs, statements: counted?.statements };
  },
  memory: async () => process.memoryUsage(),
  advance: async ({ seconds }) => {
    clockOffsetMs += seconds * 1000;
  },
  stop: async () => app.close(),
};

const crashes = [];
process.on('unhandledRejection', (error) => crashes.push(String(error)));
process.on('message', async ({ id, type, ...body }) => {
  try {
    const value = await requests[type](body);
    process.send({ id, value, crashes: crashes.length });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
  if (type === 'stop') process.exit();
});
process.on('disconnect', () => process.exit());
