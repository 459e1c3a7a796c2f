/**
 * Checks the links of the documents: every relative link leads to a file or folder of this repository, every anchor to a
 * heading, and every path of the repository that a document names in code exists. The first test feeds the check with
 * broken links, which proves that it can fail.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

const documents = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'examples/playground/README.md',
  'examples/mcp/README.md',
  'examples/typeorm/README.md',
  ...markdownUnder('docs'),
];

/** Paths that the documents may name in code, such as `src/token/jwt-verifier.ts`. Results of measurements need not be there. */
const namedPath = /`((?!bench\/results\/)(?:src|test|docs|bench|scripts|examples)\/[\w./-]*\w\/?)`/g;
const link = /\]\(([^()\s]+)\)/g;
/** What the README's links begin with, as npm shows it without the repository. */
const addressOfRepository = /^https:\/\/github\.com\/[\w-]+\/nest-gatehouse\/blob\/main\//;

function markdownUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.startsWith('.vitepress/'))
    .map((name) => join(folder, name));
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Code blocks hold no links, and their comments look like headings. */
function withoutCodeBlocks(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```$/gms, '');
}

/** The anchors of a document, made of its headings by GitHub's rule. */
function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutCodeBlocks(markdown).matchAll(/^#{1,6} +(.+)$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const anchor = text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const repeated = [...anchors].filter((other) => other === anchor || /^-\d+$/.test(other.slice(anchor.length)));
    anchors.add(anchors.has(anchor) ? `${anchor}-${repeated.length}` : anchor);
  }
  return anchors;
}

/** What is broken in a document, one text for each link and path. */
function findBroken(file: string, markdown: string): string[] {
  const text = withoutCodeBlocks(markdown);
  const targets = [...text.matchAll(link)].map(([, target = '']) => target);
  const absolute = targets.filter((target) => addressOfRepository.test(target));
  const links = targets.filter((target) => !/^[a-z]+:/.test(target));
  const paths = [...text.matchAll(namedPath)]
    .map(([, path = '']) => path)
    .filter((path) => !existsSync(join(root, path)));
  return [
    ...links.filter((target) => !leadsSomewhere(file, markdown, target)),
    ...absolute.filter((target) => !leadsSomewhere('README.md', markdown, target.replace(addressOfRepository, './'))),
    ...paths,
  ];
}

function leadsSomewhere(file: string, markdown: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const full = path === '' ? join(root, file) : resolve(root, dirname(file), path);
  if (relative(root, full).startsWith('..') || !existsSync(full)) return false;
  if (anchor === undefined) return true;
  if (statSync(full).isDirectory()) return false;
  return anchorsOf(path === '' ? markdown : readFileSync(full, 'utf8')).has(anchor);
}

describe('the links of the documents', () => {
  it('reports missing files, missing anchors and missing paths in code', () => {
    const sample = [
      '# One heading, `code` and [a link](README.md)',
      '[good](README.md) [good](#one-heading-code-and-a-link) [good](docs/index.md#decisions) `src/index.ts` `src/token/`',
      '[good](https://github.com/X/nest-gatehouse/blob/main/docs/index.md#decisions) [bad](https://github.com/X/nest-gatehouse/blob/main/docs/index.md#none)',
      '[web](https://example.com/none) `src/*.ts` `test/unit/<folder>/`',
      '[bad](none.md) [bad](#none) [bad](docs/index.md#none) [bad](../outside.md) [bad](docs#none) `src/none.ts` `src/none/`',
      '```ts\n// [in code](none.md)\n# no-heading\n```',
      '[bad](#no-heading)',
    ].join('\n');
    expect(findBroken('README.md', sample)).toEqual([
      'none.md',
      '#none',
      'docs/index.md#none',
      '../outside.md',
      'docs#none',
      '#no-heading',
      'https://github.com/X/nest-gatehouse/blob/main/docs/index.md#none',
      'src/none.ts',
      'src/none/',
    ]);
  });

  it('numbers the anchors of headings that are alike', () => {
    expect([...anchorsOf('# Keys\n## Keys\n## Keys and outages\n### Keys\n')]).toEqual([
      'keys',
      'keys-1',
      'keys-and-outages',
      'keys-2',
    ]);
  });

  it.each(documents)('are sound in %s', (file) => {
    expect(findBroken(file, read(file))).toEqual([]);
  });

  it('are in docs/index.md for every page', () => {
    const index = read('docs/index.md');
    const pages = markdownUnder('docs').map((file) => relative('docs', file));
    expect(pages.filter((page) => page !== 'index.md' && !index.includes(`](${page})`))).toEqual([]);
  });
});
