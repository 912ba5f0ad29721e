import { InvalidOptionError } from 'holdfast'
import { type FaultKind, type Scenario, simulate, SimulationError, type SimulationOptions } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'

/** Takes one from the stock, in several ways. */
const naive: Scenario = async ({ lock, resource, sleep }) => {
  const stock = resource('stock', 10)
  await lock('stock', { wait: '1h' }).run(async () => {
    const left = await stock.read()
    await sleep('50ms')
    await stock.write(left - 1)
  })
}
const asserting: Scenario = async ({ lock, resource, sleep }) => {
  const stock = resource('stock', 10)
  await lock('stock', { wait: '1h' }).run(async (lease) => {
    const left = await stock.read()
    await sleep('50ms')
    lease.assertActive()
    await stock.write(left - 1)
  })
}
const fenced: Scenario = async ({ lock, resource, sleep }) => {
  const stock = resource('stock', 10)
  await lock('stock', { wait: '1h' }).run(async (lease) => {
    const left = await stock.read(lease.token)
    await sleep('50ms')
    await stock.write(left - 1, lease.token)
  })
}
const fencedWritesOnly: Scenario = async ({ lock, resource, sleep }) => {
  const stock = resource('stock', 10)
  await lock('stock', { wait: '1h' }).run(async (lease) => {
    const left = await stock.read()
    await sleep('50ms')
    await stock.write(left - 1, lease.token)
  })
}
const readsTooEarly: Scenario = async ({ lock, resource }) => {
  const stock = resource('stock', 10)
  const left = await stock.read()
  await lock('stock', { wait: '1h' }).run(() => stock.write(left - 1))
}
const doesNotAwait: Scenario = async ({ lock, resource, sleep }) => {
  const stock = resource('stock', 10)
  const take = async (): Promise<void> => {
    const left = await stock.read()
    await sleep('50ms')
    await stock.write(left - 1)
  }
  await lock('stock', { wait: '1h' }).run(() => void take())
}
const writesTwice: Scenario = async ({ lock, resource, sleep, name }) => {
  const file = resource('file', '')
  await lock('file', { wait: '1h' }).run(async () => {
    await file.write(`${name}, first half`)
    await sleep('50ms')
    await file.write(`${name}, both halves`)
  })
}
const withoutLock: Scenario = async ({ resource, sleep }) => {
  const stock = resource('stock', 10)
  const left = await stock.read()
  await sleep('50ms')
  await stock.write(left - 1)
}

const all = ['pause', 'late-write', 'lost-lease', 'store-restart', 'silent-store'] as const

describe('a simulation finds the stale write of a section that', () => {
  it.each<[string, Scenario, readonly FaultKind[]]>([
    ['does not check its lease, when its process is stopped', naive, ['pause']],
    ['does not check its lease, when the store does not answer', naive, ['silent-store']],
    ['writes in several steps', writesTwice, ['pause']],
    ['checks, when a pause fits between the check and the write', asserting, ['late-write']],
    ['checks, when the store forgets', asserting, ['lost-lease']],
    ['checks, when the store restarts', asserting, ['store-restart']],
    ['sends its token with the write, and not with what it is based on', fencedWritesOnly, ['pause']],
    ['reads before it holds the lock', readsTooEarly, []],
    ['does not wait for its own end', doesNotAwait, []],
    ['has no lock', withoutLock, []],
  ])('%s', async (_, scenario, faults) => {
    const error = await failure(scenario, { seeds: 300, faults })
    expect(error.staleWrite).toBeDefined()
    expect(error.faults).toEqual(faults)
  })
})

describe('a simulation passes a section that', () => {
  it.each<[string, Scenario, readonly FaultKind[]]>([
    ['holds a lock, when nothing goes wrong', naive, []],
    ['checks its lease, against pauses', asserting, ['pause']],
    ['checks its lease, against a silent store', asserting, ['silent-store']],
    ['checks tokens, against everything', fenced, all],
  ])('%s', async (_, scenario, faults) => {
    const report = await simulate(scenario, { seeds: 300, faults })
    expect(report).toMatchObject({ seeds: 300, finished: expect.any(Number) as number })
    expect(report.finished + report.gaveUp).toBe(300 * 3 * 2)
    expect(report.finished).toBeGreaterThan(300)
    // a simulator that does nothing passes everything
    for (const kind of all) {
      if (faults.includes(kind)) expect(report.faults[kind]).toBeGreaterThan(50)
      else expect(report.faults[kind]).toBe(0)
    }
  })
})

