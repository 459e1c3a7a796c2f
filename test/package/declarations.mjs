// What the published declarations import. An app compiles them with what it has: Nest, Node and the peers that every
// app installs. A type of passport-jwt or jwks-rsa in a signature would break its build with an error in our files, or
// turn silently into `any` under skipLibCheck.
import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

const packageOf = (specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

/** Every specifier in a declaration file: imports, re-exports, `import('x')` types and reference directives. */
function specifiersOf(file) {
  const text = readFileSync(file, 'utf8');
  const { importedFiles, typeReferenceDirectives } = ts.preProcessFile(text, true, true);
  const inTypes = [...text.matchAll(/\bimport\(\s*(['"])(.+?)\1\s*\)/g)].map(([, , name]) => name);
  return new Set([...[...importedFiles, ...typeReferenceDirectives].map(({ fileName }) => fileName), ...inTypes]);
}

/** Walks from an entry through all files that its types need, and names each import that `isAllowed` refuses. */
function strangersFrom(entry, isAllowed) {
  const queue = [entry];
  const seen = new Set(queue);
  const strangers = [];
  for (const file of queue) {
    for (const specifier of specifiersOf(file)) {
      if (specifier.startsWith('.')) {
        const next = join(dirname(file), specifier.replace(/\.js$/, '.d.ts'));
        if (!existsSync(next)) strangers.push(`${file} imports ${specifier}, which is not in the package`);
        else if (!seen.has(next)) queue.push(next);
        seen.add(next);
      } else if (!isAllowed(specifier)) {
        strangers.push(`${file} imports ${specifier}`);
      }
    }
  }
  return strangers;
}

/** @param {string} root folder of the package, built */
export function checkDeclarations(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const isOptional = (name) => manifest.peerDependenciesMeta?.[name]?.optional === true;
  const strangers = Object.entries(manifest.exports)
    .filter(([, conditions]) => typeof conditions === 'object')
    .flatMap(([subpath, conditions]) => {
      // The root is for every app, so an optional peer in it is a stranger too; a subpath may have its own.
      const peers = Object.keys(manifest.peerDependencies).filter((name) => subpath !== '.' || !isOptional(name));
      const isAllowed = (specifier) =>
        specifier === 'node' || isBuiltin(specifier) || peers.includes(packageOf(specifier));
      return [conditions.import.types, conditions.require.types].flatMap((types) =>
        strangersFrom(resolve(root, types), isAllowed),
      );
    });
  if (strangers.length > 0)
    throw new Error([...new Set(strangers)].map((line) => line.replace(`${resolve(root)}/`, '')).join('\n'));
}
