import { createHoldfast, memory, type Notice } from 'holdfast'
import { faulty, virtualEnv } from 'holdfast/testing'
import { expect, test } from 'vitest'

test('a grant whose notice comes late is counted from a request that came before it, not from the last one sent', async () => {
  const time = virtualEnv()
  const records = memory({ env: time })
  const store = faulty(records, { env: time })
  // a waiter that hears of its grant 900 ms late
  const late = {
    ...store,
    capabilities: { ...store.capabilities, scope: 'network', crashRelease: 'lease' } as const,
    onNotice: (listener: (notice: Notice) => void) =>
      records.onNotice?.((notice) => void time.setTimer(() => listener(notice), 900, false)) ?? (() => undefined),
  }
  const waiting = createHoldfast({ store: late, env: time, storeTimeout: 5000 })
  const holder = createHoldfast({ store: records, env: time })
  const first = await holder.lock('k', { ttl: 10_000 }).acquire()
  const wanted = waiting.lock('k', { ttl: 1000, wait: true }).tryAcquire()
  let lease: Awaited<typeof wanted>
  wanted.then(
    (granted) => (lease = granted),
    () => undefined, // closed at the end
  )
  await time.advance(510) // it stands in the queue; its next heartbeat is due at 1,000
  store.always('acquire', { request: 'lost' }) // and gets lost
  store.always('renew', { request: 'lost' })
  await first.release() // granted at 510, until 1,510; told at 1,410
  await time.advance(1010)
  const taken = await holder.lock('k').tryAcquire() // at 1,520 the key is free
  expect(taken).toBeDefined()
  expect(lease?.active ?? false).toBe(false)
  await Promise.all([waiting.close(), holder.close(), time.advance(5000)])
})
