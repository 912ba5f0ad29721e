import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runWorld, runWorlds, seeds } from './batch.js'
import { drawOptions, featureSeeds, type Options } from './options.js'

/** Worlds that failed once, made as small as they got; `was` says what was found. */
interface Kept {
  readonly was: string
  readonly options: Options
}

const kept = JSON.parse(readFileSync(new URL('kept.json', import.meta.url), 'utf8')) as Kept[]

describe('the simulator', () => {
  const { stackTraceLimit } = Error
  beforeAll(() => {
    Error.stackTraceLimit = 0 // thousands of errors are made in each world, and nobody reads their stacks
  })
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit
  })

  it('finds nothing in 600 worlds', { timeout: 60_000 }, async () => {
    const failed: unknown[] = []
    let events = 0
    await runWorlds(seeds(1, 600), (outcome) => {
      events += outcome.events
      if (outcome.violation !== undefined) failed.push({ seed: outcome.seed, ...outcome.violation })
    })
    expect(failed).toEqual([])
    expect(events).toBeGreaterThan(60_000)
  })

  it('finds nothing in 200 worlds of cached, once and holds that change hands', { timeout: 60_000 }, async () => {
    const failed: unknown[] = []
    await runWorlds(seeds(featureSeeds + 1, 200), ({ seed, violation }) => {
      if (violation !== undefined) failed.push({ seed, ...violation })
    })
    expect(failed).toEqual([])
  })

  it.each([5_000, featureSeeds + 5_000])(
    'does the same for seeds from %i on, alone and among others',
    { timeout: 60_000 },
    async (first) => {
      const together = new Map<number, number>()
      await runWorlds(seeds(first, 128), ({ seed, hash }) => void together.set(seed, hash))
      for (const options of seeds(first, 128)) {
        expect((await runWorld(options)).hash, `seed ${options.seed}`).toBe(together.get(options.seed))
      }
      expect(new Set(together.values()).size).toBe(128)
    },
  )

  it('writes down what happens without changing it', async () => {
    const options = drawOptions(77)
    const [quiet, told] = [await runWorld(options), await runWorld(options, true)]
    expect(told.hash).toBe(quiet.hash)
    expect(told.lines?.length).toBeGreaterThan(10)
  })

  it.each(kept)('does not find again: $was', async ({ options }) => {
    expect((await runWorld(options)).violation).toBeUndefined()
  })
})
