import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Builds the site of the documents as `npm run docs:build` does, into a folder of the test. @throws when the build fails */
export async function buildDocsSite(outDir: string, docs = join(root, 'docs')): Promise<void> {
  const vitepress = join(root, 'node_modules/vitepress/bin/vitepress.js');
  await promisify(execFile)(process.execPath, [vitepress, 'build', docs, '--outDir', outDir], { cwd: root });
}
