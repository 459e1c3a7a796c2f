// What an app loads at its start when it imports the package: few files of ours, Nest, passport and passport-jwt. Everything else is
// loaded when it is first needed, as an app is to start quickly. And what the build's tool has put together may not show:
// Nest prints the names of classes.
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** Each file costs every start of every app about a third of a millisecond. */
const mostFiles = 6;
const allowed = /^(node:.+|@nestjs\/(common|core|passport)(\/.+)?|passport|passport-jwt|reflect-metadata)$/;

/** The text in `import … from 'x'`, `export … from 'x'` and `require('x')`. */
function specifierIn(node) {
  const given =
    ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'require'
      ? node.arguments[0]
      : node.moduleSpecifier;
  return given !== undefined && ts.isStringLiteral(given) ? given.text : undefined;
}

/** What a file loads as soon as it is loaded itself: nothing that stands in a function. */
function loadedBy(file) {
  const found = [];
  const walk = (node) => {
    if (ts.isFunctionLike(node)) return;
    const specifier = specifierIn(node);
    if (specifier !== undefined) found.push(specifier);
    ts.forEachChild(node, walk);
  };
  walk(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true));
  return found;
}

/** What bundling can spoil without anybody noticing. */
function spoiltIn(file, isCommonJs) {
  const text = readFileSync(file, 'utf8');
  const renamed = [...text.matchAll(/\bclass (\w+\$\d+)|\b(\w+\$\d+) = class\b/g)];
  const faults = renamed.map(([, one, other]) => `has a class ${one ?? other}`);
  // Jest cannot run it there.
  return isCommonJs && /\bimport\(/.test(text) ? [...faults, 'calls import()'] : faults;
}

function faultsOf(root, folder) {
  const files = [join(root, folder, 'index.js')];
  const faults = [];
  for (const file of files) {
    const name = relative(root, file);
    for (const specifier of loadedBy(file)) {
      const path = resolve(file, '..', specifier);
      if (!specifier.startsWith('.')) {
        if (!allowed.test(specifier)) faults.push(`${name} loads ${specifier} at once`);
      } else if (!files.includes(path)) files.push(path);
    }
    faults.push(...spoiltIn(file, folder === 'dist/cjs').map((fault) => `${name} ${fault}`));
  }
  if (files.length > mostFiles) faults.push(`${folder}/index.js loads ${files.length} files, not ${mostFiles}`);
  return faults;
}

/** @param {string} root folder of the package, built */
export function checkStart(root) {
  const faults = ['dist/esm', 'dist/cjs'].flatMap((folder) => faultsOf(resolve(root), folder));
  if (faults.length > 0) throw new Error(faults.join('\n'));
}
