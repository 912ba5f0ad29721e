import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where Debian keeps what it does not put on the PATH. */
const debianPostgres = '/usr/lib/postgresql'
const more = ['/usr/sbin', '/usr/local/sbin']

/** The path of a server's program. @throws when it is not installed */
export function binaryOf(name: string): string {
  const versions = existsSync(debianPostgres) ? readdirSync(debianPostgres) : []
  const newestFirst = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(debianPostgres, version, 'bin'))
  const folders = [...newestFirst, ...(process.env['PATH'] ?? '').split(delimiter), ...more]
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`There is no ${name}: run scripts/ensure-servers.mjs, or install it.`)
  return found
}

/** Servers of databases refuse to run as root: then they run as nobody. */
export const unprivileged: { uid?: number; gid?: number } = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
