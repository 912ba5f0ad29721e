import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

export interface Ran {
  readonly code: number | null
  /** Everything it printed, in order: its output and its error output as a terminal shows them. */
  readonly lines: readonly string[]
  readonly tookMs: number
}

/** Runs `examples/<name>.ts` as a user does: in a process of its own, on the built package. */
export async function runExample(name: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  if (!existsSync(join(root, 'dist/index.js'))) throw new Error('There is no dist/: run `npm run build` first.')
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-example-'))
  const output = await open(join(folder, 'output'), 'a')
  try {
    const startMs = performance.now()
    const child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}.ts`], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', output.fd, output.fd],
      timeout: 30_000,
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    const text = await readFile(join(folder, 'output'), 'utf8')
    return { code, lines: text.trimEnd().split('\n'), tookMs: performance.now() - startMs }
  } finally {
    await output.close()
    await rm(folder, { recursive: true, force: true })
  }
}
