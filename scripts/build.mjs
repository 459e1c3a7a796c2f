// Builds the package twice: ES modules by `nest build`, CommonJS beside it. tsc compiles the modules and checks both formats'
// types; then they are put together into a few files of each format (bundle.mjs).
//
// Both, because most Nest 11 apps and Jest setups are CommonJS and Nest 12 is ESM. dist/ goes first, so that a file
// deleted from src/ cannot live on in a release. Each format carries a package.json that says what its .js files are:
// without the one in dist/cjs, Node would read them as ES modules.
import { rmSync, writeFileSync } from 'node:fs';
import { bundle } from './bundle.mjs';
import { run } from './run.mjs';

rmSync('dist', { recursive: true, force: true });

const builds = await Promise.all([
  run('nest', ['build', '--path', 'tsconfig.build.json']),
  run('tsc', ['-p', 'tsconfig.cjs.json']),
]);
for (const { output } of builds) process.stdout.write(output);

if (builds.some(({ code }) => code !== 0)) {
  process.exitCode = 1;
} else {
  await bundle({ esm: 'dist/esm', cjs: 'dist/cjs' });
  writeFileSync('dist/cjs/package.json', `${JSON.stringify({ type: 'commonjs' })}\n`);
}
