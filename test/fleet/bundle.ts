/** Bundles programs of tests with src/, so that a fresh process runs them without a loader, and nobody who builds meanwhile changes them. */
import { mkdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
let bundles = 0

/** The programs (paths from the project's folder, such as 'test/chaos/client.ts') as JavaScript files, by their names without ending. */
export async function bundle(programs: readonly string[]): Promise<{ pathOf(name: string): string; remove(): void }> {
  // within the project: what is left out of the bundle is found in node_modules
  const folder = join(root, '.cache', 'fleet', `${process.pid}-${bundles++}`)
  mkdirSync(folder, { recursive: true })
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  await build({
    entryPoints: programs.map((program) => join(root, program)),
    outdir: folder,
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    tsconfig: join(root, 'tsconfig.check.json'),
    sourcemap: 'inline',
    logLevel: 'warning',
  })
  return { pathOf: (name) => join(folder, `${basename(name)}.mjs`), remove }
}
