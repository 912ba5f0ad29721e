import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const takeItFromEnv =
  'take clocks, timers and randomness from src/core/env.ts, so that a virtual clock can drive everything'
const realClocks = [
  'performance',
  'crypto',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
]
const realClockModules = ['perf_hooks', 'timers', 'timers/promises', 'crypto'].flatMap((name) => [name, `node:${name}`])

const nodeGlobals = ['Buffer', 'URL', 'clearTimeout', 'console', 'performance', 'process', 'setTimeout']

export default defineConfig(
  globalIgnores(['dist', '.cache', 'coverage']),
  {
    files: ['**/*.{js,mjs}'],
    extends: [js.configs.recommended],
    languageOptions: { globals: Object.fromEntries(nodeGlobals.map((name) => [name, 'readonly'])) },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: ['tsconfig.check.json', 'tsconfig.legacy.json'], tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      // a cancelled wait rejects with `signal.reason`, which may be anything
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingUnknown: true, allowThrowingAny: true },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/core/env.ts', 'src/core/timers.ts', 'src/layers/blocking/worker.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-globals': [
        'error',
        { checkGlobalObject: true, globals: realClocks.map((name) => ({ name, message: takeItFromEnv })) },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: takeItFromEnv },
        { object: 'Math', property: 'random', message: takeItFromEnv },
        { object: 'AbortSignal', property: 'timeout', message: takeItFromEnv },
        { object: 'process', property: 'hrtime', message: takeItFromEnv },
      ],
      // `new Date(ms)` only converts and stays allowed; `new Date()` and `Date()` read the clock.
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: takeItFromEnv },
        { selector: 'CallExpression[callee.name="Date"]', message: takeItFromEnv },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: realClockModules.map((name) => ({
            name,
            message: takeItFromEnv,
            // a hash of given text is not random
            ...(name.endsWith('crypto') && { allowImportNames: ['createHash'] }),
          })),
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'examples/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // Tests misuse the API on purpose, and stubs need neither an await nor a body.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
)
