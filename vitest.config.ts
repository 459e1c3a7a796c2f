import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const fromRoot = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Tests import the package by its public names, as an app does; these lead to the sources, so no build is needed.
// A folder of src/ with an index.ts is a subpath export, and only such a folder has one.
const subpaths = readdirSync(fromRoot('./src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('index.ts') && path !== 'index.ts')
  .map((path) => path.replace(/\/index\.ts$/, ''));

const alias = [
  { find: /^nest-gatehouse$/, replacement: fromRoot('./src/index.ts') },
  ...subpaths.map((subpath) => ({
    find: `nest-gatehouse/${subpath}`,
    replacement: fromRoot(`./src/${subpath}/index.ts`),
  })),
];

const project = (name: string, include: string[], timeoutMs = 5_000) => ({
  resolve: { alias },
  test: {
    name,
    include,
    testTimeout: timeoutMs,
    hookTimeout: Math.max(timeoutMs, 10_000),
    // A poll waits for something that happens; on a busy machine that takes more than the usual second.
    expect: { poll: { timeout: timeoutMs } },
    setupFiles: [fromRoot('./test/support/loopback-only.ts')],
  },
});

const inBrowser = project('browser', ['test/browser/**/*.spec.ts'], 120_000);
/** Compiles before the first file: two files that did it at once would destroy each other's output. */
const browser = {
  ...inBrowser,
  test: { ...inBrowser.test, globalSetup: [fromRoot('./test/browser/compile-playground.ts')] },
};

/** Files that only have to compile: `expectTypeOf` for what a type is, `@ts-expect-error` for what it must refuse. */
const types = {
  test: {
    name: 'types',
    include: [],
    typecheck: {
      enabled: true,
      only: true,
      include: ['test/types/**/*.types.ts'],
      tsconfig: './tsconfig.json',
      // Errors of other files are reported by `npm run check`, once.
      ignoreSourceErrors: true,
    },
  },
};

export default defineConfig({
  test: {
    // A suite that finds no test is a broken suite, not a green one.
    passWithNoTests: false,
    projects: [
      types,
      project('unit', ['test/{unit,rules}/**/*.spec.ts']),
      project('contract', ['test/contract/**/*.spec.ts']),
      project('e2e', ['test/e2e/**/*.e2e-spec.ts'], 15_000),
      browser,
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/index.ts'],
    },
  },
});
