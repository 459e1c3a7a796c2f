/**
 * The Markdown of docs/ reads on GitHub and on the site. Three things differ between them: how the anchors of headings are written,
 * where a link to a file outside of docs/ leads, and how a wide table is shown on a phone.
 */
import { posix } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';

/** The anchor of a heading by GitHub's rule. */
export function githubAnchor(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}

/** Where a link of a page leads if it leaves docs/: into the repository. `undefined` for all other links. */
function addressOutside(page: string, target: string, source: string): string | undefined {
  if (/^([a-z]+:|#|\/)/.test(target)) return undefined;
  const path = posix.normalize(posix.join('docs', posix.dirname(page), target));
  return path.startsWith('docs/') ? undefined : `${source}/${path}`;
}

/** Makes links that leave docs/ lead to `source`, the address of the files of the repository. A plugin of markdown-it. */
export function linkOutside(markdown: MarkdownRenderer, source: string): void {
  markdown.core.ruler.push('link-outside', (state) => {
    const { relativePath = '' } = state.env as { relativePath?: string };
    const links = state.tokens.flatMap(({ children }) => children ?? []).filter(({ type }) => type === 'link_open');
    for (const link of links) {
      const address = addressOutside(relativePath, link.attrGet('href') ?? '', source);
      if (address !== undefined) link.attrSet('href', address);
    }
  });
}

/** A part of a parsed page. */
type Token = ReturnType<MarkdownRenderer['parse']>[number];

/** A table of so many columns does not fit a phone. */
const wideFrom = 4;

/**
 * Marks wide tables and names the column of each of their cells, so that theme/tables.css can show a row of them as a list on a phone. A
 * plugin of markdown-it.
 */
export function labelWideTables(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('label-wide-tables', ({ tokens }) => {
    const starts = tokens.flatMap(({ type }, at) => (type === 'table_open' ? [at] : []));
    for (const [index, start] of starts.entries()) labelTable(tokens.slice(start, starts[index + 1]));
  });
}

/** @param tokens those from the begin of a table on */
function labelTable(tokens: readonly Token[]): void {
  const labels = tokens.flatMap(({ type }, at) =>
    type === 'th_open' ? [(tokens[at + 1]?.content ?? '').replaceAll('`', '')] : [],
  );
  if (labels.length < wideFrom) return;
  tokens[0]?.attrJoin('class', 'wide');
  const cells = tokens.filter(({ type }) => type === 'td_open');
  for (const [index, cell] of cells.entries()) {
    const label = labels[index % labels.length] ?? '';
    if (label !== '') cell.attrSet('data-column', label);
  }
}
