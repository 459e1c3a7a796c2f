// Measures how long the main thread was busy, by the event loop's statistics and, on Linux, by the kernel's. The kernel
// does not count the time of other programs on the core, so its figure is the reliable one on a busy machine.
import { existsSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const account = `/proc/self/task/${process.pid}/schedstat`;
const hasAccount = existsSync(account);

function cpuMs() {
  return hasAccount ? Number(readFileSync(account, 'latin1').split(' ', 1)[0]) / 1e6 : Number.NaN;
}

/** Starts measuring. The returned function gives the milliseconds since then. */
export function watchMainThread() {
  const loop = performance.eventLoopUtilization();
  const cpu = cpuMs();
  return () => ({ loopMs: performance.eventLoopUtilization(loop).active, cpuMs: cpuMs() - cpu });
}
