import { describe, expect, it } from 'vitest'
import type { Holdfast, Lease, Lock } from 'holdfast'
import { type Fault, type VirtualTime, virtualTime } from 'holdfast/testing'
import { Random } from '../simulation/random.js'
import { rejection, world } from '../support/world.js'

describe('a hold that is handed over', () => {
  it('is renewed first, so that a whole ttl is left to adopt it, and renewed by nobody until then', async () => {
    const { time, holdfast, other, store } = world()
    const lease = await holdfast.lock('a', { ttl: '30s' }).acquire()
    await time.advance(9_000)
    const exported = await lease.export()
    const renewals = store.calls.filter(({ operation }) => operation === 'renew').length
    await time.advance(29_000)
    expect(store.calls.filter(({ operation }) => operation === 'renew')).toHaveLength(renewals)
    const adopted = await other().lock('a').adopt(exported)
    await time.advance(300_000)
    expect(adopted.active).toBe(true)
  })

  it('comes free when nobody adopts it within its ttl, and cannot be adopted then', async () => {
    const { time, holdfast, other, records } = world()
    const exported = await (await holdfast.lock('a', { ttl: '10s' }).acquire()).export()
    await time.advance(10_100)
    expect(records.inspect('holdfast:a')).toBeUndefined()
    expect(await rejection(other().lock('a').adopt(exported))).toMatchObject({ code: 'LOCK_LOST', key: 'a' })
  })

  it('comes free in memory too, where a hold has no end of its own', async () => {
    const time = virtualTime({ scope: 'process' })
    const lease = time.lock('a').acquireSync()
    const exported = lease.export()
    await time.advance(29_000)
    const adopted = time.another().lock('a').adoptSync(exported)
    await time.advance(300_000)
    expect(adopted.active).toBe(true)
    const again = adopted.export()
    await time.advance(31_000)
    expect(time.lock('a').isLockedSync()).toBe(false)
    await expect(time.lock('a').adopt(again)).rejects.toMatchObject({ code: 'LOCK_LOST' })
  })

  it('ends at its expire, counted from the first grant, over several hands', async () => {
    const { time, holdfast, other, records } = world()
    const first = await holdfast.lock('a', { expire: '60s' }).acquire()
    await time.advance(20_000)
    const second = await other()
      .lock('a')
      .adopt(await first.export())
    await time.advance(20_000)
    const exported = await second.export()
    await time.advance(10_000)
    const third = await other().lock('a').adopt(exported)
    expect(third.remainingMs).toBeLessThanOrEqual(10_000)
    expect(third.remainingMs).toBeGreaterThan(9_000)
    await time.advance(10_000)
    expect([third.active, third.signal.reason]).toEqual([false, expect.objectContaining({ code: 'LOCK_EXPIRED' })])
    expect(records.inspect('holdfast:a')).toBeUndefined()
  })

  it('ends no later where the wall clock of the receiver is behind', async () => {
    const { time, holdfast, other } = world()
    const exported = await (await holdfast.lock('a', { expire: '60s', ttl: '60s' }).acquire()).export()
    await time.advance(20_000)
    time.advanceWall(-3_600_000)
    const lease = await other().lock('a', { ttl: '60s' }).adopt(exported)
    expect(lease.remainingMs).toBeLessThanOrEqual(40_000)
    expect(lease.remainingMs).toBeGreaterThan(38_000)
  })

  it('may end earlier where the wall clock of the receiver is ahead', async () => {
    const { time, holdfast, other, records } = world()
    const exported = await (await holdfast.lock('a', { expire: '60s' }).acquire()).export()
    time.advanceWall(3_600_000)
    expect(await rejection(other().lock('a').adopt(exported))).toMatchObject({ code: 'LOCK_EXPIRED' })
    await time.advance(1_000)
    expect(records.inspect('holdfast:a')).toBeUndefined()
  })

  it('counts its expire from before the store was asked, however often that took', async () => {
    const { time, holdfast, other, store } = world({ storeTimeout: '5s' })
    const exported = await (await other().lock('a', { expire: '60s', ttl: '60s' }).acquire()).export()
    store.next('acquire', { reply: 'lost', rejectAfterMs: 2_000 })
    const adopting = holdfast.lock('a', { ttl: '60s' }).adopt(exported)
    await time.advance(4_000)
    const lease = await adopting
    expect(lease.remainingMs).toBeLessThanOrEqual(56_000)
  })

  it('keeps the limits of the lock that adopts it, too, from then on', async () => {
    const { time, holdfast, other } = world()
    const lease = await other()
      .lock('a', { expire: '5s' })
      .adopt(await (await holdfast.lock('a').acquire()).export())
    await time.advance(5_000)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_EXPIRED' })
  })

  it('stays held for its minHold, counted from the first grant', async () => {
    const { time, holdfast, other, records } = world()
    const given = await holdfast.lock('a', { minHold: '60s' }).acquire()
    await time.advance(20_000)
    const lease = await other()
      .lock('a')
      .adopt(await given.export())
    await lease.release()
    await time.advance(35_000)
    expect(records.inspect('holdfast:a')?.holders).toHaveLength(1)
    await time.advance(6_000)
    expect(records.inspect('holdfast:a')).toBeUndefined()
  })

  it('is not exported when it was lost, and says so', async () => {
    const { time, holdfast, records } = world()
    const lease = await holdfast.lock('a').acquire()
    const [holder] = records.inspect('holdfast:a')?.holders ?? []
    records.release('holdfast:a', holder?.owner ?? '')
    expect(await rejection(lease.export())).toMatchObject({ code: 'LOCK_LOST' })
    expect(lease.active).toBe(false)
    await time.advance(1_000)
  })

  it('stays with its holder when the store fails, and can be exported later', async () => {
    const { time, holdfast, other, store } = world()
    const lease = await holdfast.lock('a').acquire()
    store.next('renew', { fail: 'unknown' })
    expect(await rejection(lease.export())).toMatchObject({ code: 'STORE_FAILED', key: 'a' })
    expect(lease.active).toBe(true)
    expect(
      (
        await other()
          .lock('a')
          .adopt(await lease.export())
      ).active,
    ).toBe(true)
    await time.advance(1_000)
  })

  it('is released by nobody when it is released while it is being exported', async () => {
    const { time, holdfast, store, records } = world()
    const lease = await holdfast.lock('a').acquire()
    store.next('renew', { replyDelayMs: 500 })
    const exporting = rejection(lease.export())
    expect(await lease.release()).toBe(true)
    await time.advance(1_000)
    expect(await exporting).toMatchObject({ code: 'LOCK_RELEASED' })
    expect(records.inspect('holdfast:a')).toBeUndefined()
  })

  it('is adopted once though the reply is lost', async () => {
    const { time, holdfast, other, store, records } = world({ storeTimeout: '5s' })
    const exported = await (await other().lock('a').acquire()).export()
    store.next('acquire', { reply: 'lost', rejectAfterMs: 100 })
    const adopting = holdfast.lock('a').adopt(exported)
    await time.advance(2_000)
    const lease = await adopting
    expect(lease.active).toBe(true)
    expect(records.inspect('holdfast:a')?.holders.map(({ token }) => token)).toEqual([lease.token])
  })

  it('is worth another try after a store that did nothing', async () => {
    const { time, holdfast, other, store } = world()
    const exported = await (await other().lock('a').acquire()).export()
    store.next('acquire', { fail: 'not-applied' })
    expect(await rejection(holdfast.lock('a').adopt(exported))).toMatchObject({ code: 'STORE_FAILED' })
    await time.advance(1_000)
    expect((await holdfast.lock('a').adopt(exported)).active).toBe(true)
  })

  it('comes free within the ttl when nobody knows whether it was adopted', async () => {
    const { time, holdfast, other, store, records } = world()
    const exported = await (await other().lock('a', { ttl: '10s' }).acquire()).export()
    store.always('acquire', { reply: 'lost', rejectAfterMs: 100 })
    const adopting = rejection(holdfast.lock('a').adopt(exported))
    await time.advance(8_000)
    expect(await adopting).toMatchObject({ code: 'STORE_FAILED' })
    store.heal()
    await time.advance(3_000)
    expect(records.inspect('holdfast:a')).toBeUndefined()
  })

  it('is handed over on no store that cannot, and stays where it is', async () => {
    const { holdfast } = world({}, { adopts: false })
    const lease = await holdfast.lock('a').acquire()
    expect(await rejection(lease.export())).toMatchObject({ code: 'INVALID_OPTION' })
    expect(lease.active).toBe(true)
    const able = world()
    const exported = await (await able.holdfast.lock('a').acquire()).export()
    expect((await rejection(holdfast.lock('a').adopt(exported))).message).toContain('cannot take a hold over')
  })

  it('leaves a waiter of its own process no further from its turn', async () => {
    const { time, holdfast, other } = world()
    const lease = await holdfast.lock('a').acquire()
    const next = holdfast.lock('a', { wait: '1h' }).acquire()
    await time.advance(100)
    const adopted = await other()
      .lock('a')
      .adopt(await lease.export())
    await time.advance(500)
    await adopted.release()
    await time.advance(100)
    expect((await next).active).toBe(true)
  })
})

