/** Builds the site of the documents. A dead link fails the build; links to anchors are compared with what the build wrote. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDocsSite } from '../support/docs-site.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const base = '/nest-gatehouse/';
const work = mkdtempSync(join(tmpdir(), 'gatehouse-site-'));
const site = join(work, 'site');

afterAll(() => rmSync(work, { recursive: true }));

function pagesOfSite(): string[] {
  return readdirSync(site, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.html') && file !== '404.html',
  );
}

const idsOf = (html: string) => new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id));

/** The links of a page within the site, as the file and the anchor that they lead to. */
function linksOf(page: string, html: string): { file: string; anchor: string }[] {
  const targets = [...html.matchAll(/<a [^>]*href="([^"]+)"/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#');
      const full = path.startsWith(base) ? path.slice(base.length) : posix.join(posix.dirname(page), path);
      const file = full.endsWith('/') || full === '' || full === '.' ? posix.join(full, 'index.html') : `${full}.html`;
      return { file: path === '' ? page : file, anchor: decodeURIComponent(anchor) };
    });
}

describe('the site of the documents', () => {
  beforeAll(() => buildDocsSite(site), 300_000);

  it('has a page for each document', () => {
    const documents = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.md'),
    );
    expect(pagesOfSite().sort()).toEqual(documents.map((file) => file.replace(/\.md$/, '.html')).sort());
  });

  it('has the anchors that its links lead to', () => {
    const pages = new Map(pagesOfSite().map((page) => [page, readFileSync(join(site, page), 'utf8')]));
    const ids = new Map([...pages].map(([page, html]) => [page, idsOf(html)]));
    const links = [...pages].flatMap(([page, html]) => linksOf(page, html).map((link) => ({ page, ...link })));
    expect(links.filter(({ anchor }) => anchor !== '').length).toBeGreaterThan(500);
    const broken = links.filter(
      ({ file, anchor }) => ids.get(file)?.has(anchor) !== true && (anchor !== '' || !ids.has(file)),
    );
    expect(broken).toEqual([]);
  });

  it('leads to the repository where a link leaves docs/', () => {
    const html = readFileSync(join(site, 'security/guarantees.html'), 'utf8');
    expect(html).toMatch(/href="https:\/\/github\.com\/[\w-]+\/nest-gatehouse\/blob\/main\/SECURITY\.md#/);
  });

  it('asks no other host for scripts, styles, fonts or images', () => {
    const loaded = pagesOfSite().flatMap((page) =>
      [
        ...readFileSync(join(site, page), 'utf8').matchAll(
          /<(?:script|img)[^>]* src="([^"]+)"|<link[^>]* href="([^"]+)"/g,
        ),
      ]
        .map(([, source, target]) => source ?? target ?? '')
        .filter((address) => !address.startsWith(base) && !address.startsWith('data:')),
    );
    expect(loaded).toEqual([]);
  });

  it('can be searched', () => {
    const chunks = readdirSync(join(site, 'assets/chunks'));
    expect(chunks.some((file) => file.startsWith('@localSearchIndex'))).toBe(true);
  });
});

describe('a dead link', () => {
  it('fails the build', { timeout: 120_000 }, async () => {
    const copy = join(work, 'copy');
    for (const file of [
      'package.json',
      'docs/.vitepress/config.ts',
      'docs/.vitepress/markdown.ts',
      'docs/.vitepress/sidebar.ts',
    ])
      cpSync(join(root, file), join(copy, file));
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const page = join(copy, 'docs/index.md');
    writeFileSync(page, '# Page\n\n[alive](index.md) [outside](../package.json)\n');
    await buildDocsSite(join(work, 'alive'), join(copy, 'docs'));
    expect(existsSync(join(work, 'alive/index.html'))).toBe(true);
    writeFileSync(page, '# Page\n\n[dead](gone.md)\n');
    await expect(buildDocsSite(join(work, 'dead'), join(copy, 'docs'))).rejects.toThrow(/dead link/);
  });
});
