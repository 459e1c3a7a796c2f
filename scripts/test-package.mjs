// Tests the package as others get it: built, packed, looked over by publint and attw, and installed from the tarball
// into projects that know nothing of this repository: one as npm, pnpm and yarn (also by Plug'n'Play) install it by themselves, one
// with the optional peers as well, one that loads both module formats, one with Yoga, one that is bundled, and one for Bun and Deno.
// What passes elsewhere and fails here is a path in `exports`, a type
// that we have and they do not, a module that is ESM where they need CommonJS.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkContents, checkSize } from '../test/package/contents.mjs';
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

/** What a step returns that could not be tried here, and has said so in the tally. */
const skipped = Symbol('skipped');

/** Runs the steps one after another; the first that fails ends the lane, for the rest would only fail after it. */
async function lane(tally, steps) {
  for (const [name, step] of steps) {
    const start = performance.now();
    const failure = await Promise.resolve()
      .then(step)
      .then(
        (result) => (result === skipped ? skipped : undefined),
        (error) => error,
      );
    if (failure === skipped) continue;
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

const yarn = ['npx', ['--yes', '@yarnpkg/cli-dist@4.18.1']];
const addByYarn = (tarball) => [yarn[0], [...yarn[1], 'add', `nest-gatehouse@file:${tarball}`]];

/** How each package manager installs a project with the tarball. pnpm links nothing that a package has not declared. */
const managers = {
  npm: (tarball) => ['npm', [...npmInstall, tarball]],
  pnpm: (tarball) => ['npx', ['--yes', 'pnpm@10.34.8', 'add', '--ignore-scripts', tarball]],
  yarn: addByYarn,
  'yarn-pnp': addByYarn,
};
const settingsOf = (manager) => ({
  YARN_NODE_LINKER: manager === 'yarn-pnp' ? 'pnp' : 'node-modules',
  YARN_ENABLE_TELEMETRY: '0',
  YARN_ENABLE_SCRIPTS: '0',
});
/** Runs a command of a project. With Plug'n'Play there is no node_modules that would have it. */
const runIn = (cwd, manager, command, args = []) =>
  manager === 'yarn-pnp'
    ? must(yarn[0], [...yarn[1], 'run', command, ...args], { cwd, env: settingsOf(manager) })
    : must(join(cwd, 'node_modules/.bin', command), args, { cwd });

function project(work, name, pack, { template = name, manager = 'npm' } = {}) {
  const cwd = join(work, name);
  return [
    [
      `${name}: installs`,
      async () => {
        const templates = join(root, 'test/package/projects');
        cpSync(join(templates, template), cwd, { recursive: true });
        for (const shared of ['app.ts', 'sessions-app.ts', 'smoke.ts'])
          cpSync(join(templates, shared), join(cwd, shared));
        // Yarn takes a folder with a lock file of its own for a project.
        if (manager.startsWith('yarn')) writeFileSync(join(cwd, 'yarn.lock'), '');
        const [command, args] = managers[manager](pack.tarball);
        await must(command, args, { cwd, env: settingsOf(manager) });
      },
    ],
    [`${name}: compiles`, () => runIn(cwd, manager, 'tsc')],
  ];
}

function installedBy(manager, work, pack) {
  const name = `nest-11-${manager}`;
  return [
    ...project(work, name, pack, { template: 'nest-11-cjs', manager }),
    [`${name}: its Jest tests pass`, () => runIn(join(work, name), manager, 'jest')],
  ];
}

/** The smoke test as a bundle: of webpack as the Nest CLI runs it, of esbuild, and of esbuild with the packages in the bundle. */
function bundled(work, pack) {
  const cwd = join(work, 'bundled');
  // Optional packages of Nest and of this package, which an app may not have.
  const ofNest = ['@nestjs/microservices', '@nestjs/websockets', '@nestjs/passport'];
  const absent = [...ofNest, 'passport', 'class-validator', 'class-transformer', 'pg', '@electric-sql/pglite'];
  const esbuild = (outfile, args) => async () => {
    const options = ['smoke.ts', '--bundle', '--platform=node', '--keep-names', `--outfile=${outfile}`];
    await runIn(cwd, 'npm', 'esbuild', [...options, ...args]);
    await must('node', [outfile], { cwd });
  };
  return [
    ...project(work, 'bundled', pack),
    [
      'bundled: runs as a bundle of the Nest CLI (webpack)',
      async () => {
        await runIn(cwd, 'npm', 'nest', ['build']);
        await must('node', ['dist/smoke.js'], { cwd });
      },
    ],
    ['bundled: runs as a bundle of esbuild', esbuild('out/external.cjs', ['--packages=external'])],
    [
      'bundled: runs as one file of esbuild with the packages in it',
      esbuild(
        'out/whole.cjs',
        absent.map((name) => `--external:${name}`),
      ),
    ],
  ];
}

/** Bun and Deno, whose packages have the programs for the usual machines. What npm could not install is skipped. */
const runtimes = [
  ['Bun', `node_modules/@oven/bun-${process.platform}-${process.arch}/bin/bun`, []],
  ['Deno', `node_modules/@deno/${process.platform}-${process.arch}-glibc/deno`, ['run', '--allow-all']],
];

function onRuntimes(work, pack, tally) {
  const cwd = join(work, 'runtimes');
  const steps = runtimes.map(([name, path, args]) => {
    const runs = async () => {
      const program = join(cwd, path);
      const { code } = await run(program, ['--version'], { cwd });
      if (code === 0) return must(program, [...args, 'out/smoke.js'], { cwd });
      tally.skipped.push({
        name: `package: runtimes: runs on ${name}`,
        reason: `no ${path} that runs on this machine`,
      });
      return skipped;
    };
    return [`runtimes: runs on ${name}`, runs];
  });
  const onNode = ['runtimes: runs on Node', () => must('node', ['out/smoke.js'], { cwd })];
  return [...project(work, 'runtimes', pack), onNode, ...steps];
}

/** The command as an app has it after `npm install`, without the driver, which it loads only when it connects. */
async function checkCommand(cwd) {
  const command = join(cwd, 'node_modules/.bin/nest-gatehouse');
  const sql = await must(command, ['migrate', '--print', '--schema', 'printed'], { cwd });
  if (!sql.includes('create table "printed".sessions')) throw new Error(`migrate --print wrote:\n${sql}`);
  const { code, output } = await run(command, ['migrate', '--database-url', 'postgres://127.0.0.1/app'], { cwd });
  if (code !== 1 || !output.includes('npm install pg')) throw new Error(`migrate ended with ${code}:\n${output}`);
}

/** The doctor on a compiled CommonJS app: it loads the app and this package by `require`, and finds one copy of each. */
async function checkDoctor(cwd) {
  const command = join(cwd, 'node_modules/.bin/nest-gatehouse');
  const output = await must(command, ['doctor', 'out/doctor-app.js', '--offline', '--json'], { cwd });
  const { findings } = JSON.parse(output);
  const statusesOf = (id) => findings.filter((finding) => finding.id === id).map(({ status }) => status);
  for (const id of ['copies-package', 'copies-nest', 'preset', 'routes']) {
    const statuses = statusesOf(id);
    if (statuses.length === 0 || statuses.some((status) => status !== 'ok')) throw new Error(`${id}:\n${output}`);
  }
}

/** Builds and packs, and notes in `pack` what came of it. */
function buildAndPack(tally, work, pack) {
  return lane(tally, [
    ['builds', () => must('npm', ['run', 'build'], { cwd: root })],
    [
      'packs',
      async () => {
        const args = ['pack', '--json', '--silent', '--ignore-scripts', '--pack-destination', work];
        const report = await must('npm', args, { cwd: root });
        const packed = JSON.parse(report.slice(report.indexOf('[')))[0];
        pack.tarball = join(work, basename(packed.filename));
        pack.files = packed.files.map(({ path }) => path);
        pack.size = packed.size;
      },
    ],
  ]);
}

function stepsOnTarball({ files, size }) {
  return [
    ['holds what it should', () => checkContents(files)],
    ['is as small as stated', () => checkSize(size, readFileSync(join(root, 'docs/start/install.md'), 'utf8'))],
  ];
}

/** @returns {Promise<{ passed: number, failed: number, skipped: { name: string, reason: string }[] }>} */
export async function testPackage() {
  const tally = { passed: 0, failed: 0, skipped: [] };
  // Outside the repository: inside, Node and TypeScript would find our own node_modules further up.
  const work = mkdtempSync(join(tmpdir(), 'gatehouse-package-'));
  const pack = { tarball: '', files: [], size: 0 };
  const inProject = (name, command, args) => () =>
    must(join(work, name, 'node_modules/.bin', command), args, { cwd: join(work, name) });

  const isPacked = await buildAndPack(tally, work, pack);
  if (isPacked) {
    await Promise.all([
      lane(tally, [
        ...project(work, 'nest-11-cjs', pack),
        ['nest-11-cjs: its Jest tests pass', inProject('nest-11-cjs', 'jest', [])],
        ['nest-11-cjs: the command runs', () => checkCommand(join(work, 'nest-11-cjs'))],
        ['nest-11-cjs: the doctor opens the app', () => checkDoctor(join(work, 'nest-11-cjs'))],
        ...['pnpm', 'yarn', 'yarn-pnp'].flatMap((manager) => installedBy(manager, work, pack)),
      ]),
      lane(tally, [
        ...project(work, 'nest-11-yoga', pack),
        [
          'nest-11-yoga: GraphQL by Yoga is guarded',
          () => must('node', ['--test', 'out/yoga.test.js'], { cwd: join(work, 'nest-11-yoga') }),
        ],
        ...bundled(work, pack),
        ...onRuntimes(work, pack, tally),
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
      lane(tally, stepsOnTarball(pack)),
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
