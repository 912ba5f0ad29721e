import { createHoldfast, memory } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { expect, test } from 'vitest'
import type { NoticeListener } from '../../src/core/store.js'
import { world } from '../support/world.js'

test('a lease that was granted late and renewed as late is not handed out', async () => {
  const { holdfast, store, time } = world({ storeTimeout: 5000 })
  store.next('acquire', { replyDelayMs: 800 })
  store.next('renew', { replyDelayMs: 800 })
  const acquired = holdfast.lock('k', { ttl: 1000 }).acquire()
  const leftMs = acquired.then(({ remainingMs }) => remainingMs)
  await time.advance(1700)
  expect(await leftMs).toBeGreaterThanOrEqual(490)
})

test('a notice of a grant does not count its lease from a question that was sent after the grant', async () => {
  const { store, time, records, other } = world()
  const travelling: (() => void)[] = []
  const onNotice = (listener: NoticeListener): (() => void) =>
    records.onNotice?.((notice) => travelling.push(() => listener(notice))) ?? (() => undefined)
  const holdfast = createHoldfast({ store: Object.assign(store, { onNotice }), env: time })
  const before = await other().lock('k').acquire()
  let granted = false
  const acquired = holdfast.lock('k', { wait: true }).acquire()
  void acquired.then(() => (granted = true))
  await time.advance(10) // refused, and in the queue
  await before.release() // grants to it, for as long as its place lasts; the notice travels
  store.always('acquire', { request: 'lost' })
  await time.advance(1700) // a heartbeat is on its way, and lost
  for (const arrive of travelling) arrive()
  await time.advance(1)
  expect(granted).toBe(false) // it may be older than the heartbeat: 1.7 s of 3 are gone
  store.heal()
  await time.advance(10_000)
  expect(granted).toBe(true)
  await (await acquired).release()
})

test('in memory, a hold with a limit that was waited for lasts until its limit', async () => {
  const env = virtualEnv()
  const store = memory({ env })
  const [one, two] = [createHoldfast({ store, env }), createHoldfast({ store, env })]
  const first = await one.lock('k').acquire()
  const acquired = two.lock('k', { wait: true, expire: 120 }).acquire()
  await env.advance(50)
  await first.release()
  const lease = await acquired
  await env.advance(100)
  expect(lease.active).toBe(true)
  await env.advance(21)
  expect(lease.signal.reason).toMatchObject({ code: 'LOCK_EXPIRED' })
})
