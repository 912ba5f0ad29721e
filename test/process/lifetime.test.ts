import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, inject, it } from 'vitest'
import { createHoldfast } from 'holdfast'
import { freshKey } from '../features/support/tools.js'
import { runProgram } from './support/child.js'

/** Nothing of ours has so long a reason to live: renewals come every 10 s, a lease ends after 30 s. */
const quicklyMs = 2_000
/** Long enough to see that a process would have ended: they do within 100 ms. */
const aliveMs = 600

/** The option `store` as program text. */
const stores = {
  memory: () => undefined,
  'Redis by URL': () => inject('redisUrl'),
}

describe.each(Object.entries(stores))('on %s, a process', (_, storeOf) => {
  const configured = (): string => {
    const store = storeOf()
    return `import { configure, lock } from 'holdfast'
      configure(${store === undefined ? '' : JSON.stringify({ store })})
      const key = ${JSON.stringify(freshKey())}\n`
  }

  it('ends though it holds a lease, which renews itself', async () => {
    const child = runProgram(`${configured()}
      const lease = await lock(key, { ttl: '30s' }).acquire()
      lease.signal.addEventListener('abort', () => {})
      console.log(lease.active)`)
    const { code, tookMs } = await child.ends('true')
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(quicklyMs)
    expect(child.errors).toBe('')
  })

  it('ends though it holds with expire, minHold, and a short ttl', async () => {
    const child = runProgram(`${configured()}
      await lock(key + '-1').run(() => {}) // opens the connection: a ttl of 500 ms leaves 167 ms for a call
      await lock(key, { ttl: '500ms', expire: '1h', minHold: '30m' }).acquire()
      const released = await lock(key + '-2', { minHold: '1h' }).acquire()
      await released.release()
      console.log('done')`)
    const { code, tookMs } = await child.ends('done')
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(quicklyMs)
  })

  it('ends though the store was used and not closed', async () => {
    const child = runProgram(`${configured()}
      const lease = await lock(key).acquire()
      await new Promise((resolve) => setTimeout(resolve, 200)) // by now every connection is open
      await lease.release()
      console.log(await lock(key).inspect())`)
    const { code, tookMs } = await child.ends('undefined')
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(quicklyMs)
  })

  it('lives on while it waits, until its wait is over', async () => {
    const child = runProgram(`${configured()}
      const lease = await lock(key).acquire()
      console.log('waits')
      lock(key, { wait: '1500ms' }).acquire().catch((error) => console.log(error.code))`)
    await child.says('waits')
    const { code, tookMs } = await child.ends('waits')
    expect(child.output).toBe('waits\nLOCK_TIMEOUT\n')
    expect(code).toBe(0)
    expect(tookMs).toBeGreaterThan(1_400)
    expect(tookMs).toBeLessThan(1_500 + quicklyMs)
  })

  it('lives on while it waits, until it is granted, and ends then', async () => {
    const child = runProgram(`${configured()}
      const lease = await lock(key).acquire()
      setTimeout(() => lease.release(), 1000).unref()
      console.log('waits')
      const next = await lock(key, { wait: true }).acquire()
      console.log(next.active)`)
    const { code, tookMs } = await child.ends('waits')
    expect(child.output).toBe('waits\ntrue\n')
    expect(code).toBe(0)
    expect(tookMs).toBeGreaterThan(900)
    expect(tookMs).toBeLessThan(1_000 + quicklyMs)
  })

  it('ends when its wait was cancelled', async () => {
    const child = runProgram(`${configured()}
      await lock(key).acquire()
      const controller = new AbortController()
      lock(key, { wait: true, signal: controller.signal }).acquire().catch((reason) => console.log(reason))
      setTimeout(() => controller.abort('cancelled'), 200)`)
    const { code, tookMs } = await child.ends('cancelled')
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(quicklyMs)
  })

  it('ends with its error when a wait is left unhandled', async () => {
    const child = runProgram(`${configured()}
      await lock(key).acquire()
      lock(key).acquire()`)
    expect((await child.ends()).code).toBe(1)
    expect(child.errors).toContain('LockedError')
  })
})

describe('two processes', () => {
  it('exclude each other on Redis, and one waits alive until the other lets go', async () => {
    const holdfast = createHoldfast({ store: inject('redisUrl') })
    const key = freshKey()
    const lease = await holdfast.lock(key, { label: 'the test' }).acquire()
    const child = runProgram(`import { configure, lock } from 'holdfast'
      configure(${JSON.stringify({ store: inject('redisUrl') })})
      const handle = lock(${JSON.stringify(key)}, { wait: true })
      console.log((await handle.inspect()).holders[0].label)
      const lease = await handle.acquire()
      console.log('granted', lease.token > ${lease.token})`)
    await child.says('the test')
    await sleep(aliveMs)
    expect(child.code).toBeUndefined()
    expect(child.output).toBe('the test\n')
    await lease.release()
    const { code } = await child.ends()
    expect(child.output).toBe('the test\ngranted true\n')
    expect(code).toBe(0)
    await holdfast.close()
  })

  it('exclude each other after a kill no longer than the ttl', async () => {
    const key = freshKey()
    const child = runProgram(`import { configure, lock } from 'holdfast'
      configure(${JSON.stringify({ store: inject('redisUrl') })})
      await lock(${JSON.stringify(key)}).isLocked() // opens the connection
      await lock(${JSON.stringify(key)}, { ttl: '1s', expire: '1h' }).acquire()
      console.log('holds')
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1500)`)
    await child.says('holds')
    const holdfast = createHoldfast({ store: inject('redisUrl') })
    const since = performance.now()
    const lease = await holdfast.lock(key, { wait: '8s' }).acquire()
    const tookMs = performance.now() - since
    expect(tookMs).toBeGreaterThan(1_300) // it was renewed while its holder lived
    expect(tookMs).toBeLessThan(4_000)
    expect(lease.active).toBe(true)
    await holdfast.close()
  })
})
