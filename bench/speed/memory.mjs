// What a cached token holds in memory, and what is left of it when it has ended.
//
// 10,000 tokens of one length go through the guard; what heap and buffers have grown by, after full collections, divided
// by 10,000. Then the clock is moved to 65 s past their end, one other token comes, and it is weighed again. It is a
// matter of counting, so a busy machine does not disturb it.
import { Child } from '../rig/child.mjs';
import { saveResult } from '../rig/results.mjs';
import { round } from '../rig/statistics.mjs';
import { fixed, table } from '../rig/table.mjs';
import { target, targetsTable } from './targets.mjs';

const cases = [
  { name: 'gatehouse-900', kind: 'gatehouse', title: 'nest-gatehouse, tokens of 900 characters', tokenLength: 900 },
  { name: 'gatehouse-usual', kind: 'gatehouse', title: 'nest-gatehouse, payload of 884 bytes' },
  { name: 'fast-jwt-900', kind: 'fast-jwt', title: 'fast-jwt, tokens of 900 characters', tokenLength: 900 },
  { name: 'fast-jwt-usual', kind: 'fast-jwt', title: 'fast-jwt, payload of 884 bytes' },
];

async function weigh({ title, kind, tokenLength }) {
  const child = new Child(new URL('./memory-process.mjs', import.meta.url), { execArgv: ['--expose-gc'] });
  const found = await child.ask('measure', { kind, tokenLength });
  await child.stop();
  const kib = (bytes) => (bytes === undefined ? null : round(bytes / 1024, 3));
  return {
    title,
    length: found.length,
    kibPerToken: kib(found.bytesPerToken),
    retainedKib: kib(found.retainedPerToken),
  };
}

export function memoryTable({ byCase }) {
  const rows = Object.values(byCase).map(({ title, length, kibPerToken, retainedKib }) => [
    title,
    length,
    fixed(kibPerToken),
    fixed(retainedKib),
  ]);
  return table(
    ['10,000 tokens kept', 'characters a token', 'KiB a token', 'KiB left of each 65 s after its end'],
    rows,
  );
}

export async function runMemory(options) {
  const byCase = {};
  for (const one of cases) byCase[one.name] = await weigh(one);
  const ours = byCase['gatehouse-900'];
  const targets = [
    target('memory a cached token of 900 characters', ours.kibPerToken, { most: 3, unit: ' KiB' }),
    target('left of it a minute after its end', ours.retainedKib, { most: 0.05, unit: ' KiB' }),
  ];
  const result = { targets, byCase };
  saveResult('memory', result, options.quick);
  console.log(`\nMemory\n\n${targetsTable(targets)}\n\n${memoryTable(result)}`);
}
