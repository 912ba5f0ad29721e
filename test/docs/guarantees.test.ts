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
    const shown = Object.entries<unknown>({ adopts: false, ...declared[name] }).map(([capability, value]) => [
      capability,
      show(value),
    ])
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
    expect(source(path)).toContain(`'${title.replaceAll("'", "\\'")}`)
  })

  it('names a test for each of its promises', () => {
    const promises = page.split(/^(?=\*\*[A-Z]\d\.|\d+\. \*\*)/m).slice(1)
    expect(promises.map((text) => /^\*\*([A-Z]\d)\./.exec(text)?.[1]).filter(Boolean)).toEqual([
      'E1',
      'E2',
      'E3',
      'F1',
      'F2',
      'O1',
      'O2',
      'O3',
      'O4',
      'O5',
      'L1',
      'L2',
      'L3',
      'L4',
      'H1',
    ])
    expect(promises.filter((text) => !text.includes('*['))).toEqual([])
  })
})

describe('the table of what breaks, in docs/guarantees.md', () => {
  const [header = [], ...rows] = tableAfter('## When something breaks')
  const cells = rows.flatMap(([store = '', ...row]) =>
    row.map((text, index) => ({ at: `${store} × ${header[index + 1] ?? ''}`, text, links: linksOf(text) })),
  )
  const cellOf = (row: readonly string[], heading: string): string => row[header.indexOf(heading)] ?? ''

  it('has rows for each store', () => {
    const missing = Object.keys(declared).filter((name) => !rows.some(([store = '']) => store.startsWith(name)))
    expect(missing).toEqual([])
    expect(rows.filter((row) => row.length !== header.length)).toEqual([])
  })

  it.each(cells)('$at: says promised, not promised, or on what condition', ({ text }) => {
    expect(text).toMatch(/^(–$|promised\b|not promised: \S|if \S|as (the redis behind it|its failover)$)/)
  })

  const claimed = cells.filter(({ text }) => !/^(–|as )/.test(text))

  it.each(claimed)('$at: names tests that exist', ({ links }) => {
    expect(links.length).toBeGreaterThan(0)
    for (const { path, title } of links) expect(source(path)).toContain(`'${title}'`)
  })

  const broken = claimed.filter(({ text }) => text.startsWith('not promised'))

  it.each(broken)('$at: a test shows what is not promised, and that a check of tokens helps', ({ links }) => {
    const shown = links.filter(({ word }) => word === 'shown')
    expect(shown.length).toBeGreaterThan(0)
    for (const { path } of shown) expect(source(path)).toMatch(/expectTwoHoldersAndAFence|FencedValue/)
  })

  it.each(rows)('%s: agrees with what its store declares', (store, ...rest) => {
    const row = [store, ...rest]
    const name = Object.keys(declared).find((known) => store.startsWith(known)) ?? ''
    const { crashRelease, fair, token, scope, consistency } = declared[name] ?? fail(store)
    expect(cellOf(row, 'freed when its holder dies')).toMatch(
      crashRelease === 'instant' ? /^promised, at once/ : /^promised, after its `ttl`/,
    )
    expect(cellOf(row, 'first come, first served')).toMatch(fair ? /^(promised|if )/ : /^not promised/)
    const tokens = { durable: /^promised/, clock: /^(if .*clock|as )/, none: /^not promised/ }
    expect(cellOf(row, 'tokens grow through restarts')).toMatch(tokens[token])
    if (scope === 'process') expect(cellOf(row, 'partition')).toBe('–')
    if (consistency === 'single-node') expect(cellOf(row, 'failover')).toMatch(/^(–$|not promised|as )/)
  })
})

function fail(store: string): never {
  throw new Error(`${store}: no store of this name is declared`)
}

/** `[word](path "title")`, as the cells name their tests. */
function linksOf(cell: string): { word: string; path: string; title: string }[] {
  const links = cell.matchAll(/\[(\w+)\]\(\.\.\/([^) ]+) "([^"]+)"\)/g)
  return [...links].map(([, word = '', path = '', title = '']) => ({ word, path, title }))
}

function source(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

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
