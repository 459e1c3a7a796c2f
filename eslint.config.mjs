// Lint that needs types, and the limits that keep files short. Formatting belongs to Biome; imports between folders
// belong to .dependency-cruiser.cjs; nothing is checked twice.
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const injectedWithoutToken = {
  selector:
    ':matches(ClassDeclaration, ClassExpression):has(> Decorator) > ClassBody > MethodDefinition[kind="constructor"]' +
    ' > FunctionExpression > .params:not(:has(> Decorator))',
  message:
    'Every injected constructor parameter has @Inject(Token): decorator metadata is off, and an `import type` must not break the injector.',
};

const limits = {
  'max-lines': ['error', { max: 300 }],
  'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
  complexity: ['error', { max: 10 }],
};

export default defineConfig(
  { ignores: ['dist/', 'coverage/', '.tmp/', 'test/package/projects/', 'docs/.vitepress/{dist,cache,.temp}/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...limits,
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', injectedWithoutToken],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { requireDefaultForNonUnion: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // Nest modules and marked classes are often empty; a class without a decorator still has to hold something.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    // The global twin of the layer rule on node:http: every call we make goes through upstream/.
    files: ['src/**/*.ts'],
    ignores: ['src/upstream/**', 'src/testing/**'],
    rules: { 'no-restricted-globals': ['error', 'fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'] },
  },
  {
    // A `describe` is one long function by nature; fake handlers are async or empty because the real ones are.
    files: ['test/**/*.ts', 'examples/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      // Taking a string of ASCII apart, character by character, is what a table of broken tokens does.
      '@typescript-eslint/no-misused-spread': 'off',
      // Nest types its options as classes (NestApplicationContextOptions) and means plain objects.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    },
  },
  {
    // Not part of the type check: plain scripts and configuration files, which only get the limits.
    files: ['**/*.mjs', '**/*.cjs', '**/*.js'],
    rules: limits,
  },
);
