// Prepares bench/: installs the pinned contenders when the lock file has changed, builds the package, and copies the build
// into node_modules. It is a copy, because a link would resolve another Nest than these apps do.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const installed = `${here}node_modules/nest-gatehouse`;
const stamp = `${here}node_modules/.installed`;

function npm(where, ...words) {
  execFileSync('npm', [...words, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: where,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function dependenciesOf(file) {
  return JSON.stringify(JSON.parse(readFileSync(file, 'utf8')).dependencies ?? {});
}

function install() {
  const own = `${root}package.json`;
  const lock = JSON.parse(readFileSync(`${here}package-lock.json`, 'utf8'));
  const locked = JSON.stringify(lock.packages['node_modules/nest-gatehouse']?.dependencies ?? {});
  // The package's own dependencies are part of the lock file, and change with the package.
  const isCurrent = locked === dependenciesOf(own);
  const hash = createHash('sha256').update(JSON.stringify(lock)).digest('hex');
  if (isCurrent && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  rmSync(installed, { recursive: true, force: true });
  // Named, as `install` alone leaves what the lock file says of a package whose version is the same.
  npm(here, ...(isCurrent ? ['ci'] : ['install', 'nest-gatehouse@file:..']));
  const now = JSON.parse(readFileSync(`${here}package-lock.json`, 'utf8'));
  writeFileSync(stamp, createHash('sha256').update(JSON.stringify(now)).digest('hex'));
}

function copyBuild() {
  rmSync(`${installed}/dist`, { recursive: true, force: true });
  cpSync(`${root}dist`, `${installed}/dist`, { recursive: true });
  cpSync(`${root}package.json`, `${installed}/package.json`);
}

/** Two copies of Nest in one process would not recognize each other's exceptions, and would be loaded twice. */
function checkOneNest() {
  const paths = [`${here}package.json`, `${installed}/package.json`].map((from) =>
    realpathSync(createRequire(from).resolve('@nestjs/common/package.json')),
  );
  if (new Set(paths).size !== 1) throw new Error(`Nest is there twice: ${paths.join(' and ')}`);
}

/** @param {{ build: boolean }} options build: false uses dist/ unchanged */
export function setUp({ build }) {
  install();
  if (build) npm(root, 'run', 'build');
  copyBuild();
  checkOneNest();
}
