import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['build*', '*.js', '*.cjs', 'scripts', 'stubs'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    // tap ends a test when its promise settles: tests are async even where they await nothing.
    files: ['**/*.test.ts', '**/*.sim.ts', 'src/testing/**'],
    rules: { '@typescript-eslint/require-await': 'off' },
  },
)
