// What the module adds to the start of an app: from the start of the process to listening, with the module (or the stock
// recipe) and without, loading its files included. Nest on Express, in new processes, in turn; the median of the rounds'
// differences counts. The files are in the system's cache, as on a machine that has started the app before.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { count } from '../rig/flags.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, round, shuffled } from '../rig/statistics.mjs';
import { fixed, table } from '../rig/table.mjs';
import { target, targetsTable } from './targets.mjs';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./start-process.mjs', import.meta.url));
const kinds = { without: 'the app alone', gatehouse: 'with nest-gatehouse', stock: 'with passport-jwt + jwks-rsa' };

async function startOnce(kind) {
  const { stdout } = await run(process.execPath, [script, kind]);
  return JSON.parse(stdout);
}

function summarize(samples, kind) {
  const middle = (member) => round(median(samples[kind].map((sample) => sample[member])), 4);
  const added = (member) =>
    round(median(samples[kind].map((sample, at) => sample[member] - samples.without[at][member])), 3);
  return { title: kinds[kind], ms: middle('ms'), addedMs: added('ms'), addedCpuMs: added('cpuMs') };
}

export function startTable({ byKind }) {
  const rows = Object.values(byKind).map(({ title, ms, addedMs, addedCpuMs }) => [
    title,
    fixed(ms, 0),
    fixed(addedMs, 0),
    fixed(addedCpuMs, 0),
  ]);
  return table(['from the start of the process to listening', 'ms', 'added ms', 'added CPU ms'], rows);
}

export async function runStart(options) {
  const plan = { rounds: count(options, 'rounds', 21, 4) };
  const samples = { without: [], gatehouse: [], stock: [] };
  for (const kind of Object.keys(kinds)) await startOnce(kind);
  for (let at = 0; at < plan.rounds; at += 1) {
    for (const kind of shuffled(Object.keys(kinds))) samples[kind].push(await startOnce(kind));
  }
  const byKind = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, summarize(samples, kind)]));
  const targets = [
    target('what the module adds to the start of an app', byKind.gatehouse.addedMs, { most: 60, unit: ' ms' }),
  ];
  const result = { plan, targets, byKind };
  saveResult('start', result, options.quick);
  console.log(`\nStart\n\n${targetsTable(targets)}\n\n${startTable(result)}`);
}
