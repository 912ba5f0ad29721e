import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The wall clock of processes that are started with `env`. */
export interface MovableClock {
  readonly env: Readonly<Record<string, string>>
  /** Puts it so far ahead of (or, negative, behind) the real one, for running processes too. */
  setMs(offsetMs: number): void
  remove(): void
}

/** A text instead says why there is none. */
export function movableClock(): MovableClock | string {
  shim ??= compiled()
  if (typeof shim === 'string') return shim
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-clock-'))
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true })
    process.off('exit', remove)
  }
  process.once('exit', remove)
  const path = join(folder, 'offset')
  writeFileSync(path, Buffer.alloc(8))
  return {
    env: { LD_PRELOAD: shim.path, CLOCK_OFFSET: path },
    setMs(offsetMs) {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64LE(BigInt(Math.round(offsetMs)) * 1_000_000n)
      // in place: the running process has it mapped
      const file = openSync(path, 'r+')
      writeSync(file, bytes, 0, 8, 0)
      closeSync(file)
    },
    remove,
  }
}

/** Once for all: the compiler holds this process up. */
let shim: { readonly path: string } | string | undefined

function compiled(): { readonly path: string } | string {
  if (process.platform !== 'linux') return 'a clock can be moved on Linux only'
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-clock-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  const path = join(folder, 'shim.so')
  const source = fileURLToPath(new URL('shim.c', sourceFolder))
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', path, source], { stdio: 'pipe' })
  } catch (error) {
    remove()
    return `gcc could not compile the shim of the clock: ${error instanceof Error ? error.message : String(error)}`
  }
  return { path }
}

const sourceFolder = import.meta.url
