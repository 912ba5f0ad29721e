import type { KeyPage } from '../../core/store.js'
import type { Driver } from './client.js'
import { badReply } from './failure.js'
import { isAuxKey } from './keys.js'

export interface ListOptions {
  readonly prefix: string
  readonly limit: number
  /** `node:cursor`: which of the Cluster's servers, and how far it was read. */
  readonly cursor: string | undefined
}

/** Keys with this prefix by SCAN, one server after the other. Goes on while it finds little, for `maxSteps` round trips at most. */
export async function listKeys(driver: Driver, { prefix, limit, cursor }: ListOptions): Promise<KeyPage> {
  const scanners = await driver.scanners()
  if (scanners.length === 0) throw new Error('no node of the cluster is known yet')
  const pattern = `${escapeGlob(driver.keyPrefix + prefix)}*`
  let count = limit
  const found = new Set<string>()
  let [node, at] = readCursor(cursor)
  for (let step = 0; step < maxSteps && found.size < limit; step++) {
    const scan = scanners[node]
    if (scan === undefined) break
    const page = await scan(at, pattern, count)
    if (!/^\d{1,20}$/.test(page.cursor) || !isTexts(page.keys)) throw badReply('list')
    for (const name of page.keys) {
      const key = name.slice(driver.keyPrefix.length)
      if (!isAuxKey(key, driver.keyPrefix)) found.add(key)
    }
    // Where few keys match, wider steps find them without more round trips.
    count = page.keys.length === 0 ? Math.min(count * 2, maxCount) : limit
    at = page.cursor
    if (at === '0') node++
  }
  return { keys: [...found], cursor: node < scanners.length ? `${node}:${at}` : undefined }
}

const maxCount = 1_000
const maxSteps = 20

/** What the client says is one thing, what the server said another. */
function isTexts(keys: unknown): boolean {
  return Array.isArray(keys) && keys.every((key) => typeof key === 'string')
}

function readCursor(cursor: string | undefined): [node: number, at: string] {
  const [node, at] = /^(\d{1,5}):(\d{1,20})$/.exec(cursor ?? '0:0')?.slice(1) ?? []
  return [Number(node ?? 0), at ?? '0']
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&')
}
