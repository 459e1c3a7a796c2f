// Puts the package's own files together, a few in place of two hundred: each costs every app a look-up, a reading and a
// module of its own at every start (docs/internals/decisions/0016-few-files.md).
//
// It reads what tsc has written, so that tsc stays the only one who compiles TypeScript. Entries stay where they were. What
// several of them share stands in one file, so there is one copy of each class; what is loaded late stays apart.
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

/** Hands over the compiler's map with each file, so that the maps of what comes out lead to the sources. */
const mapsOfTheCompiler = {
  name: 'maps-of-the-compiler',
  load: {
    filter: { id: /\.js$/ },
    handler: (id) => ({ code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') }),
  },
};

function filesUnder(folder, pattern) {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
  return paths.filter((path) => pattern.test(path));
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/**
 * What goes together into one file: all that the package itself loads at once, apart from the part of it that the command loads
 * as well, for the command has no use for Nest. Left alone, the bundler makes a file for each set of entries that share
 * something, and every app would load them all.
 */
function chunksOf(esm) {
  let root = new Set();
  let command = new Set();
  const isEntry = (id) => /\/(index|cli\/main)\.js$/.test(id);
  const isShared = (id) => !isEntry(id) && root.has(id) && command.has(id);
  const isRest = (id) => !isEntry(id) && root.has(id) && !command.has(id);
  const plugin = {
    name: 'chunks',
    buildEnd() {
      const reachedFrom = (entry) => {
        const found = new Set([resolve(esm, entry)]);
        for (const id of found) for (const next of this.getModuleInfo(id)?.importedIds ?? []) found.add(next);
        return found;
      };
      root = reachedFrom('index.js');
      command = reachedFrom('cli/main.js');
    },
  };
  const groups = [
    { name: 'ground', test: isShared, priority: 2 },
    { name: 'core', test: isRest, priority: 1 },
  ];
  return { plugin, groups };
}

/**
 * Replaces the code of both formats by files that hold many modules each; declarations stay as they are.
 *
 * @param {{ esm: string, cjs: string }} folders esm: the modules as the compiler wrote them
 */
export async function bundle({ esm, cjs }) {
  // Entries are the files called index.js, and nothing else may be called so; and the command.
  const entries = filesUnder(esm, /(^|\/)index\.js$|^cli\/main\.js$/);
  const chunks = chunksOf(esm);
  const build = await rolldown({
    input: Object.fromEntries(entries.map((path) => [path.replace(/\.js$/, ''), resolve(esm, path)])),
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    plugins: [mapsOfTheCompiler, chunks.plugin],
    // How long plugins take depends on what else runs, and says nothing about the build.
    checks: { bundlerTimings: false },
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
  });
  const shape = {
    entryFileNames: '[name].js',
    chunkFileNames: 'parts/[name].js',
    codeSplitting: { groups: chunks.groups },
  };
  // Maps of one format only: they have the sources in them, and are larger than all the rest.
  const made = [
    await build.generate({ ...shape, dir: esm, format: 'esm', sourcemap: true }),
    // `import()` becomes `require()` there: Jest can run no other in CommonJS.
    await build.generate({ ...shape, dir: cjs, format: 'cjs', esModule: true, dynamicImportInCjs: false }),
  ];
  await build.close();
  // Only now, as each format is made by reading all of it.
  for (const path of filesUnder(esm, /\.js(\.map)?$/)) rmSync(join(esm, path));
  for (const [at, dir] of [esm, cjs].entries()) {
    for (const file of made[at].output) {
      // One command is enough.
      if (dir === cjs && file.fileName.startsWith('cli/')) continue;
      write(join(dir, file.fileName), file.type === 'chunk' ? file.code : file.source);
    }
  }
  chmodSync(join(esm, 'cli/main.js'), 0o755);
}
