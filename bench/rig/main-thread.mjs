// How long the main thread has been busy: by the event loop's own account, and by the kernel's where there is one
// (Linux). The kernel does not count the time that other programs had the core, so it is the one to trust on a busy machine.
import { existsSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const account = `/proc/self/task/${process.pid}/schedstat`;
const hasAccount = existsSync(account);

function cpuMs() {
  return hasAccount ? Number(readFileSync(account, 'latin1').split(' ', 1)[0]) / 1e6 : Number.NaN;
}

/** Starts to count; what it gives tells the milliseconds since. */
export function watchMainThread() {
  const loop = performance.eventLoopUtilization();
  const cpu = cpuMs();
  return () => ({ loopMs: performance.eventLoopUtilization(loop).active, cpuMs: cpuMs() - cpu });
}
