// Tests the package as others get it: built, packed, looked over by publint and attw, and installed from the tarball
// into projects that know nothing of this repository: one as npm, pnpm and yarn install it by themselves, one with the optional
// peers as well, and one that loads both module formats. What passes elsewhere and fails here is a path in `exports`, a type
// that we have and they do not, a module that is ESM where they need CommonJS.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkContents } from '../test/package/contents.mjs';
import { checkDeclarations } from '../test/package/declarations.mjs';
import { checkExports } from '../test/package/exports.mjs';
import { writeReadmeBlocks } from '../test/package/readme.mjs';
import { checkStart } from '../test/package/start.mjs';
import { run } from './run.mjs';

const root = resolve(import.meta.dirname, '..');
const npmInstall = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];

async function must(command, args, options) {
  const { code, output } = await run(command, args, options);
  if (code !== 0) throw new Error(output.trim() || `${command} ended with ${code}`);
  return output;
}

/** Runs the steps one after another; the first that fails ends the lane, for the rest would only fail after it. */
async function lane(tally, steps) {
  for (const [name, step] of steps) {
    const start = performance.now();
    const failure = await Promise.resolve()
      .then(step)
      .then(
        () => undefined,
        (error) => error,
      );
    const isFine = failure === undefined;
    tally[isFine ? 'passed' : 'failed'] += 1;
    console.log(`${isFine ? '✓' : '✗'} package: ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
    if (!isFine) {
      console.log(failure.message);
      return false;
    }
  }
  return true;
}

/** How each package manager installs a project with the tarball. pnpm links nothing that a package has not declared. */
const managers = {
  npm: (tarball) => ['npm', [...npmInstall, tarball]],
  pnpm: (tarball) => ['npx', ['--yes', 'pnpm@10.34.8', 'add', '--ignore-scripts', tarball]],
  yarn: (tarball) => ['npx', ['--yes', '@yarnpkg/cli-dist@4.18.1', 'add', `nest-gatehouse@file:${tarball}`]],
};
const managerSettings = { YARN_NODE_LINKER: 'node-modules', YARN_ENABLE_TELEMETRY: '0', YARN_ENABLE_SCRIPTS: '0' };

function project(work, name, pack, { template = name, manager = 'npm' } = {}) {
  const cwd = join(work, name);
  return [
    [
      `${name}: installs`,
      async () => {
        const templates = join(root, 'test/package/projects');
        cpSync(join(templates, template), cwd, { recursive: true });
        for (const shared of ['app.ts', 'sessions-app.ts']) cpSync(join(templates, shared), join(cwd, shared));
        // Yarn takes a folder with a lock file of its own for a project.
        if (manager === 'yarn') writeFileSync(join(cwd, 'yarn.lock'), '');
        const [command, args] = managers[manager](pack.tarball);
        await must(command, args, { cwd, env: managerSettings });
      },
    ],
    [`${name}: compiles`, () => must(join(cwd, 'node_modules/.bin/tsc'), [], { cwd })],
  ];
}

function installedBy(manager, work, pack, inProject) {
  const name = `nest-11-${manager}`;
  return [
    ...project(work, name, pack, { template: 'nest-11-cjs', manager }),
    [`${name}: its Jest tests pass`, inProject(name, 'jest', [])],
  ];
}

/** The command as an app has it after `npm install`, without the driver, which it loads only when it connects. */
async function checkCommand(cwd) {
  const command = join(cwd, 'node_modules/.bin/nest-gatehouse');
  const sql = await must(command, ['migrate', '--print', '--schema', 'printed'], { cwd });
  if (!sql.includes('create table "printed".sessions')) throw new Error(`migrate --print wrote:\n${sql}`);
  const { code, output } = await run(command, ['migrate', '--database-url', 'postgres://127.0.0.1/app'], { cwd });
  if (code !== 1 || !output.includes('npm install pg')) throw new Error(`migrate ended with ${code}:\n${output}`);
}

/** @returns {Promise<{ passed: number, failed: number, skipped: { name: string, reason: string }[] }>} */
export async function testPackage() {
  const tally = { passed: 0, failed: 0, skipped: [] };
  // Outside the repository: inside, Node and TypeScript would find our own node_modules further up.
  const work = mkdtempSync(join(tmpdir(), 'gatehouse-package-'));
  const pack = { tarball: '', files: [] };
  const inProject = (name, command, args) => () =>
    must(join(work, name, 'node_modules/.bin', command), args, { cwd: join(work, name) });

  const isPacked = await lane(tally, [
    ['builds', () => must('npm', ['run', 'build'], { cwd: root })],
    [
      'packs',
      async () => {
        const args = ['pack', '--json', '--silent', '--ignore-scripts', '--pack-destination', work];
        const report = await must('npm', args, { cwd: root });
        const packed = JSON.parse(report.slice(report.indexOf('[')))[0];
        pack.tarball = join(work, basename(packed.filename));
        pack.files = packed.files.map(({ path }) => path);
      },
    ],
  ]);
  if (isPacked) {
    await Promise.all([
      lane(tally, [
        ...project(work, 'nest-11-cjs', pack),
        ['nest-11-cjs: its Jest tests pass', inProject('nest-11-cjs', 'jest', [])],
        ['nest-11-cjs: the command runs', () => checkCommand(join(work, 'nest-11-cjs'))],
        ...['pnpm', 'yarn'].flatMap((manager) => installedBy(manager, work, pack, inProject)),
      ]),
      lane(tally, [
        ...project(work, 'nest-12-esm', pack),
        ['nest-12-esm: its Vitest tests pass', inProject('nest-12-esm', 'vitest', ['run'])],
        [
          'README.md compiles',
          async () => {
            writeReadmeBlocks(join(root, 'README.md'), join(work, 'nest-12-esm/readme'));
            await inProject('nest-12-esm', 'tsc', [])();
          },
        ],
      ]),
      lane(tally, [
        ...project(work, 'both-formats', pack),
        [
          'both-formats: ES module and CommonJS work together',
          () => must('node', ['--test', 'out/app.test.mjs', 'out/app.test.cjs'], { cwd: join(work, 'both-formats') }),
        ],
      ]),
      lane(tally, [
        ['its own checks can fail', () => must('node', ['--test', 'test/package/checks.test.mjs'], { cwd: root })],
      ]),
      lane(tally, [['holds what it should', () => checkContents(pack.files)]]),
      lane(tally, [['exports the names on the list', () => checkExports(root)]]),
      lane(tally, [['declares with Nest, Node and peers only', () => checkDeclarations(root)]]),
      lane(tally, [['loads little at the start of an app', () => checkStart(root)]]),
      lane(tally, [['publint', () => must('publint', [pack.tarball, '--strict'])]]),
      lane(tally, [['are the types wrong', () => must('attw', [pack.tarball, '--profile', 'strict'])]]),
    ]);
  }
  rmSync(work, { recursive: true, force: true });
  return tally;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { failed } = await testPackage();
  process.exitCode = failed === 0 ? 0 : 1;
}
