import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';

/** Which folder may import which: the table of docs/architecture.md. Everything not named is refused. */
const MAY_IMPORT = {
  crdt: [],
  client: ['crdt'],
  server: ['crdt'],
  api: ['server', 'crdt'],
  web: ['client', 'crdt'],
  loadtest: ['client'],
};
const FOLDERS = ['crdt', 'client', 'server', 'api', 'web', 'cli', 'loadtest', 'test'];

const zones = Object.entries(MAY_IMPORT).flatMap(([folder, allowed]) =>
  FOLDERS.filter((other) => other !== folder && !allowed.includes(other)).map((other) => ({
    target: `./${folder}/**/!(*.test).ts`,
    from: `./${other}`,
    message: `${folder}/ may import only ${allowed.length === 0 ? 'itself' : allowed.join(', ')} (docs/architecture.md).`,
  })),
);

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.tap/', 'data/', 'loadtest/results/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
      'import-x/no-cycle': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'The environment is read in server/config/ alone.' },
      ],
      'no-console': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
    },
  },
  {
    // Isomorphic code: no Node built-ins.
    files: ['crdt/**/*.ts', 'client/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: ['node:*', 'fs', 'path', 'crypto'] }] },
  },
  { files: ['server/config/**/*.ts', 'test/**/*.ts', '**/*.test.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    files: ['**/*.test.ts', 'test/**/*.ts', '**/*.contract.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/no-floating-promises': 'off' },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
