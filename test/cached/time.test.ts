import { describe, expect, it } from 'vitest'
import { faulty, type VirtualTime, virtualTime, type VirtualTimeOptions } from 'holdfast/testing'
import { latch } from '../features/support/tools.js'
import { rejection } from '../support/world.js'

interface Scene {
  readonly time: VirtualTime
  readonly warnings: string[]
  readonly calls: number[]
  /** Counts its calls; does what `task` says in each. */
  readonly work: () => Promise<number>
  task: (call: number) => unknown
}

function scene(options: Omit<VirtualTimeOptions, 'scope'> = {}): Scene {
  const warnings: string[] = []
  const logger = { warn: (message: string) => void warnings.push(message) }
  const made: Scene = {
    time: virtualTime({ ...options, logger }),
    warnings,
    calls: [],
    work: async () => {
      const call = made.calls.push(made.calls.length + 1)
      await made.task(call)
      return call
    },
    task: () => undefined,
  }
  return made
}

describe('ttl', () => {
  const cases: readonly [
    what: string,
    cacheTtl: '10s' | null | undefined,
    ttl: '1s' | null | undefined,
    lasts: number,
  ][] = [
    ['its own ttl', '10s', '1s', 1_000],
    ['the default of the instance', '10s', undefined, 10_000],
    ['no end by null, whatever the instance says', '10s', null, Infinity],
    ['no end where nobody says anything', undefined, undefined, Infinity],
    ['no end by the instance', null, undefined, Infinity],
    ['its own ttl, where the instance says none', null, '1s', 1_000],
  ]
  it.each(cases)('is %s', async (_, cacheTtl, ttl, lasts) => {
    await using holdfast = virtualTime(cacheTtl === undefined ? {} : { cacheTtl })
    let calls = 0
    const load = holdfast.cached('key', ttl === undefined ? {} : { ttl })(async () => ++calls)
    await load()
    await holdfast.advance(Math.min(lasts, 1e9) - 1)
    expect(await load()).toBe(1)
    await holdfast.advance(2)
    expect(await load()).toBe(lasts === Infinity ? 1 : 2)
  })
})

describe('staleWhileRevalidate', () => {
  it('gives the old value at once, and computes a new one once, in the background', async () => {
    const { time, work, calls } = scene()
    const other = time.another()
    const load = time.cached('key', { ttl: '1s', staleWhileRevalidate: '10s' })(work)
    const loadElsewhere = other.cached('key', { ttl: '1s', staleWhileRevalidate: '10s' })(work)
    await load()
    await time.advance(5_000)
    expect(await Promise.all([load(), load(), loadElsewhere(), load()])).toEqual([1, 1, 1, 1])
    await time.advance(0)
    expect(calls).toEqual([1, 2])
    expect([await load(), await loadElsewhere()]).toEqual([2, 2])
    await other.close()
    await time.close()
  })

  it('does not give it for longer', async () => {
    const { time, work } = scene()
    const load = time.cached('key', { ttl: '1s', staleWhileRevalidate: '10s' })(work)
    await load()
    await time.advance(11_001)
    expect(await load()).toBe(2)
    await time.close()
  })

  it('logs what goes wrong in the background, and tries again with the next call', async () => {
    const made = scene()
    const { time, work, warnings, calls } = made
    const load = time.cached('key', { ttl: '1s', staleWhileRevalidate: '10s' })(work)
    await load()
    await time.advance(2_000)
    made.task = () => Promise.reject(new Error('the database is away'))
    expect(await load()).toBe(1)
    await time.advance(0)
    expect(warnings).toEqual([expect.stringMatching(/^key: .*background.*the database is away/)])
    made.task = () => undefined
    expect(await load()).toBe(1)
    await time.advance(0)
    expect(await load()).toBe(3)
    expect(calls).toEqual([1, 2, 3])
    await time.close()
  })

  it('lets others wait for the one in the background, when the old value is too old', async () => {
    const made = scene()
    const { time, work, calls } = made
    const gate = latch()
    const load = time.cached('key', { ttl: '1s', staleWhileRevalidate: '10s' })(work)
    await load()
    await time.advance(2_000)
    made.task = () => gate.promise
    expect(await load()).toBe(1)
    await time.advance(10_000)
    const late = load()
    gate.open()
    expect(await late).toBe(2)
    expect(calls).toEqual([1, 2])
    await time.close()
  })

  it('waits for another process that computes, when the old value is too old', async () => {
    const made = scene()
    const { time, work, calls } = made
    const other = time.another()
    const gate = latch()
    const options = { ttl: '1s', staleWhileRevalidate: '10s' } as const
    const [load, loadElsewhere] = [time.cached('key', options)(work), other.cached('key', options)(work)]
    await load()
    await time.advance(10_900)
    made.task = () => gate.promise
    expect(await loadElsewhere()).toBe(1)
    expect(await load()).toBe(1) // in the background it finds that another is at it
    await time.advance(200)
    const late = load()
    await time.advance(5_000)
    gate.open()
    await time.advance(5_000)
    expect(await late).toBe(2)
    expect(calls).toEqual([1, 2])
    await other.close()
    await time.close()
  })
})