describe('a seed that fails', () => {
  it('names itself, the write and the steps, and is told how to run it again', async () => {
    const error = await failure(naive, { seeds: 300, faults: ['pause'] })
    expect(error.message).toMatch(/^Seed \d+: a stale write to stock by worker \d: it .*assertActive/)
    expect(error.message).toContain(`simulate(scenario, { seeds: [${String(error.seed)}], faults: ['pause'] })`)
    expect(error.message).toMatch(/worker \d {3}acquires 'stock', token \d+/)
    expect(error.message).toMatch(/worker \d {3}is stopped for [\d,]+ ms/)
    expect(error.steps.at(-1)).toMatchObject({
      who: error.staleWrite?.worker,
      what: expect.stringMatching(/^writes stock: \d/) as string,
    })
  })

  it('fails in the very same way when it is run again', async () => {
    const first = await failure(asserting, { seeds: 300 })
    const again = await failure(asserting, { seeds: [first.seed], faults: first.faults })
    expect(again.message).toBe(first.message)
    expect(again.steps).toEqual(first.steps)
  })

  it('is told with the fewest kinds of faults that it takes', async () => {
    expect((await failure(readsTooEarly, { seeds: 10 })).faults).toEqual([])
  })

  it('may fail by its check, with the values of the resources', async () => {
    const check: SimulationOptions['check'] = ({ stock }) => expect(stock).toBe(10 - 3 * 2)
    await simulate(fenced, { seeds: 20, faults: [], check })
    const error = await failure(fenced, { seeds: 20, check }) // some give up
    expect(error.staleWrite).toBeUndefined()
    expect(error.cause).toMatchObject({ name: 'AssertionError' })
  })

  it('may fail by an error of the scenario', async () => {
    const broken = new TypeError('stock is undefined')
    const error = await failure(() => Promise.reject(broken), { seeds: 1 })
    expect(error.cause).toBe(broken)
  })
})

describe('a simulation', () => {
  it('gives the same seed the same run, whatever ran before', async () => {
    const trace = async (seeds: readonly number[]): Promise<unknown[]> => {
      const seen: unknown[] = []
      await simulate(
        async (worker) => {
          await fenced(worker).finally(() => seen.push([worker.name, worker.round, worker.random()]))
        },
        { seeds },
      )
      return seen
    }
    const alone = await trace([5])
    expect(await trace([5])).toEqual(alone)
    expect((await trace([4, 5])).slice(-alone.length)).toEqual(alone)
    expect(await trace([6])).not.toEqual(alone)
  })

  it('copies values: changing what was read writes nothing', async () => {
    await simulate(
      async ({ lock, resource }) => {
        const list = resource<number[]>('list', [])
        await lock('list', { wait: '1h' }).run(async (lease) => {
          const items = await list.read(lease.token)
          items.push(1)
          expect(await list.read(lease.token)).toHaveLength(items.length - 1)
          await list.write(items, lease.token)
        })
      },
      { seeds: 10, faults: [] },
    )
  })

  it('says so when it tested nothing', async () => {
    await expect(simulate(() => Promise.resolve(), { seeds: 3 })).rejects.toThrow(/nothing was tested/)
  })

  it('says so when the scenario depends on what is not simulated', async () => {
    let runs = 0
    const moody: SimulationOptions['check'] = () => expect(runs++).toBeGreaterThan(0)
    await expect(simulate(fenced, { seeds: 1, faults: [], check: moody })).rejects.toThrow(
      /did not when it was run again/,
    )
  })

  it('says so when the scenario waits for what is not simulated', async () => {
    const stuck: Scenario = () => new Promise(() => undefined)
    await expect(simulate(stuck, { seeds: 1 })).rejects.toThrow(/3 of 3 workers did not finish/)
  })

  it.each<SimulationOptions>([
    { seeds: 0 },
    { seeds: [] },
    { seeds: [1.5] },
    { workers: 0 },
    { rounds: -1 },
    { faults: ['flood' as FaultKind] },
  ])('refuses %j', async (options) => {
    await expect(simulate(naive, options)).rejects.toBeInstanceOf(InvalidOptionError)
  })

  it('runs a thousand seeds in seconds', async () => {
    const startMs = performance.now()
    await simulate(fenced, { seeds: 1000 })
    expect(performance.now() - startMs).toBeLessThan(15_000)
  })
})

async function failure(scenario: Scenario, options: SimulationOptions): Promise<SimulationError> {
  const error: unknown = await simulate(scenario, options).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof SimulationError) return error
  throw new Error('the simulation did not fail as it should', { cause: error })
}
