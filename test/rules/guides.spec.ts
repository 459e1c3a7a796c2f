/**
 * Compiles the TypeScript of the documents, for what people copy first must work. Each block is a file of its own. One that cannot stand alone
 * says so in the line above it: `<!-- not compiled: continues the block above -->`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The blocks of a document, by the names of files that stand beside it and do not exist. */
function blocksOf(document: string, markdown: string): readonly (readonly [string, string])[] {
  const lines = markdown.split('\n');
  const starts = lines.flatMap((line, at) => (/^```(?:ts|typescript)\b/.test(line) ? [at] : []));
  return starts.flatMap((start) => {
    const before = lines.slice(0, start).findLast((line) => line.trim() !== '') ?? '';
    if (/^<!-- not compiled: .+ -->$/.test(before.trim())) return [];
    const code = lines.slice(start + 1, lines.indexOf('```', start)).join('\n');
    // The `export` makes it a module, so that two blocks may declare the same name.
    return [[join(root, `${document}.line-${start + 1}.ts`), `${code}\nexport {};\n`] as const];
  });
}

/** What the compiler says about blocks, with the line of the document. */
function problemsOf(blocks: ReadonlyMap<string, string>): readonly string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['src/index.ts'] }, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists } = host;
  host.readFile = (name) => blocks.get(name) ?? readFile(name);
  host.fileExists = (name) => blocks.has(name) || fileExists(name);
  const program = ts.createProgram([...blocks.keys()], options, host);
  const found = [...blocks.keys()].flatMap((name) => ts.getPreEmitDiagnostics(program, program.getSourceFile(name)));
  return found.map(({ file, start = 0, messageText }) => {
    const name = file?.fileName.slice(root.length).replace(/\.line-\d+\.ts$/, '') ?? '';
    const first = Number(/line-(\d+)\.ts$/.exec(file?.fileName ?? '')?.[1]);
    const line = first + 1 + (file?.getLineAndCharacterOfPosition(start).line ?? 0);
    return `${name}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

/** Their blocks continue one another, or need what the reader's app has. */
const fragments = ['extend/index.md', 'guides/api-keys.md', 'guides/moving-users-in.md', 'guides/recipes.md'];

describe('the TypeScript of the documents', () => {
  const guides = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.startsWith('internals/decisions/') && !fragments.includes(name))
    .map((name) => `docs/${name}`);

  it('compiles, and a mistake would be reported', { timeout: 120_000 }, () => {
    const blocks = guides.flatMap((guide) => blocksOf(guide, readFileSync(join(root, guide), 'utf8')));
    const wrong = blocksOf('docs/wrong.md', "# Title\n\n```ts\nimport { gone } from 'nest-gatehouse';\n```\n");
    const problems = problemsOf(new Map([...blocks, ...wrong]));
    expect(problems).toEqual([expect.stringMatching(/^docs\/wrong\.md:4 .*'gone'/)]);
  });

  it('is left out where it says so', () => {
    expect(blocksOf('docs/x.md', '<!-- not compiled: half -->\n\n```ts\n}\n```\n')).toEqual([]);
  });
});
