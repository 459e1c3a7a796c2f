// Shows the checks of the package suite something that they must refuse. Run by `node --test`.
import { deepEqual, doesNotThrow, throws } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { checkContents, checkSize, sizeLimit } from './contents.mjs';
import { checkDeclarations } from './declarations.mjs';
import { writeReadmeBlocks } from './readme.mjs';
import { checkStart } from './start.mjs';

const work = mkdtempSync(join(tmpdir(), 'gatehouse-checks-'));
after(() => rmSync(work, { recursive: true }));

function write(file, text) {
  mkdirSync(dirname(join(work, file)), { recursive: true });
  writeFileSync(join(work, file), text);
  return join(work, file);
}

function packageWith(declarations) {
  const root = mkdtempSync(join(work, 'package-'));
  const doors = (file) => ({ import: { types: `./esm/${file}` }, require: { types: `./cjs/${file}` } });
  const manifest = {
    exports: { '.': doors('index.d.ts'), './websockets': doors('websockets.d.ts'), './package.json': './package.json' },
    peerDependencies: { '@nestjs/common': '*', '@nestjs/websockets': '*' },
    peerDependenciesMeta: { '@nestjs/websockets': { optional: true } },
  };
  writeFileSync(join(root, 'package.json'), JSON.stringify(manifest));
  const files = { 'index.d.ts': '', 'websockets.d.ts': '', ...declarations };
  for (const format of ['esm', 'cjs']) {
    mkdirSync(join(root, format));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(root, format, file), text);
  }
  return root;
}

const fine = `import type { Type } from '@nestjs/common';\nimport { Agent } from 'node:http';\n`;

test('declarations may import Nest, Node, peers and each other', () => {
  const websockets = `export { Server } from '@nestjs/websockets';`;
  doesNotThrow(() => checkDeclarations(packageWith({ 'index.d.ts': fine, 'websockets.d.ts': websockets })));
});

for (const [what, text] of [
  ['an import', `import { Strategy } from 'passport-jwt';`],
  ['an export', `export * from 'jwks-rsa';`],
  ['an inline type', `export declare const a: import("jwks-rsa").JwksClient;`],
  ['a reference', `/// <reference types="passport" />`],
  ['an optional peer in the root', `import { Server } from '@nestjs/websockets';`],
  ['a file that is not there', `export * from './gone.js';`],
]) {
  test(`declarations: ${what} is reported, and where it is`, () => {
    const files = { 'index.d.ts': `export * from './deep.js';`, 'deep.d.ts': `${text}\n${fine}` };
    throws(() => checkDeclarations(packageWith(files)), /^Error: esm\/deep\.d\.ts .+\ncjs\/deep\.d\.ts /);
  });
}

test('README blocks stand in files named after their lines, fragments left out', () => {
  const readme = write(
    'README.md',
    [
      '```ts',
      'one();',
      '```',
      '```bash',
      'npm i',
      '```',
      '<!-- not compiled: half -->',
      '',
      '```ts',
      '}',
      '```',
      '```typescript',
      'two();',
      '```',
    ].join('\n'),
  );
  writeReadmeBlocks(readme, join(work, 'blocks'));
  deepEqual(readdirSync(join(work, 'blocks')), ['readme-line-1.ts', 'readme-line-12.ts']);
  deepEqual(readFileSync(join(work, 'blocks/readme-line-12.ts'), 'utf8'), 'two();\nexport {};\n');
});

test('a README without a block that compiles is reported', () => {
  throws(() => writeReadmeBlocks(write('empty.md', '# Nothing\n'), join(work, 'none')), /no TypeScript block/);
});

test('a tarball that lacks the mark of its CommonJS half, or brings a test, is reported', () => {
  const files = [
    'package.json',
    'README.md',
    'LICENSE',
    'dist/esm/index.js',
    'dist/esm/parts/core.js.map',
    'dist/cjs/index.js',
  ];
  doesNotThrow(() => checkContents([...files, 'dist/cjs/package.json', 'dist/esm/token/a.d.ts']));
  throws(() => checkContents(files), /missing: dist\/cjs\/package\.json/);
  throws(() => checkContents([...files, 'dist/cjs/package.json', 'test/a.spec.ts']), /test\/a\.spec\.ts/);
  throws(() => checkContents([...files, 'dist/cjs/package.json', 'dist/esm/tsconfig.tsbuildinfo']), /tsbuildinfo/);
});

test('source maps of the CommonJS half, and a tarball that is larger than stated, are reported', () => {
  const files = [
    'package.json',
    'README.md',
    'LICENSE',
    'dist/esm/index.js',
    'dist/esm/parts/core.js.map',
    'dist/cjs/index.js',
  ];
  throws(() => checkContents([...files, 'dist/cjs/package.json', 'dist/cjs/index.js.map']), /cjs\/index\.js\.map/);
  doesNotThrow(() => checkSize(sizeLimit, `at most ${sizeLimit / 1e6} MB`));
  throws(() => checkSize(sizeLimit + 1, `at most ${sizeLimit / 1e6} MB`), /more than/);
  throws(() => checkSize(sizeLimit, 'at most 1 MB'), /does not state/);
});

function buildWith(files) {
  const root = mkdtempSync(join(work, 'build-'));
  for (const format of ['esm', 'cjs']) {
    mkdirSync(join(root, 'dist', format), { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(root, 'dist', format, file), text);
  }
  return root;
}

test('what is loaded late is no part of the start of an app', () => {
  const late = `const call = () => require('./late.js');\nconst other = () => require('undici');`;
  const files = { 'index.js': `import 'passport-jwt';\n${late}`, 'late.js': `import 'class-validator';` };
  doesNotThrow(() => checkStart(buildWith(files)));
});

for (const [what, files, report] of [
  ['a library as an ES module', { 'part.js': `import { Agent } from 'undici';` }, /esm\/part\.js loads undici at once/],
  ['a library as CommonJS', { 'part.js': `let a = __toESM(require("undici"));` }, /cjs\/part\.js loads undici at once/],
  [
    'import() as CommonJS',
    { 'part.js': `const late = () => import('undici');` },
    /^Error: dist\/cjs\/part\.js calls import\(\)$/,
  ],
  ['a class that lost its name', { 'part.js': 'var AuthGuard$1 = class {};' }, /has a class AuthGuard\$1/],
  [
    'a file for each module',
    {
      'part.js': Array.from({ length: 6 }, (_, at) => `export * from './m${at}.js';`).join('\n'),
      ...Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`m${at}.js`, ''])),
    },
    /index\.js loads 8 files, not 6/,
  ],
]) {
  test(`the start of an app: ${what} is reported`, () => {
    throws(() => checkStart(buildWith({ 'index.js': `export * from './part.js';`, ...files })), report);
  });
}
