import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const source = fileURLToPath(new URL('clock-shim.c', import.meta.url))

/** The wall clock of a server, which a test can step. Servers written in Go do not heed it. */
export interface SteppedClock {
  /** For the environment of the server. */
  readonly env: Readonly<Record<string, string>>
  /** From now on it is `ms` ahead of the real one, or behind when negative. */
  set(ms: number): Promise<void>
  remove(): Promise<void>
}

/** Needs a C compiler. */
export async function steppedClock(): Promise<SteppedClock> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-clock-'))
  const library = join(folder, 'clock.so')
  const offsets = join(folder, 'offset')
  try {
    await promisify(execFile)('gcc', ['-shared', '-fPIC', '-O2', '-o', library, source])
  } catch (error) {
    await rm(folder, { recursive: true })
    throw new Error('The clock of a server is stepped by a small C library: is gcc on the PATH?', { cause: error })
  }
  const set = async (ms: number): Promise<void> => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(Math.round(ms)) * 1_000_000n)
    await writeFile(offsets, bytes, { flag: 'r+' })
  }
  await writeFile(offsets, Buffer.alloc(8))
  return {
    env: { LD_PRELOAD: library, CLOCK_OFFSET_FILE: offsets },
    set,
    remove: () => rm(folder, { recursive: true }),
  }
}
