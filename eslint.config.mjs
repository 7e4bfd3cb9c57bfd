import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';
import { omninode } from './scripts/lint/rules.mjs';

const budgets = {
  'max-lines': ['error', { max: 600, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 100, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', 3],
  complexity: ['error', 15],
};

export default tseslint.config(
  { ignores: ['out/', 'node_modules/', '.runtime/', '.cache/', 'native/build/', 'test-results/'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { omninode },
    rules: {
      ...budgets,
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/ban-ts-comment': 'error',
      'no-console': 'error', eqeqeq: 'error', 'prefer-const': 'error', 'no-var': 'error', 'no-eval': 'error',
      'omninode/no-default-export': 'error',
      'omninode/file-name': 'error',
      'omninode/layers': 'error',
      'omninode/no-bare-error': 'error',
    },
  },
  { files: ['src-renderer/**/*.{ts,tsx}'], plugins: { 'react-hooks': reactHooks }, rules: { 'react-hooks/rules-of-hooks': 'error', 'react-hooks/exhaustive-deps': 'error' } },
  {
    files: ['src-renderer/**/*.tsx'],
    rules: { 'omninode/no-literal-text': 'error' },
  },
  {
    files: ['**/*.test.{ts,tsx}', 'test/**/*.ts', '*.config.ts', 'src-main/*/testing/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', 'omninode/no-default-export': 'off', 'omninode/no-bare-error': 'off', '@typescript-eslint/no-non-null-assertion': 'off', 'no-console': 'off' },
  },
  { files: ['**/*.mjs'], rules: { ...budgets, 'prefer-const': 'error', 'no-var': 'error', eqeqeq: 'error' } },
);
