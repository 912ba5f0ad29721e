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

  it.each([
    ['3s', 4_000],
    ['1s', 1_000],
  ] as const)('is not believed when the grant may have ended before the last answer: ttl %s', async (ttl, delayMs) => {
    const { time, store, slow, deliver, other } = slowNotices()
    const held = await other().lock('key', { ttl: '1m' }).acquire()
    const waiting = slow.lock('key', { ...options, ttl }).acquire()
    await time.advance(500)
    const next = other().lock('key', options).acquire()
    await time.advance(100)
    await held.release() // grants the key to the first waiter
    store.next('acquire', { delayMs }) // its heartbeat
    await time.advance(delayMs + 1_000)
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
})
