import tseslint from 'typescript-eslint';

/** Which folder may import which: the table of docs/architecture.md. Everything not named is refused. */
const MAY_IMPORT = {
  crdt: [],
  client: ['crdt'],
  server: ['crdt'],
  api: ['server', 'crdt'],
  web: ['client', 'crdt'],
  loadtest: ['client'],
};
const ISOMORPHIC = ['crdt', 'client'];
const FOLDERS = ['crdt', 'client', 'server', 'api', 'web', 'cli', 'loadtest', 'test'];

/**
 * A file reaches another top-level folder only by climbing to the root and naming it (`../../server/…`), so the rule
 * needs no module resolution: it looks at the specifier alone.
 */
const importRules = Object.entries(MAY_IMPORT).map(([folder, allowed]) => {
  const refused = FOLDERS.filter((other) => other !== folder && !allowed.includes(other));
  return {
    files: [`${folder}/**/*.{ts,tsx}`],
    ignores: ['**/*.test.ts', '**/testing/**', '**/*.contract.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${refused.join('|')})/`,
              message: `${folder}/ may import only ${allowed.length === 0 ? 'itself' : allowed.join(', ')} (docs/architecture.md).`,
            },
            // Isomorphic code: no Node built-ins.
            ...(ISOMORPHIC.includes(folder)
              ? [{ regex: '^(node:|(fs|path|crypto|os|url|util)(/|$))', message: `${folder}/ runs in browsers too.` }]
              : []),
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  {
    ignores: [
      'dist/',
      '.tests/',
      'node_modules/',
      '.tap/',
      'data/',
      'loadtest/results/',
      '.scratch/',
      'loadtest/bench/peers/',
      'test/data/',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'The environment is read in server/config/ alone.' },
      ],
      'no-console': 'error',
      // Methods of ports are async by contract, also where an implementation has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // Yjs declares `toString` in JSDoc, where the rule doesn't see it.
      '@typescript-eslint/no-base-to-string': ['error', { ignoredTypeNames: ['YText', 'Text', 'YXmlText'] }],
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
    },
  },
  ...importRules,
  {
    files: ['server/config/**/*.ts', 'scripts/**', 'test/**/*.ts', '**/*.test.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts', '**/testing/**/*.ts', '**/*.contract.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-floating-promises': 'off',
      // Answers are looked into member by member: a wrong shape fails the assertion that looks.
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  { files: ['examples/**'], rules: { 'no-console': 'off' } },
);
