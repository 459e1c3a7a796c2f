// Saves results in bench/results/, one JSON file per topic, with the machine and the versions that they apply to.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

const folder = new URL('../results/', import.meta.url);
const require = createRequire(import.meta.url);

const measured = [
  '@nestjs/core',
  'passport-jwt',
  'jwks-rsa',
  'jose',
  'fast-jwt',
  'jsonwebtoken',
  'aws-jwt-verify',
  'express-oauth2-jwt-bearer',
];

function versions() {
  const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const own = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const others = Object.fromEntries(measured.map((name) => [name, dependencies[name]]));
  return { [own.name]: own.version, ...others };
}

let busyCores = 0;

/** States that cores are kept busy during the run, so that its results are saved in separate files. */
export function noteBusyCores(cores) {
  busyCores = cores;
}

/** The environment of the figures. `load` is the load of the machine at the end of the run. */
export function describeMachine() {
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    openssl: process.versions.openssl,
    load: Number(loadavg()[0].toFixed(2)),
    ...(busyCores > 0 ? { busyCores } : {}),
    versions: versions(),
  };
}

/** A quick run only shows that everything works, so its figures are printed and not saved. */
export function saveResult(name, body, quick) {
  if (quick) return;
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify({ machine: describeMachine(), ...body }, null, 2);
  const file = busyCores > 0 ? `${name}-load-${busyCores}.json` : `${name}.json`;
  writeFileSync(new URL(file, folder), `${text}\n`);
}

export function loadResult(name) {
  const file = new URL(`${name}.json`, folder);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** Loads a CommonJS contender by name. */
export function load(name) {
  return require(name);
}
