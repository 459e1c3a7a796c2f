// The TypeScript in README.md is compiled against the packed package, for what people copy first must work. Each block
// is a file of its own. A fragment that cannot stand alone says so in the line above it:
// `<!-- not compiled: continues the block above -->`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} markdown */
function typescriptBlocks(markdown) {
  const lines = markdown.split('\n');
  const blocks = [];
  for (let at = 0; at < lines.length; at += 1) {
    if (!/^```(ts|typescript)\b/.test(lines[at])) continue;
    const end = lines.indexOf('```', at);
    if (end < 0) throw new Error(`README.md:${at + 1}: the code block has no end`);
    const before = lines.slice(0, at).findLast((line) => line.trim() !== '') ?? '';
    if (!/^<!-- not compiled: .+ -->$/.test(before.trim())) {
      blocks.push({ line: at + 1, code: lines.slice(at + 1, end).join('\n') });
    }
    at = end;
  }
  return blocks;
}

/** Writes each block as a module into `folder`, named after its line in README.md, which the compiler then reports. */
export function writeReadmeBlocks(readme, folder) {
  const blocks = typescriptBlocks(readFileSync(readme, 'utf8'));
  if (blocks.length === 0) throw new Error('README.md has no TypeScript block that compiles alone');
  mkdirSync(folder, { recursive: true });
  for (const { line, code } of blocks) {
    // The `export` makes it a module, so that two blocks may declare the same name.
    writeFileSync(join(folder, `readme-line-${line}.ts`), `${code}\nexport {};\n`);
  }
}
