import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const tests = ['**/*.test.ts', '**/*.bench.ts', 'test/**'];
const configs = ['eslint.config.mjs', 'vitest.config.ts'];

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration, ExportSpecifier[exported.name="default"]',
  message: 'Export by name: a default export can be renamed by every importer (DESIGN §8).',
};
const noPlainError = {
  selector: 'ThrowStatement > NewExpression[callee.name=/^(Error|TypeError|RangeError)$/]',
  message: 'Throw a Fault with a code from contract/errors.ts, or return a value (DESIGN §8).',
};

export default defineConfig(
  globalIgnores(['dist*/', 'out/', 'coverage/', 'node_modules/']),
  tseslint.configs.strictTypeChecked,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/max-params': ['error', { max: 3 }],
      'no-restricted-syntax': ['error', noDefaultExport, noPlainError],
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    // Globals that dial need no import, so dependency-cruiser cannot see them.
    files: ['main/**/*.ts', 'connector-host/**/*.ts'],
    ignores: tests,
    rules: { 'no-restricted-globals': ['error', 'fetch', 'WebSocket', 'EventSource'] },
  },
  {
    // A test may be long, throw plainly, and poke at what types forbid on purpose.
    files: tests,
    rules: {
      'max-lines-per-function': 'off',
      'no-restricted-syntax': ['error', noDefaultExport],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // Set-up and the launcher run before anything is installed: plain JavaScript, typed by JSDoc where it helps.
    files: ['**/*.mjs', '**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  { files: ['**/*.d.ts'], rules: { 'no-restricted-syntax': 'off' } },
  { files: configs, rules: { 'no-restricted-syntax': 'off' } },
);
