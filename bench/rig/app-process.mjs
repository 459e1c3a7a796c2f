// The child process that an app runs in: it gets its configuration by message, and answers what the parent asks.
// Alone in its process, an app shows what its own requests cost, and its faults hurt nobody else.
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { startApp } from './nest-app.mjs';

let clockOffsetMs = 0;
let app;

/** For how long requests have waited for the collector. */
let collectorMs = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) collectorMs += duration;
}).observe({ entryTypes: ['gc'] });

const requests = {
  start: async ({ handClock, ...config }) => {
    const now = handClock === true ? { now: () => new Date(Date.now() + clockOffsetMs) } : {};
    const started = await startApp({ ...config, ...now });
    app = started.app;
    return { port: started.port };
  },
  usage: async () => {
    // What the collector has done is told a turn later.
    await turn();
    return { ...process.cpuUsage(), collectorMs };
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
