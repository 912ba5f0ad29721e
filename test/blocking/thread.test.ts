import { setTimeout as sleep } from 'node:timers/promises'
import { createHoldfast, StoreError } from 'holdfast'
import { blocking } from 'holdfast/blocking'
import { describe, expect, it, vi } from 'vitest'
import { until } from '../support/until.js'
import { beBusy, freshKey, openAsync, thrownBy, url } from './support.js'

const { workerUrl } = vi.hoisted(() => ({ workerUrl: { now: '' } }))
vi.mock('../support/worker-url.js', () => ({
  get workerUrl() {
    return new URL(workerUrl.now || './mortal-worker.mjs', import.meta.url)
  },
}))

describe('a worker that dies', () => {
  it.each(['throw', 'exit'])('by %s fails the running call at once, and is replaced', async (how) => {
    const store = blocking(url)
    store.inspect('warm')
    await sleep(1000)
    const startMs = performance.now()
    const error = thrownBy(() => store.inspect(how))
    expect(performance.now() - startMs).toBeLessThan(2000)
    expect(error).toBeInstanceOf(StoreError)
    expect(String(error)).toContain(how === 'throw' ? 'the test wanted it' : 'it ended')
    expect(store.inspect(freshKey())).toBeUndefined()
    store.close()
  })

  it('is not replaced more often than once a second', async () => {
    const store = blocking(url)
    expect(() => store.inspect('exit')).toThrow(StoreError)
    expect(thrownBy(() => store.inspect(freshKey()))).toMatchObject({ outcome: 'not-applied' })
    await sleep(1000)
    expect(store.inspect(freshKey())).toBeUndefined()
    store.close()
  })

  it('without a word is noticed as soon as the loop runs', async () => {
    const store = blocking(url, { storeTimeout: '300ms' })
    store.inspect('warm')
    expect(() => store.inspect('vanish')).toThrow('no answer within 300 ms')
    await sleep(1000)
    expect(store.inspect(freshKey())).toBeUndefined()
    store.close()
  })

  it('tells no password', () => {
    const store = blocking(url.replace('//', '//:secret-word@'))
    const error = thrownBy(() => store.inspect('throw'))
    expect(String(error)).toContain('the test wanted it')
    expect(String(error)).not.toContain('secret-word')
    store.close()
  })

  it('is given up when it reacts to nothing, and replaced', async () => {
    const store = blocking(url, { storeTimeout: '700ms' })
    store.inspect('warm')
    expect(thrownBy(() => store.inspect('hang'))).toMatchObject({ outcome: 'unknown' })
    const startMs = performance.now()
    await until(() => {
      try {
        return store.inspect(freshKey()) === undefined
      } catch (error) {
        if (error instanceof StoreError) return false
        throw error
      }
    })
    expect(performance.now() - startMs).toBeLessThan(6000)
    store.close()
  })

  it('leaves its holds to the main thread: renewed while it is alive, lost at the deadline while it is busy', async () => {
    const store = blocking(url)
    const { lock, close } = createHoldfast({ store })
    store.inspect('warm')
    await sleep(1000)
    const lease = lock(freshKey(), { ttl: '1s' }).acquireSync()
    expect(() => store.inspect('exit')).toThrow(StoreError)
    await sleep(1500)
    expect(lease.active).toBe(true)
    expect(await openAsync().lock(lease.key).isLocked()).toBe(true)
    beBusy(1200)
    expect(lease.active).toBe(false)
    await close()
  })
})

describe('a worker that cannot start', () => {
  it('is a StoreError that says so', () => {
    workerUrl.now = './no-such-worker.mjs'
    const store = blocking(url)
    const error = thrownBy(() => store.inspect('k'))
    expect(error).toMatchObject({ code: 'STORE_FAILED', operation: 'inspect', outcome: 'not-applied' })
    expect(String(error)).toContain('its worker thread did not start')
    store.close()
    workerUrl.now = ''
  })
})
