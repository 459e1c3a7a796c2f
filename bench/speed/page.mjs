// Puts the measured tables into docs/security/performance.md, each between its two marks; the text around them is written by hand
// and stays. Also by hand: `node bench/speed/page.mjs`, after the results in bench/results/ were changed.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { machineLine } from '../outages/page.mjs';
import { loadResult } from '../rig/results.mjs';
import { burstTable } from './burst.mjs';
import { distinctTable } from './distinct.mjs';
import { hitTable } from './hit.mjs';
import { httpTables } from './http.mjs';
import { memoryTable } from './memory.mjs';
import { microTable } from './micro.mjs';
import { profilesTable } from './profiles.mjs';
import { startTable } from './start.mjs';
import { targetsTable } from './targets.mjs';

const page = new URL('../../docs/security/performance.md', import.meta.url);
const tables = {
  http: httpTables,
  hit: hitTable,
  micro: microTable,
  distinct: distinctTable,
  burst: burstTable,
  memory: memoryTable,
  start: startTable,
  profiles: profilesTable,
};

function measuredPart(name) {
  const result = loadResult(name);
  if (result === undefined) return `Not measured yet: \`npm run bench -- ${name}\`.`;
  return `${tables[name](result)}\n\n${machineLine(result)}`;
}

function targetsPart() {
  const targets = Object.keys(tables).flatMap((name) => loadResult(name)?.targets ?? []);
  return targetsTable(targets);
}

function fill(text, name, part) {
  const [open, close] = [`<!-- measured: ${name} -->`, `<!-- end: ${name} -->`];
  const from = text.indexOf(open);
  const to = text.indexOf(close);
  if (from < 0 || to < from)
    throw new Error(`docs/security/performance.md has no place for "${name}": ${open} … ${close}`);
  return `${text.slice(0, from + open.length)}\n\n${part}\n\n${text.slice(to)}`;
}

export function writePerformanceTables() {
  if (!existsSync(page)) {
    mkdirSync(new URL('.', page), { recursive: true });
    writeFileSync(page, readFileSync(new URL('./page-outline.md', import.meta.url), 'utf8'));
  }
  let text = fill(readFileSync(page, 'utf8'), 'targets', targetsPart());
  for (const name of Object.keys(tables)) text = fill(text, name, measuredPart(name));
  writeFileSync(page, text);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) writePerformanceTables();