const faults: readonly [Fault, ...Fault[]] = [
  { reply: 'lost', rejectAfterMs: 300 },
  { request: 'lost', rejectAfterMs: 300 },
  { replyDelayMs: 400 },
  { delayMs: 1_000 },
  { echoAfterMs: 1_500 },
  { repeat: true },
  { fail: 'unknown' },
]

/** Three processes that take a key, hand it over and let go of it, on a store that fails now and then. */
class Fleet {
  adopted = 0
  readonly problems: string[] = []
  readonly #random: Random
  readonly #time: VirtualTime
  readonly #processes: Holdfast<'async'>[]
  readonly #leases: Lease[] = []
  readonly #exported: string[] = []
  readonly #pending: Promise<unknown>[] = []
  #largest = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.#time = virtualTime({ seed, ttl: '2s', storeTimeout: '500ms' })
    this.#processes = [this.#time, this.#time.another(), this.#time.another()]
  }

  async run(steps: number): Promise<void> {
    const expire = this.#random.chance(0.3) ? '10s' : '1h'
    for (let step = 0; step < steps; step++) {
      const process = this.#processes[this.#random.int(0, 2)] ?? this.#time
      await this.#step(process.lock('a', { expire }))
      if (this.#active() > 1) this.problems.push(`step ${step}: ${this.#active()} hold`)
    }
    this.#time.store.heal()
    await this.#time.advance(20_000)
    await Promise.all(this.#pending)
    await Promise.all(this.#leases.map((lease) => lease.release().catch(() => false)))
    await this.#time.advance(5_000)
    if (this.#time.records.inspect('holdfast:a') !== undefined) this.problems.push('something is left behind')
    for (const process of this.#processes) await process.close()
  }

  async #step(handle: Lock<'async'>): Promise<void> {
    const random = this.#random
    const lease = random.pick([undefined, ...this.#leases])
    const text = this.#exported.at(-1 - random.int(0, 2)) ?? 'none'
    const what = random.pick(['acquire', 'export', 'export', 'adopt', 'adopt', 'release', 'fault', 'pass', 'pass'])
    if (what === 'acquire') this.#begin(handle.tryAcquire().then((taken) => taken && this.#took(taken)))
    if (what === 'export') this.#begin(lease?.export().then((exported) => this.#exported.push(exported)))
    if (what === 'adopt') {
      const adopt = handle.adopt(text)
      this.#begin(adopt.then((taken) => this.#took(taken)))
      this.#begin(adopt.then(() => this.adopted++))
    }
    if (what === 'release') this.#begin(lease?.release())
    if (what === 'fault') this.#time.store.next(random.pick(['acquire', 'renew', 'release']), random.pick(faults))
    if (what === 'pass') await this.#time.advance(random.int(1, 700))
  }

  #took(lease: Lease): void {
    if (this.#active() > 0) this.problems.push(`${lease.token} is held beside another`)
    if (lease.token <= this.#largest) this.problems.push(`${lease.token} comes after ${this.#largest}`)
    this.#largest = lease.token
    this.#leases.push(lease)
  }

  #active(): number {
    return this.#leases.filter(({ active }) => active).length
  }

  /** What is refused, or fails, is no news here. */
  #begin(call: Promise<unknown> | undefined): void {
    if (call !== undefined) this.#pending.push(call.catch(() => undefined))
  }
}

describe('in a fleet that hands its holds over and over', () => {
  const seeds = Array.from({ length: 150 }, (_, index) => index + 1)
  let adopted = 0

  it.each(seeds)('never two believe that they hold, whatever fails: seed %i', async (seed) => {
    const fleet = new Fleet(seed)
    await fleet.run(80)
    expect(fleet.problems).toEqual([])
    adopted += fleet.adopted
  })

  it('and there was something to see', () => {
    expect(adopted).toBeGreaterThan(seeds.length)
  })
})
