/**
 * Holds what the README is for: a page that a stranger reads to the end, on npm as well as in the repository. test/rules/links.spec.ts
 * checks that its links lead somewhere.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Owner {
  filesWithOwner: string[];
  ownersIn(text: string): string[];
  setOwner(root: URL, owner: string): void;
}

const root = new URL('../../', import.meta.url);
const owner = (await import(new URL('scripts/owner.mjs', root).href)) as Owner;
const textOf = (file: string, folder = root) => readFileSync(new URL(file, folder), 'utf8');

describe('the README', () => {
  const readme = textOf('README.md');

  it('has at most 150 lines and 8 KiB', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(151);
    expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(8192);
  });

  it('has absolute links only, for npm shows it without the repository', () => {
    const targets = [...readme.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
    expect(targets.length).toBeGreaterThan(20);
    expect(targets.filter((target) => !target.startsWith('https://'))).toEqual([]);
  });

  it('has a quickstart of at most 25 lines', () => {
    const [, code = ''] = /^```ts\n(\/\/ main\.ts\n.*?)^```$/ms.exec(readme) ?? [];
    expect(code.split('\n').filter((line) => line !== '').length).toBeLessThanOrEqual(25);
    expect(code).toContain('AuthModule.forRoot');
  });
});

describe('the owner of the repository', () => {
  it('is the same in all addresses', () => {
    const owners = owner.filesWithOwner.map((file) => owner.ownersIn(textOf(file)));
    expect(owners.map(({ length }) => length > 0)).toEqual([true, true, true]);
    expect(new Set(owners.flat()).size).toBe(1);
  });

  it('is written into all of them at once, also a second time', () => {
    const copy = mkdtempSync(join(tmpdir(), 'gatehouse-owner-'));
    const folder = pathToFileURL(`${copy}/`);
    for (const file of owner.filesWithOwner) cpSync(fileURLToPath(new URL(file, root)), join(copy, file));
    const before = owner.filesWithOwner.map((file) => owner.ownersIn(textOf(file, folder)));
    for (const name of ['first-name', 'second']) {
      owner.setOwner(folder, name);
      const after = owner.filesWithOwner.map((file) => owner.ownersIn(textOf(file, folder)));
      expect(after).toEqual(before.map((owners) => owners.map(() => name)));
    }
    rmSync(copy, { recursive: true });
  });

  it('is in the fields of package.json', () => {
    const fields = JSON.parse(textOf('package.json')) as Record<string, object>;
    const inField = (field: string) => owner.ownersIn(JSON.stringify(fields[field])).length;
    expect(['repository', 'homepage', 'bugs'].map(inField)).toEqual([1, 1, 1]);
  });
});
