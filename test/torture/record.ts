/** What was measured stays until it is measured again, so that a table can be made in parts. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Case } from './rig.js'
import type { Column, Result } from './run.js'

const PATH = '.cache/torture/results.json'

interface Entry {
  readonly case: string
  readonly library: string
  readonly version: string
  readonly pass?: boolean
  readonly reason: string
}

/** Puts new results in the place of old ones. */
export function remember(results: readonly Result[]): void {
  const fresh = results.map(entryOf)
  const kept = read().filter((old) => !fresh.some((entry) => isSame(old, entry)))
  mkdirSync(dirname(PATH), { recursive: true })
  writeFileSync(PATH, JSON.stringify([...kept, ...fresh], null, 1))
}

/** All results of these cases and versions; undefined: some are missing. */
export function remembered(cases: readonly Case[], columns: readonly Column[]): Result[] | undefined {
  const entries = read()
  const results: Result[] = []
  for (const one of cases) {
    for (const column of columns) {
      const wanted = { case: one.id, library: column.name }
      const entry = entries.find((entry) => isSame(entry, wanted) && entry.version === column.version)
      if (entry === undefined) return undefined
      results.push({ case: one, column, pass: entry.pass, reason: entry.reason })
    }
  }
  return results
}

function isSame(a: Pick<Entry, 'case' | 'library'>, b: Pick<Entry, 'case' | 'library'>): boolean {
  return a.case === b.case && a.library === b.library
}

function entryOf({ case: one, column, pass, reason }: Result): Entry {
  return { case: one.id, library: column.name, version: column.version, ...(pass !== undefined && { pass }), reason }
}

function read(): Entry[] {
  try {
    return JSON.parse(readFileSync(PATH, 'utf8')) as Entry[]
  } catch {
    return [] // nothing was measured yet
  }
}
