import { readdirSync, readFileSync } from 'node:fs'
import { type Capabilities, memory } from 'holdfast'
import { blocking } from 'holdfast/blocking'
import { redis } from 'holdfast/redis'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/guarantees.md', root), 'utf8')
const url = 'redis://localhost:6379' // never connected to

/** What the stores say of themselves, by the heading of their column. */
const declared: Readonly<Record<string, Capabilities>> = {
  memory: memory().capabilities,
  redis: redis(url).capabilities,
  'blocking over redis': blocking(url).capabilities,
}

describe('docs/guarantees.md', () => {
  const [header = [], ...rows] = tableAfter('## What each store can do')

  it('has a column for each store', () => {
    expect(header.slice(1)).toEqual(Object.keys(declared))
    const rooms = ['src/stores', 'src/layers'].flatMap((room) => readdirSync(new URL(room, root)))
    const missing = rooms.filter((name) => !header.some((heading) => heading.startsWith(name.replace(/\.ts$/, ''))))
    expect(missing).toEqual([])
  })

  it.each(header.slice(1))('says of %s what the store declares', (name) => {
    const column = header.indexOf(name)
    const said = Object.fromEntries(rows.map((row) => [row[0] ?? '', row[column]]))
    const shown = Object.entries<unknown>({ ...declared[name] }).map(([capability, value]) => [capability, show(value)])
    expect(said).toEqual(Object.fromEntries(shown))
  })

  const claims = [...page.matchAll(/\*\[([^\]]+)\]\(\.\.\/([^)]+)\)\*/g)].map(([, title = '', path = '']) => ({
    title,
    path,
  }))

  it('names tests', () => {
    expect(claims.length).toBeGreaterThan(30)
  })

  it.each(claims)('names a test that exists: $title', ({ title, path }) => {
    const source = readFileSync(new URL(path, root), 'utf8')
    expect(source).toContain(`'${title.replaceAll("'", "\\'")}`)
  })

  it('names a test for each of its promises', () => {
    const promises = page.split(/^(?=\*\*E\d\.|\d+\. \*\*)/m).slice(1)
    const unproved = promises.filter((text) => !text.includes('*[') && !text.startsWith('**E3.'))
    expect(unproved).toEqual([])
  })
})

/** The cells of the first table after a heading, its line of dashes left out. */
function tableAfter(heading: string): string[][] {
  const lines = page.slice(page.indexOf(heading)).split('\n')
  const start = lines.findIndex((line) => line.startsWith('|'))
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'))
  return lines
    .slice(start, start + length)
    .filter((line) => !/^[|\s-]+$/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

function show(value: unknown): string {
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)
}