describe('staleIfError', () => {
  it('gives the old value where computing fails, logs why, and keeps trying', async () => {
    const made = scene()
    const { time, work, warnings, calls } = made
    const load = time.cached('key', { ttl: '1s', staleIfError: '10s' })(work)
    await load()
    await time.advance(2_000)
    made.task = () => Promise.reject(new Error('the database is away'))
    expect([await load(), await load()]).toEqual([1, 1])
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toMatch(/^key: .*the database is away.*stale/)
    made.task = () => undefined
    expect(await load()).toBe(4)
    expect(calls).toHaveLength(4)
    made.task = () => Promise.reject(new Error('the database is away'))
    await time.advance(11_001)
    expect((await rejection(load())).message).toBe('the database is away')
    await time.close()
  })

  it('gives it too where another takes too long to compute', async () => {
    const made = scene()
    const { time, work } = made
    const other = time.another()
    const gate = latch()
    const options = { ttl: '1s', staleIfError: '1h', wait: '3s' } as const
    const load = time.cached('key', options)(work)
    await load()
    await time.advance(2_000)
    made.task = () => gate.promise
    const elsewhere = other.cached('key', options)(work)()
    await time.advance(100)
    const stale = load()
    await time.advance(3_100)
    expect(await stale).toBe(1)
    gate.open()
    await time.advance(100)
    expect(await elsewhere).toBe(2)
    await other.close()
    await time.close()
  })
})

describe('one at a time', () => {
  it('replaces a computer that crashed, when its lease is over', async () => {
    const { time, work, calls } = scene()
    const crashed = { key: 'holdfast:cached:key', owner: 'gone', ttlMs: 5_000, limit: 1, permits: 1, queueMs: 0 }
    time.records.acquire({ ...crashed, holder: { host: 'gone', pid: 1, label: undefined, since: 0 } })
    const load = time.cached('key')(work)
    const value = load()
    await time.advance(4_900)
    expect(calls).toEqual([])
    await time.advance(200)
    expect(await value).toBe(1)
    await time.close()
  })

  it('keeps the lease of a slow one up, whatever its length', async () => {
    const made = scene()
    const { time, work, calls } = made
    const other = time.another()
    const gate = latch()
    made.task = () => gate.promise
    const values = [time, other].map((process) => process.cached('key', { lease: '1s' })(work)())
    await time.advance(60_000)
    expect(calls).toEqual([1])
    gate.open()
    await time.advance(2_000)
    expect(await Promise.all(values)).toEqual([1, 1])
    expect(calls).toEqual([1])
    await other.close()
    await time.close()
  })

  it('never overwrites a newer value with one that was computed before it', async () => {
    const made = scene()
    const { time, work, calls } = made
    const other = time.another()
    const gate = latch()
    made.task = (call) => (call === 1 ? gate.promise : undefined)
    const [load, loadElsewhere] = [
      time.cached('key', { lease: '1s' })(work),
      other.cached('key', { lease: '1s' })(work),
    ]
    const slow = load()
    await time.advance(100)
    time.store.always('renew', { request: 'lost' }) // its lease runs out while it computes
    await time.advance(2_000)
    expect(await loadElsewhere()).toBe(2)
    time.store.heal()
    gate.open()
    await time.advance(6_000)
    expect(await slow).toBe(1)
    expect([await load(), await loadElsewhere()]).toEqual([2, 2])
    expect(calls).toEqual([1, 2])
    await other.close()
    await time.close()
  })

  it('keeps a value though the lease was lost, where nobody was faster', async () => {
    const made = scene()
    const { time, work, calls } = made
    const gate = latch()
    made.task = () => gate.promise
    const load = time.cached('key', { lease: '1s' })(work)
    const slow = load()
    await time.advance(100)
    time.store.always('renew', { request: 'lost' })
    await time.advance(2_000)
    time.store.heal()
    gate.open()
    await time.advance(6_000)
    expect([await slow, await load()]).toEqual([1, 1])
    expect(calls).toEqual([1])
    await time.close()
  })
})

