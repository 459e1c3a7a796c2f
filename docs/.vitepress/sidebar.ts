/** The sidebar lists the pages of each folder. A page that is not in the order below follows by its name, so a new page needs no edit. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

interface Item {
  readonly text: string;
  readonly link: string;
}

interface Group {
  text: string;
  collapsed: boolean;
  items: Item[];
}

const groups: readonly (readonly [folder: string, text: string, order: readonly string[]])[] = [
  ['start', 'Start', ['install', 'openid', 'stack-auth', 'propel-auth', 'own-users', 'playground']],
  [
    'guides',
    'Guides',
    [
      ...['routes', 'authorization', 'step-up', 'configuration', 'answers', 'testing', 'your-own-user', 'profiles'],
      'browsers',
      ...['keys-and-outages', 'revocation', 'route-audit-and-openapi', 'transports', 'websockets', 'microservices'],
      ...['sessions', 'accounts', 'passwords', 'magic-links', 'second-factors', 'passkeys', 'moving-users-in', 'login'],
      ...[
        'linking',
        'frontend-callback',
        'stack-auth-sessions',
        'api-keys',
        'client-credentials',
        'mcp',
        'dpop',
        'mtls',
      ],
      ...['database', 'redis', 'signing-keys', 'passport', 'recipes'],
    ],
  ],
  ['providers', 'Providers', ['index']],
  ['reference', 'Reference', ['options', 'presets', 'decorators', 'routes', 'errors']],
  ['extend', 'Extend', ['index']],
  ['security', 'Security', ['guarantees', 'threat-model', 'comparison', 'performance']],
  ['internals', 'Internals', ['architecture']],
  ['internals/decisions', 'Decisions', []],
];

function pagesOf(docs: URL, folder: string, order: readonly string[]): Item[] {
  const place = new URL(`${folder}/`, docs);
  if (!existsSync(place)) return [];
  const rankOf = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return readdirSync(place)
    .filter((file) => file.endsWith('.md'))
    .map((file) => file.slice(0, -'.md'.length))
    .sort((one, other) => rankOf(one) - rankOf(other) || one.localeCompare(other))
    .map((name) => {
      const [, text = name] = /^# (.+)$/m.exec(readFileSync(new URL(`${name}.md`, place), 'utf8')) ?? [];
      return { text: text.replaceAll('`', ''), link: `/${folder}/${name === 'index' ? '' : name}` };
    });
}

/** @param docs the folder of the pages */
export function sidebar(docs: URL): Group[] {
  return groups.map(([folder, text, order]) => ({
    text,
    collapsed: folder === 'internals/decisions',
    items: pagesOf(docs, folder, order),
  }));
}
