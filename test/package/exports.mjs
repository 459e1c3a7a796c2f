// What can be imported, name by name. The list is committed beside this file, so that a name that comes, goes or is
// renamed shows in a review as what it is: a change of the public face. `node test/package/exports.mjs --update`
// writes it anew from the last build.
import { deepStrictEqual } from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const listFile = new URL('./exports.json', import.meta.url);
const require = createRequire(import.meta.url);

/** The package by its own name: Node looks it up in `exports` of package.json, as it does for an app. */
async function namesOf(specifier) {
  const asModule = Object.keys(await import(specifier)).sort();
  // Node adds these to CommonJS that is imported as a module; they are no names of ours.
  const notOurs = new Set(['__esModule', 'default', 'module.exports']);
  const asCommonJs = Object.keys(require(specifier))
    .filter((name) => !notOurs.has(name))
    .sort();
  deepStrictEqual(asCommonJs, asModule, `${specifier} exports other names as CommonJS than as an ES module`);
  return asModule;
}

function foldersWithIndex(root) {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|\/)index\.ts$/.test(path))
    .map((path) => (path === 'index.ts' ? '.' : `./${path.replace(/\/index\.ts$/, '')}`))
    .sort();
}

/** @param {string} root folder of the package, built */
async function namesBySubpath(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json');
  deepStrictEqual(subpaths.toSorted(), foldersWithIndex(root), 'A folder with an index.ts is a subpath, and no other');
  const typed = Object.keys(manifest.typesVersions['*']).map((name) => `./${name}`);
  deepStrictEqual(['.', ...typed].sort(), subpaths.toSorted(), 'typesVersions has to name each subpath, for node10');

  const names = {};
  for (const subpath of subpaths) names[subpath] = await namesOf(join(manifest.name, subpath));
  return names;
}

/** @param {string} root folder of the package, built */
export async function checkExports(root) {
  deepStrictEqual(await namesBySubpath(root), JSON.parse(readFileSync(listFile, 'utf8')));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href && process.argv[2] === '--update') {
  writeFileSync(listFile, `${JSON.stringify(await namesBySubpath(process.cwd()), null, 2)}\n`);
}
