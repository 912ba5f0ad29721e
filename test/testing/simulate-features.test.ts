import type { Lease } from 'holdfast'
import { type FaultKind, type Scenario, simulate, type SimulatedWorker } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'

const seeds = 100
/** Where the store forgets who holds, nobody can be kept out: that is what tokens are for. */
const honest: FaultKind[] = ['pause', 'late-write', 'silent-store']
const ttlMs = 10_000

/** Fails as soon as more than `most` believe that they hold. */
class Inside {
  readonly #most: number
  readonly #leases = new Set<Lease>()
  mostSeen = 0

  constructor(most: number) {
    this.#most = most
  }

  async stay(lease: Lease, { sleep, random }: SimulatedWorker): Promise<void> {
    this.#leases.add(lease)
    for (let step = 0; step < 3; step++) {
      this.#look()
      await sleep(Math.ceil(100 * random()))
    }
    this.#look()
    this.#leases.delete(lease)
  }

  #look(): void {
    const holding = [...this.#leases].filter(({ active }) => active).length
    this.mostSeen = Math.max(this.mostSeen, holding)
    if (holding > this.#most) throw new Error(`${holding} hold at once, and there is room for ${this.#most}`)
  }
}

/** Each seed with a state of its own. */
async function eachSeed<T>(make: () => T, scenario: (state: T) => Scenario, faults: FaultKind[]): Promise<T[]> {
  const states: T[] = []
  let finished = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const state = make()
    states.push(state)
    const settings = { seeds: [seed], faults, ttl: ttlMs, workers: 4, rounds: 3, check: () => undefined }
    const report = await simulate(scenario(state), settings)
    finished += report.finished
  }
  expect(finished).toBeGreaterThan(seeds * 4) // most of twelve rounds in each
  return states
}

describe('in simulated processes', () => {
  it('no more hold a pool than it has permits, and as many do', async () => {
    const scenario =
      (inside: Inside): Scenario =>
      async (worker) => {
        await worker.pool('api', { max: 2, wait: '1h' }).run((lease) => inside.stay(lease, worker))
      }
    const seen = await eachSeed(() => new Inside(2), scenario, honest)
    expect(Math.max(...seen.map(({ mostSeen }) => mostSeen))).toBe(2)
  })

  it('no more hold a pool than it has permits while it is resized, as soon as so many have ended', async () => {
    const scenario =
      (inside: Inside): Scenario =>
      async (worker) => {
        const api = worker.pool('api', { max: 2, wait: '1h' })
        if (worker.random() < 0.3) await api.resize(worker.random() < 0.5 ? 2 : 3)
        await api.run((lease) => inside.stay(lease, worker))
      }
    const seen = await eachSeed(() => new Inside(3), scenario, honest)
    expect(Math.max(...seen.map(({ mostSeen }) => mostSeen))).toBe(3)
  })

  it('what runs once is running once at a time', async () => {
    const scenario =
      (inside: Inside): Scenario =>
      async (worker) => {
        await worker.once('report').run((lease) => inside.stay(lease, worker))
      }
    const seen = await eachSeed(() => new Inside(1), scenario, honest)
    expect(Math.max(...seen.map(({ mostSeen }) => mostSeen))).toBe(1)
  })

  it('what is cached is computed by one at a time', async () => {
    interface Computing {
      now: number
      times: number
    }
    const scenario =
      (state: Computing): Scenario =>
      async ({ cached, sleep, random }) => {
        const load = cached('report', { ttl: '150ms' })(async () => {
          state.times++
          if (++state.now > 1) throw new Error('two compute at once')
          await sleep(100)
          state.now--
          return state.times
        })
        await Promise.all([load(), load()])
        await sleep(Math.ceil(100 * random()))
        await load()
      }
    const seen = await eachSeed((): Computing => ({ now: 0, times: 0 }), scenario, [])
    expect(Math.max(...seen.map(({ times }) => times))).toBeGreaterThan(2)
    expect(Math.min(...seen.map(({ times }) => times))).toBeLessThan(24) // calls of one seed: 36
  })

  it('what is cached is never older than the last reset, however late a computation comes', async () => {
    interface Source {
      version: number
      /** What has been reset. */
      least: number
      computed: number
    }
    const scenario =
      (source: Source): Scenario =>
      async ({ cached, sleep, random }) => {
        const load = cached('report', { ttl: '1h' })(async () => {
          const { version } = source
          source.computed++
          await sleep(50)
          return version
        })
        if (random() < 0.4) {
          const version = ++source.version
          await load.reset()
          source.least = Math.max(source.least, version)
        }
        for (let call = 0; call < 2; call++) {
          const { least } = source
          for (const version of await Promise.all([load(), load()])) {
            if (version < least) throw new Error(`version ${version}, and ${least} has been reset`)
          }
          await sleep(Math.ceil(50 * random()))
        }
      }
    const seen = await eachSeed((): Source => ({ version: 0, least: 0, computed: 0 }), scenario, honest)
    expect(Math.max(...seen.map(({ computed }) => computed))).toBeGreaterThan(2)
  })
})
