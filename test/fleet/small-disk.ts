import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A small disk at a folder. */
export interface SmallDisk {
  /** Takes all that is free. */
  fill(): void
  /** Gives it back. */
  clear(): void
  remove(): void
}

/** Mounts a disk in memory at `folder`; a text instead says why that cannot be done. */
export function smallDisk(folder: string, megabytes: number): SmallDisk | string {
  if (process.getuid?.() !== 0) return 'only root may mount a small disk'
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'holdfast-test', folder], { stdio: 'pipe' })
  } catch (error) {
    return `a small disk could not be mounted: ${error instanceof Error ? error.message.trim() : String(error)}`
  }
  const filler = join(folder, 'filler')
  const clear = (): void => rmSync(filler, { force: true })
  let mounted = true
  const remove = (): void => {
    if (mounted) execFileSync('umount', ['-l', folder], { stdio: 'pipe' })
    mounted = false
    process.off('exit', remove)
  }
  process.once('exit', remove)
  return {
    fill() {
      const { bavail, bsize } = statfsSync(folder)
      try {
        writeFileSync(filler, Buffer.alloc(bavail * bsize))
      } catch (error) {
        // who else writes there may have taken the last of it meanwhile
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      }
    },
    clear,
    remove,
  }
}
