/**
 * Builds holdfast and the bench into a folder of this run: what is measured is what ships, compiled by tsc, and nobody who
 * builds meanwhile changes it. The folder has the package's name, so `import 'holdfast'` from within it means this build.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build as compile } from 'esbuild'
import { packageJson, root } from './packages.js'

/** What a measured process loads. */
const MEASURED = ['worker.ts', 'library.ts', 'libraries.ts', 'caches.ts', 'harness/stats.ts']
const MEASURED_FOLDERS = ['adapters', 'child']

export interface Build {
  /** The program of a measured process. */
  readonly worker: string
  remove(): void
}

export async function build(): Promise<Build> {
  const folder = join(root, '.cache', 'bench', String(process.pid))
  mkdirSync(folder, { recursive: true })
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  const { name, type, exports } = packageJson('.')
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, type, exports }))
  const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json', '--outDir', join(folder, 'dist')]
  execFileSync(process.execPath, tsc, { cwd: root, stdio: ['ignore', process.stderr, process.stderr] })
  await compile({
    entryPoints: measuredFiles(),
    outdir: join(folder, 'bench'),
    outbase: join(root, 'bench'),
    format: 'esm',
    target: 'node20',
  })
  return { worker: join(folder, 'bench', 'worker.js'), remove }
}

function measuredFiles(): string[] {
  const inFolders = MEASURED_FOLDERS.flatMap((folder) =>
    readdirSync(join(root, 'bench', folder)).map((name) => `${folder}/${name}`),
  )
  const files = [...MEASURED, ...inFolders].filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  return files.map((name) => join(root, 'bench', name))
}
