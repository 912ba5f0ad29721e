import { cpus, totalmem, type } from 'node:os'

/** What was measured on, in one line. */
export function machine(redisVersion: string | undefined): string {
  const [first, ...others] = cpus()
  const parts = [
    `${String(others.length + 1)} × ${first?.model.trim() ?? 'unknown'}`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    type(),
    `Node.js ${process.versions.node}`,
    ...(redisVersion === undefined ? [] : [`Redis ${redisVersion} over loopback`]),
  ]
  return parts.join(', ')
}
