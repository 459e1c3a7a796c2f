/** The site of the documents: `npm run docs` serves it, `npm run docs:build` builds it. Neither needs a network. */
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';
import { githubAnchor, labelWideTables, linkOutside } from './markdown.js';
import { sidebar } from './sidebar.js';

const { homepage, repository } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  homepage: string;
  repository: { url: string };
};
const source = repository.url.replace(/^git\+/, '').replace(/\.git$/, '');

export default defineConfig({
  title: 'nest-gatehouse',
  description: 'Authentication for NestJS APIs that are called with access tokens.',
  lang: 'en',
  // The path of the site, as in /nest-gatehouse/ of a GitHub Pages site.
  base: `${new URL(homepage).pathname.replace(/\/$/, '')}/`,
  cleanUrls: true,
  ignoreDeadLinks: false,
  markdown: {
    anchor: { slugify: githubAnchor },
    config: (markdown) => void markdown.use(linkOutside, `${source}/blob/main`).use(labelWideTables),
  },
  themeConfig: {
    search: { provider: 'local' },
    sidebar: sidebar(new URL('../', import.meta.url)),
    outline: { level: [2, 3] },
    nav: [
      { text: 'Start', link: '/start/install' },
      { text: 'Guides', link: '/guides/routes' },
      { text: 'Reference', link: '/reference/options' },
      { text: 'Security', link: '/security/guarantees' },
    ],
    socialLinks: [{ icon: 'github', link: source }],
  },
});
