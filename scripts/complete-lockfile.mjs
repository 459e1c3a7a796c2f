// Writes into package-lock.json the platform packages that npm left out of it.
//
// Tools with native parts (Biome, oxc) come as one optional package for each platform. When a registry mirror serves
// only some of them, `npm install` leaves the others out of the lock file, and then `npm ci` refuses that file, on
// every platform. Run this after a change of dependencies if `npm ci` says "Missing: …@ from lock file".
import { readFileSync, writeFileSync } from 'node:fs';

const platform =
  /-(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|x64|ia32|ppc64|riscv64|s390x)(?:-(gnu|musl))?/;
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));

function entryFor(name, version, isDev) {
  const match = platform.exec(name);
  if (match === null) throw new Error(`${name} is missing from the lock file, and its name tells no platform`);
  const [, os, cpu, libc] = match;
  return {
    version,
    cpu: [cpu],
    ...(isDev && { dev: true }),
    ...(os === 'linux' && libc && { libc: [libc === 'gnu' ? 'glibc' : libc] }),
    optional: true,
    os: [os],
  };
}

/** Where Node looks for what a package requires: in the package, and in each folder that holds it. */
function foldersAbove(parent) {
  const steps = parent === '' ? [] : parent.split(/(?=\/node_modules\/)/);
  return [...steps.keys()].map((at) => `${steps.slice(0, steps.length - at).join('')}/`).concat('');
}

for (const [parent, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (foldersAbove(parent).some((folder) => lock.packages[`${folder}node_modules/${name}`])) continue;
    lock.packages[`node_modules/${name}`] = entryFor(name, version, dev);
    console.log(`added ${name}@${version}`);
  }
}

lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
