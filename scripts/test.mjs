// `npm test`: every suite in turn, and as the very last line what came of it, for people and machines alike.
// `npm test -- unit e2e` runs some of them. A check, a vitest test and a step of the package suite count as one each;
// a suite that crashes or finds no test counts as a failure, for silence is not success.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from './check.mjs';
import { run } from './run.mjs';
import { testPackage } from './test-package.mjs';

const suites = {
  check,
  types: () => vitest('types'),
  unit: () => vitest('unit'),
  contract: () => vitest('contract'),
  e2e: () => vitest('e2e'),
  browser: () => vitest('browser'),
  package: testPackage,
};

async function vitest(project) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-tally-'));
  const file = join(folder, 'tally.json');
  const args = ['run', '--project', project, '--reporter=default', '--reporter=./scripts/tally-reporter.mjs'];
  const { code } = await run('vitest', args, { env: { TALLY_FILE: file }, stream: true });
  const tally = readTally(file);
  rmSync(folder, { recursive: true });
  const isEmpty = tally.passed + tally.failed + tally.skipped.length === 0;
  // Vitest knows of failures that belong to no test: a worker that died, a configuration that does not load.
  return tally.failed === 0 && (code !== 0 || isEmpty) ? { ...tally, failed: 1 } : tally;
}

function readTally(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: [] };
  }
}

function inWords({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;
}

const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(suites);
const unknown = chosen.filter((name) => !Object.hasOwn(suites, name));
if (unknown.length > 0) {
  console.error(`No such suite: ${unknown.join(', ')}. There are: ${Object.keys(suites).join(', ')}.`);
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: [] };
const summary = [];
for (const name of chosen) {
  console.log(`\n── ${name} ──`);
  const start = performance.now();
  const tally = await suites[name]().catch((error) => {
    console.log(error);
    return { passed: 0, failed: 1, skipped: [] };
  });
  total.passed += tally.passed;
  total.failed += tally.failed;
  total.skipped.push(...tally.skipped);
  summary.push(`${name}: ${inWords(tally)} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
}

console.log(`\n${summary.join('\n')}\n`);
for (const { name, reason } of total.skipped) console.log(`skipped: ${name} (${reason})`);
process.exitCode = total.failed === 0 ? 0 : 1;
console.log(inWords(total));
