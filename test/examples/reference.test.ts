import { randomUUID } from 'node:crypto'
import { describe, expect, inject, it } from 'vitest'
import { djangoToolkit, documented, type Documented, firstSteps, says } from './documented.js'
import { type Ran, runExample } from './run-example.js'

const stores = [
  ['memory', 'memory:'],
  ['Redis', inject('redisUrl')],
] as const

describe.each(stores)('the programs of the reference documents, on %s', (_, store) => {
  const run = (name: string): Promise<Ran> =>
    runExample(name, { HOLDFAST_EXAMPLE_STORE: store, HOLDFAST_EXAMPLE_PREFIX: `${randomUUID()}:` })

  it.concurrent('first-steps prints what its document says, sync and async from one lock', async () => {
    expectDocumented(await run('first-steps'), firstSteps)
  })

  const variants = Object.entries(documented).flatMap(([name, document]) => [
    { name, document },
    { name: `${name}-sync`, document },
  ])
  it.concurrent.each(variants)('$name prints what its document says', async ({ name, document }) => {
    expectDocumented(await run(name), document)
  })

  const django = ['local-lock', 'cache-lock', 'cache-lock-sync']
  it.concurrent.each(django)('%s does what its document says', async (name) => {
    const { code, lines } = await run(name)
    expect(lines).toEqual(djangoToolkit[name.replace(/-sync$/, '')])
    expect(code).toBe(0)
  })
})

function expectDocumented({ code, lines }: Ran, { lines: wanted, ours = [], throws }: Documented): void {
  const text = lines.join('\n')
  for (const begin of ours)
    expect(
      lines.filter((line) => line.startsWith(begin)),
      text,
    ).toHaveLength(1)
  const said = lines.filter((line) => !ours.some((begin) => line.startsWith(begin)))
  const shown = throws === undefined ? said : said.slice(0, wanted.length)
  expect(
    shown.map((line, index) => (says(line, wanted[index] ?? '') ? wanted[index] : line)),
    text,
  ).toEqual(wanted)
  if (throws === undefined) {
    expect(code, text).toBe(0)
  } else {
    const thrown = said.slice(wanted.length).find((line) => line.startsWith('LockedError: ')) ?? ''
    expect(says(thrown.slice('LockedError: '.length), throws), text).toBe(true)
    expect(code, text).toBe(1)
  }
}

describe('the comparison with the documents', () => {
  it.each([
    ['Is it: true', 'Is it: True', true],
    ['Is it: false', 'Is it: True', false],
    ['a is already locked: held by pid 1', 'a is already locked!', true],
    ['b is already locked: held by pid 1', 'a is already locked!', false],
    ['other', 'same', false],
  ])('%j against %j: %s', (ours, theirs, same) => {
    expect(says(ours, theirs)).toBe(same)
  })
})
