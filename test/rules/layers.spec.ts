/**
 * Breaks every rule of .dependency-cruiser.cjs once, in a temporary project, and expects the report to name the rule. A
 * rule whose pattern matches nothing any more would go unnoticed otherwise.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Rule {
  name: string;
  to: { pathNot?: string };
}

interface Violation {
  from: string;
  rule: { name: string };
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const config = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as { forbidden: Rule[] };

/** For each rule: a file, and the module that it must not import. `@` is the root of the project. */
const seeds: Record<string, [file: string, imports: string]> = {
  'layer-unlisted': ['src/seeded.ts', '@/src/somewhere/thing.ts'],
  'no-cycle': ['src/token/seeded-a.ts', '@/src/token/seeded-b.ts'],
  'no-index-inside': ['src/guard/seeded-index.ts', '@/src/index.ts'],
  'no-testing-inside': ['src/seeded-testing.ts', '@/src/testing/thing.ts'],
  'nest-only-in-role-files': ['src/index.ts', '@nestjs/common'],
  'jwks-rsa-only-in-keys': ['src/token/seeded-keys.ts', 'jwks-rsa'],
  'passport-jwt-only-in-strategy': ['src/guard/seeded.strategy.ts', 'passport-jwt'],
  'network-only-in-upstream': ['src/keys/seeded-network.ts', 'node:https'],
  'no-test-in-src': ['src/user/seeded-test.ts', '@/test/support/thing.ts'],
  'no-dev-dependency-in-src': ['src/user/seeded-dev.ts', 'vitest'],
  'no-unlisted-dependency': ['src/user/seeded-unlisted.ts', 'jose'],
  'no-vague-name': ['src/user/seeded-vague.ts', '@/src/user/helpers.ts'],
  'entry-only-outside': ['test/e2e/seeded.e2e-spec.ts', '@/src/token/thing.ts'],
};

const layers = config.forbidden.filter(({ name }) => name.startsWith('layer-') && name !== 'layer-unlisted');
const folders = layers.map(({ name }) => name.replace('layer-', ''));

/** A layer is broken once for each folder that it may not import. */
const layerSeeds = layers.flatMap(({ name, to }): [rule: string, file: string, imports: string][] => {
  const folder = name.replace('layer-', '');
  const allowed = new RegExp(to.pathNot ?? '');
  // `testing` is to the right of all, so that the last folder has something that it must not import.
  return [...folders, 'testing']
    .filter((other) => !allowed.test(`src/${other}/`))
    .map((other) => [name, `src/${folder}/seeded-to-${other}.ts`, `@/src/${other}/thing.ts`]);
});

const allSeeds = [
  ...Object.entries(seeds).map(([rule, [file, imports]]): [string, string, string] => [rule, file, imports]),
  ...layerSeeds,
];

let project: string;
let violations: Violation[];

function write(file: string, text: string): void {
  mkdirSync(dirname(join(project, file)), { recursive: true });
  writeFileSync(join(project, file), text);
}

function seed(file: string, imports: string): void {
  const up = '../'.repeat(file.split('/').length - 1);
  if (imports.startsWith('@/')) write(imports.slice(2), 'export const thing = 1;\n');
  const target = imports.startsWith('@/') ? `./${up}${imports.slice(2).replace(/ts$/, 'js')}` : imports;
  write(file, `import '${target}';\nexport const seeded = 1;\n`);
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'gatehouse-layers-'));
  for (const file of ['.dependency-cruiser.cjs', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, file), join(project, file));
  }
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  for (const [, file, imports] of allSeeds) seed(file, imports);
  write('src/token/seeded-b.ts', "import './seeded-a.js';\nexport const seeded = 2;\n");
  // Breaks no rule: imports its own folder, a folder to its left, and Nest in a file with a role.
  write('src/access/fine.guard.ts', "import './thing.js';\nimport '../user/thing.js';\nimport '@nestjs/common';\n");

  const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const report = execFileSync(process.execPath, [depcruise, '--output-type', 'json', 'src', 'test'], {
    cwd: project,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  violations = (JSON.parse(report) as { summary: { violations: Violation[] } }).summary.violations;
}, 60_000);

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

describe('the order of the folders', () => {
  it('has a seed for every rule', () => {
    const seeded = new Set(allSeeds.map(([rule]) => rule));
    expect(config.forbidden.map(({ name }) => name).filter((name) => !seeded.has(name))).toEqual([]);
  });

  it.each(allSeeds)('%s reports %s importing %s', (rule, file) => {
    expect(violations.filter(({ from }) => from === file).map((violation) => violation.rule.name)).toContain(rule);
  });

  it('reports nothing about a file that breaks no rule', () => {
    expect(violations.filter(({ from }) => from.includes('fine'))).toEqual([]);
  });
});
