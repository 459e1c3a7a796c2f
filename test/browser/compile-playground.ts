import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/**
 * Brings about what `npm start` runs: the package in dist/, and the examples compiled against it. Once for all files with
 * browser tests, before the first one.
 */
export default function compilePlayground(): void {
  compile('tsconfig.build.json');
  compile('examples/playground/tsconfig.json');
  compile('examples/mcp/tsconfig.json');
}

/** Without a type check, which has its own place: what matters here is what the sources do. */
function compile(project: string): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', project, '--noCheck'],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`tsc -p ${project} failed:\n${stdout}${stderr}`);
}
