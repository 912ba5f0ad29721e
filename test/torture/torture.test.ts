/** Every case of the torture table, on holdfast. The table with all libraries: `npm run torture`. */
import { beforeAll, describe, expect, test } from 'vitest'
import { cases, columns, NOT_HERE, type Result, runTorture } from './run.js'

const AT_ONCE = 6

describe('holdfast', () => {
  let results: readonly Result[]
  beforeAll(async () => {
    const ours = columns.filter(({ name }) => name === 'holdfast')
    results = await runTorture({ columns: ours, cases, atOnce: AT_ONCE })
  }, 900_000)

  test.each(cases.map(({ title, expected, id }) => [title, expected, id]))('%s: %s', (_title, _expected, id) => {
    const result = results.find((one) => one.case.id === id)
    if (result?.reason.startsWith(NOT_HERE)) console.log(`not tried: ${id}, ${result.reason}`)
    else expect(result?.pass, result?.reason).toBe(true)
  })
})
