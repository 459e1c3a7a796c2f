import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');

/** The ids that the checks of the package give. */
function idsInSources(): readonly string[] {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => /(?:doctor|findings|installed-packages)[^/]*\.ts$|^doctor\//.test(file));
  const pattern =
    /\b(?:(?:ok|skipped)\(|problem\([^']*'(?:warn|fail)',|problem\(left > 0 \? 'warn' : 'fail',)\s*'([a-z-]+)'/g;
  const text = sources
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(root, 'src', file), 'utf8'));
  const chosen = ['copies-package', 'copies-nest'];
  return [...new Set([...text.flatMap((each) => [...each.matchAll(pattern)].map(([, id = '']) => id)), ...chosen])];
}

it('the guide has a section for each check, which the findings lead to', () => {
  const ids = idsInSources();
  expect(ids.length).toBeGreaterThan(20);
  const page = readFileSync(join(root, 'docs/guides/doctor.md'), 'utf8');
  const headings = [...page.matchAll(/^### ([a-z-]+)$/gm)].map(([, id]) => id);
  expect(headings.toSorted()).toEqual(ids.toSorted());
});
