import { describe, expect, it } from 'vitest'
import { createHoldfast, type Holdfast } from 'holdfast'
import type { NoticeListener } from '../../src/core/store.js'
import { world, type World } from '../support/world.js'

interface Slow extends World {
  /** A process whose notices stay on their way until `deliver`. */
  readonly slow: Holdfast<'async'>
  deliver(): void
}

function slowNotices(): Slow {
  const all = world()
  const underWay: (() => void)[] = []
  const onNotice = (listener: NoticeListener): (() => void) =>
    all.store.onNotice?.((notice) => underWay.push(() => listener(notice))) ?? (() => undefined)
  const slow = createHoldfast({ store: { ...all.store, onNotice }, env: all.time, storeTimeout: '5s' })
  const deliver = (): void => {
    for (const tell of underWay.splice(0)) tell()
  }
  return { ...all, slow, deliver }
}

const options = { wait: '1m', ttl: '3s' } as const

describe('a notice of a grant that comes late', () => {
  it('begins a lease that is counted from a question before the grant, though another question was sent since', async () => {
    const { time, store, slow, deliver, other } = slowNotices()
    const held = await other().lock('key', { ttl: '1m' }).acquire()
    const waiting = slow.lock('key', options).acquire()
    await time.advance(500)
    await held.release() // grants the key to the waiter, for 3 s
    store.next('acquire', { request: 'lost' }) // the heartbeat
    store.always('renew', { request: 'lost' })
    await time.advance(700)
    deliver()
    const lease = await waiting
    expect(lease.active).toBe(true)
    const next = other().lock('key', options).acquire()
    await time.advance(2_350)
    expect((await next).active).toBe(true)
    expect(lease.active).toBe(false)
  })

  it('is not believed when the grant may have ended before the last question was answered', async () => {
    const { time, store, slow, deliver, other } = slowNotices()
    const held = await other().lock('key', { ttl: '1m' }).acquire()
    const waiting = slow.lock('key', options).acquire()
    await time.advance(500)
    const next = other().lock('key', options).acquire()
    await time.advance(100)
    await held.release() // grants the key to the first waiter
    store.next('acquire', { delayMs: 4_000 }) // its heartbeat
    await time.advance(6_000)
    const lease = await next
    let granted = false
    void waiting.then(() => (granted = true))
    deliver()
    await time.advance(10)
    expect(granted).toBe(false)
    await lease.release()
    deliver()
    expect((await waiting).active).toBe(true)
  })

  it('is not believed when a short lease may have ended before the last question was answered', async () => {
    const { time, store, slow, deliver, other } = slowNotices()
    const held = await other().lock('key', { ttl: '1m' }).acquire()
    const waiting = slow.lock('key', { wait: '1m', ttl: '1s' }).acquire()
    await time.advance(50)
    const next = other().lock('key', options).acquire()
    await time.advance(50)
    await held.release() // grants the key to the first waiter, for a second
    store.next('acquire', { delayMs: 250 }) // its heartbeat
    await time.advance(1_060)
    const lease = await next
    let granted = false
    void waiting.then(() => (granted = true))
    deliver()
    await time.advance(10)
    expect(granted).toBe(false)
    expect(lease.active).toBe(true)
    await lease.release()
    deliver()
    expect((await waiting).active).toBe(true)
  })

  it.each([
    ['a mutex', ({ lock }: Holdfast<'async'>) => lock('key', { wait: '1m', ttl: '1s' })],
    ['a pool', ({ pool }: Holdfast<'async'>) => pool('key', { max: 1, wait: '1m', ttl: '1s' })],
  ])('is asked for again when a question is under way by which the lease of %s is too old', async (_, of) => {
    const { time, store, holdfast, other } = world()
    const held = await of(other()).acquire()
    const waiting = of(holdfast).acquire()
    await time.advance(10)
    const asked = (): number => store.calls.filter(({ operation }) => operation === 'acquire').length
    const before = asked()
    store.next('acquire', { replyDelayMs: 50 })
    await time.advanceUntil(() => asked() > before, 1_000) // its heartbeat, which is refused
    await held.release() // grants the key to it, and the notice overtakes the refusal
    let granted = false
    void waiting.then(() => (granted = true))
    await time.advance(40)
    expect(granted).toBe(false)
    await time.advance(20)
    expect(granted).toBe(true)
  })

  it('costs no further question when the last one was answered, however long the wait was', async () => {
    const { time, store, holdfast, other } = world()
    const held = await other().lock('key').acquire()
    const waiting = holdfast.lock('key', { wait: '1m', ttl: '3s' }).acquire()
    await time.advance(10_100)
    const asked = store.calls.length
    await held.release()
    expect((await waiting).active).toBe(true)
    expect(store.calls).toHaveLength(asked)
  })
})
