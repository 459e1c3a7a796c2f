// Everything that can be said about the sources without running them, in under a minute: the checks do not depend on
// each other, so they run side by side. One line each; what a tool printed is shown only when it failed.
import { pathToFileURL } from 'node:url';
import { run } from './run.mjs';

const checks = [
  ['types', 'tsc', ['--noEmit']],
  ['lint', 'eslint', ['.', '--max-warnings', '0']],
  ['format', 'biome', ['format']],
  ['layers', 'depcruise', ['src', 'test', '--output-type', 'err-long']],
  ['unused', 'knip', []],
];

/** @returns {Promise<{ passed: number, failed: number, skipped: string[] }>} */
export async function check() {
  const codes = await Promise.all(
    checks.map(async ([name, command, args]) => {
      const { code, output, seconds } = await run(command, args);
      console.log(`${code === 0 ? '✓' : '✗'} check: ${name} (${seconds.toFixed(1)} s)`);
      if (code !== 0) console.log(output.trimEnd());
      return code;
    }),
  );
  const passed = codes.filter((code) => code === 0).length;
  return { passed, failed: codes.length - passed, skipped: [] };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { failed } = await check();
  process.exitCode = failed === 0 ? 0 : 1;
}
