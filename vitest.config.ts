import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import { defineConfig, type Plugin } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Vitest leaves standard decorators and `using` raw, which no Node runs yet: esbuild lowers them. */
const lowerTypeScript: Plugin = {
  name: 'lower-typescript',
  enforce: 'pre',
  async transform(code, id) {
    const path = id.split('?')[0] ?? id
    if (!path.endsWith('.ts') || path.includes('/node_modules/')) return undefined
    const experimentalDecorators = path.includes('.legacy.')
    const result = await transform(code, {
      loader: 'ts',
      target: 'es2022',
      sourcefile: path,
      sourcemap: true,
      tsconfigRaw: { compilerOptions: { experimentalDecorators, verbatimModuleSyntax: true } },
    })
    return { code: result.code, map: result.map }
  },
}

export default defineConfig({
  oxc: false,
  plugins: [lowerTypeScript],
  resolve: {
    alias: [
      { find: /^holdfast$/, replacement: here('src/index.ts') },
      { find: /^holdfast\/redis$/, replacement: here('src/stores/redis/index.ts') },
      { find: /^holdfast\/blocking$/, replacement: here('src/layers/blocking/index.ts') },
      { find: /^holdfast\/fence$/, replacement: here('src/fence/index.ts') },
      { find: /^holdfast\/testing$/, replacement: here('src/testing/index.ts') },
      // A worker thread of Node 20 loads no TypeScript: tests use the built worker.
      { find: /^.*\/worker-url\.js$/, replacement: here('test/support/worker-url.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    execArgv: ['--expose-gc'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    dangerouslyIgnoreUnhandledErrors: false,
    reporters: ['default', 'json'],
    outputFile: { json: '.cache/reports/last.json' },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // The worker runs built, in a thread of its own; the tests of the blocking layer cover it from outside.
      exclude: ['src/layers/blocking/worker.ts'],
      reporter: ['text', 'json-summary'],
      reportsDirectory: '.cache/coverage',
      thresholds: { lines: 95 },
    },
  },
})