describe('what another process resets is given to nobody who asks after that', () => {
  it('though the one who computed it is still releasing', async () => {
    const { time, work } = scene()
    const other = time.another()
    const load = time.cached('key')(work)
    time.store.next('release', { replyDelayMs: 200 })
    const before = load()
    await time.advance(1)
    await other.cached('key')(work).reset()
    const after = load()
    await time.advance(1_000)
    expect(await Promise.all([before, after])).toEqual([1, 2])
    await other.close()
    await time.close()
  })

  it('though it is on its way to the one who looked for it', async () => {
    const made = scene()
    const { time, work } = made
    const other = time.another()
    const gate = latch()
    made.task = () => gate.promise
    const [load, loadElsewhere] = [time.cached('key')(work), other.cached('key')(work)]
    const elsewhere = loadElsewhere()
    await time.advance(1)
    const before = load() // waits for the lock
    await time.advance(1)
    time.store.next('get', { replyDelayMs: 200 })
    gate.open()
    await time.advance(50)
    await loadElsewhere.reset()
    const after = load()
    await time.advance(1_000)
    expect(await Promise.all([elsewhere, before, after])).toEqual([1, 1, 2])
    await other.close()
    await time.close()
  })
})

describe('a store that fails', () => {
  it.each(['get', 'acquire', 'set'] as const)(
    'at %s does not fail the call, which computes for itself',
    async (operation) => {
      const { time, work, warnings } = scene({ storeTimeout: '1s' })
      const load = time.cached('key')(work)
      time.store.always(operation, { fail: 'not-applied' })
      const values = [load(), load(), load()]
      await time.advance(5_000)
      expect(await Promise.all(values)).toEqual([1, 1, 1])
      expect(warnings.join('\n')).toMatch(new RegExp(`key: .*failed to ${operation}`))
      time.store.heal()
      expect(await load()).toBe(2)
      expect(await load()).toBe(2)
      await time.close()
    },
  )

  it('fails a reset', async () => {
    const { time, work } = scene()
    const load = time.cached('key')(work)
    await load()
    time.store.next('delete', { fail: 'not-applied' })
    expect(await rejection(load.reset())).toMatchObject({
      code: 'STORE_FAILED',
      key: expect.stringContaining('key') as string,
    })
    expect(await load()).toBe(1)
    await time.close()
  })

  it('costs no more than its time limit', async () => {
    const { time, work } = scene({ storeTimeout: '1s' })
    const load = time.cached('key')(work)
    time.store.always('get', { request: 'lost' })
    const value = load()
    await time.advance(1_001)
    expect(await value).toBe(1)
    await time.close()
  })
})

it('leaves no timer and no wait behind', async () => {
  const { time, work } = scene()
  const load = time.cached('key', { ttl: '1s', staleWhileRevalidate: '1s' })(work)
  await Promise.all([load(), load()])
  await time.advance(1_500)
  await load()
  await time.advance(0)
  await time.close()
  expect(time.pendingTimers).toBe(0)
})

it('works on any store that says it keeps values, and on no other', async () => {
  const { createHoldfast, memory } = await import('holdfast')
  const { values: _, ...bare } = faulty(memory())
  await using holdfast = createHoldfast({ store: bare })
  const error = await rejection(holdfast.cached('key')(async () => 1)())
  expect(error).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringMatching(/keeps none/) as string })
})
