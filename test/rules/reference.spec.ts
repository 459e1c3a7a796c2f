/** The pages that are written from docstrings: `node scripts/reference.mjs`. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const { writeReference } = (await import(new URL('scripts/reference.mjs', root).href)) as {
  writeReference(): Record<string, string>;
};

describe('the reference', () => {
  it('is what the docstrings say', { timeout: 120_000 }, () => {
    const pages = writeReference();
    expect(Object.keys(pages)).toEqual(['docs/reference/options.md', 'docs/reference/decorators.md']);
    for (const [path, text] of Object.entries(pages))
      expect(readFileSync(new URL(path, root), 'utf8'), path).toBe(text);
    expect(pages['docs/reference/options.md']).toContain('### AuthModuleOptions');
    expect(pages['docs/reference/decorators.md']).toContain('### @RequireScopes');
    // Of a name for a few texts the texts are told, and not the methods that every string has.
    expect(pages['docs/reference/options.md']).toContain("`'cookies' | 'body'`");
    expect(pages['docs/reference/options.md']).not.toContain('**`charAt`**');
  });
});
