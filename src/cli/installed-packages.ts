import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { type DoctorFinding, ok, problem } from '../doctor/doctor-check.js';

interface Installed {
  readonly version: string;
  /** Where it is, with links followed. */
  readonly folder: string;
}

const own = 'nest-gatehouse';
/** Two copies of these have classes that do not know each other. */
const singles = ['@nestjs/common', '@nestjs/core', own] as const;

/** The versions that an app has installed, whether the package supports them, and whether there are two copies of one. */
export function inspectPackages(file: string): readonly DoctorFinding[] {
  return [
    inspectNode(),
    inspectVersions(file),
    ...inspectPeers(file),
    ...singles.map((name) => inspectCopies(name, file)),
  ];
}

function inspectNode(): DoctorFinding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const found = `Node ${process.versions.node}`;
  if (major > 20 || (major === 20 && minor >= 19)) return ok('node', found);
  return problem('fail', 'node', { found, expected: 'Node 20.19 or later', fix: 'Install it' });
}

function inspectVersions(file: string): DoctorFinding {
  const found = singles.map((name) => `${name} ${findInstalled(file, name)?.version ?? 'not found'}`).join(', ');
  if (!found.includes('not found')) return ok('versions', found);
  return problem('fail', 'versions', {
    found,
    expected: 'all of them',
    fix: 'Run npm install in the folder of the app',
  });
}

/** Compares major versions, and minor ones below 1: what the ranges of the package are about. */
function inspectPeers(file: string): readonly DoctorFinding[] {
  const folder = findInstalled(file, own)?.folder;
  const peers = folder === undefined ? {} : readMember(folder, 'peerDependencies');
  const wrong = Object.entries(peers).flatMap(([name, range]) => {
    const version = findInstalled(file, name)?.version;
    return version === undefined || fits(version, String(range)) ? [] : [`${name} ${version} (${String(range)})`];
  });
  if (wrong.length === 0) return [ok('peers', 'every installed peer has a version that the package supports')];
  const fix = 'Install a version in the range that is stated';
  return [problem('fail', 'peers', { found: wrong.join(', '), expected: 'versions in these ranges', fix })];
}

function fits(version: string, range: string): boolean {
  return range.split('||').some((part) =>
    [...part.matchAll(/([\^~<>=]*)\s*(\d[\w.-]*)/g)].every(([, sign = '', bound = '']) => {
      const order = compare(version, bound);
      if (sign === '^') return order >= 0 && sameMajor(version, bound);
      if (sign === '<') return order < 0;
      return sign === '<=' ? order <= 0 : order >= 0;
    }),
  );
}

function numbersOf(version: string): readonly number[] {
  return (version.split('-')[0] ?? '').split('.').map(Number);
}

function compare(one: string, other: string): number {
  const [left, right] = [numbersOf(one), numbersOf(other)];
  for (const at of [0, 1, 2]) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function sameMajor(version: string, bound: string): boolean {
  const [left, right] = [numbersOf(version), numbersOf(bound)];
  return left[0] === right[0] && (right[0] !== 0 || left[1] === right[1]);
}

function inspectCopies(name: (typeof singles)[number], file: string): DoctorFinding {
  const id = name === own ? 'copies-package' : 'copies-nest';
  const copies = findCopies(file, name);
  if (name === own && countLoadedCopies() > 1) {
    const requiring = findRequiringFiles(file, name);
    const by = requiring.length === 0 ? '' : `. require() of ${requiring.join(', ')} loads the CommonJS one`;
    return problem('fail', id, {
      found: `${name} is loaded ${countLoadedCopies()} times in one process: as ES module and as CommonJS, or in two versions${by}`,
      expected: 'one copy: a guard of one is unknown to the AuthModule of the other',
      fix: 'Find the file that uses require() while others use import, and let both be compiled to the same module format; npm ls nest-gatehouse shows a second version',
    });
  }
  if (copies.length < 2) return ok(id, `one copy of ${name}`);
  return problem('fail', id, {
    found: `${copies.length} copies of ${name}: ${copies.join(', ')}`,
    expected: 'one copy: providers of one are unknown to the other',
    fix: `Run npm dedupe, or npm ls ${name} to see who brings the other one`,
  });
}

/** The copy that the app loads, and those inside of the packages that are beside it. */
function findCopies(file: string, name: string): readonly string[] {
  const found = findInstalled(file, name);
  const folders = new Set(found === null ? [] : [found.folder]);
  for (const modules of foldersOfModules(file)) {
    for (const holder of packagesIn(modules)) {
      const nested = join(modules, holder, 'node_modules', name);
      // A linked package brings its own development copies, which the app loads as well.
      if (holder !== name && existsSync(join(nested, 'package.json'))) folders.add(realpathSync(nested));
    }
  }
  return [...folders].toSorted();
}

function foldersOfModules(file: string): readonly string[] {
  return (createRequire(file).resolve.paths('x') ?? []).filter((folder) => existsSync(folder));
}

function packagesIn(modules: string): readonly string[] {
  return readdirSync(modules).flatMap((name) => {
    if (name.startsWith('.')) return [];
    return name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name];
  });
}

function findInstalled(file: string, name: string): Installed | null {
  for (const modules of foldersOfModules(file)) {
    const folder = join(modules, name);
    if (existsSync(join(folder, 'package.json'))) {
      return { folder: realpathSync(folder), version: String(readPackage(folder)['version']) };
    }
  }
  return findSelf(file, name);
}

/** A package may be imported by its name from its own folder. */
function findSelf(file: string, name: string): Installed | null {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(join(folder, 'package.json'))) continue;
    const { name: found, version } = readPackage(folder);
    if (found === name) return { folder: realpathSync(folder), version: String(version) };
  }
  return null;
}

function readPackage(folder: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Readonly<Record<string, unknown>>;
}

function readMember(folder: string, member: string): Readonly<Record<string, unknown>> {
  const value = readPackage(folder)[member];
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** The files outside of a package that have loaded it by `require()`. What `import` has loaded is not known. */
function findRequiringFiles(file: string, name: string): readonly string[] {
  const isInside = (path: string): boolean => path.includes(join('node_modules', name));
  const loaded = Object.values(createRequire(file).cache).flatMap((module) => (module === undefined ? [] : [module]));
  return loaded
    .filter(({ filename, children }) => !isInside(filename) && children.some((child) => isInside(child.filename)))
    .map(({ filename }) => filename)
    .toSorted();
}

/** Whether the app has loaded two copies of the package. */
export function isLoadedTwice(): boolean {
  return countLoadedCopies() > 1;
}

/** How many copies of the package the app has loaded: each registers itself under this name. */
function countLoadedCopies(): number {
  const registry = globalThis as Record<symbol, readonly unknown[] | undefined>;
  return registry[Symbol.for('nest-gatehouse.copies')]?.length ?? 0;
}
