import { readFile } from 'node:fs/promises';
import type { Reply } from './local-server.js';

const assets: Readonly<Record<string, string>> = {
  'screen.css': 'text/css',
  'fill-in.js': 'text/javascript',
  'icon.svg': 'image/svg+xml',
};
const assetFolder = new URL('./examples/playground/screens/', import.meta.resolve('nest-gatehouse/package.json'));

/** Reads a file that the screens of all providers have. */
export async function readAsset(name: string): Promise<Reply> {
  const type = Object.hasOwn(assets, name) ? assets[name] : undefined;
  if (!type) return { status: 404, headers: {}, body: '' };
  const headers = { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-cache' };
  return { status: 200, headers, body: await readFile(new URL(name, assetFolder), 'utf8') };
}
