/** The one lint rule that is ours: were its selector wrong, a missing @Inject would show only when an app starts. */
import { fileURLToPath } from 'node:url';
import { ESLint, Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
let rules: Linter.RulesRecord;

beforeAll(async () => {
  const config = (await new ESLint({ cwd: root }).calculateConfigForFile('src/index.ts')) as Linter.Config;
  rules = { 'no-restricted-syntax': config.rules?.['no-restricted-syntax'] ?? 'off' };
}, 30_000);

const messagesFor = (code: string): string[] =>
  new Linter()
    .verify(code, { files: ['**'], languageOptions: { parser: tseslint.parser }, rules }, 'seed.ts')
    .map(({ message }) => message);

describe('an injected constructor parameter without @Inject(Token)', () => {
  it.each([
    ['a plain parameter', '@Injectable() class A { constructor(keys: Keys) {} }'],
    ['a property parameter', '@Injectable() class A { constructor(private readonly keys: Keys) {} }'],
    ['one of two', '@Injectable() class A { constructor(@Inject(B) b: B, private readonly keys: Keys) {} }'],
    ['an exported class', '@Injectable() export class A { constructor(readonly keys: Keys) {} }'],
    ['a mixin', 'const m = () => { @Injectable() class A { constructor(readonly keys: Keys) {} } return A; }'],
  ])('is reported: %s', (_what, code) => {
    expect(messagesFor(code)).toEqual([expect.stringContaining('@Inject(Token)')]);
  });

  it.each([
    ['with the token', '@Injectable() class A { constructor(@Inject(B) private readonly b: B, @Inject(C) c: C) {} }'],
    ['in a class that is not injected', 'class A { constructor(private readonly b: B) {} }'],
    ['in another method', '@Injectable() class A { constructor() {} find(id: string) {} }'],
  ])('is fine %s', (_what, code) => {
    expect(messagesFor(code)).toEqual([]);
  });
});
