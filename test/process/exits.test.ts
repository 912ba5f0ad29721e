import { describe, expect, inject, it } from 'vitest'
import { createHoldfast, type Holdfast } from 'holdfast'
import { freshKey, until } from '../features/support/tools.js'
import { startRedis } from '../support/servers/redis.js'
import { type Child, runProgram } from './support/child.js'

/** A lease is 30 s long: what comes free sooner was released. */
const soonMs = 5_000

/** The time after which the end of the process waits for the release no longer, and as much again for a busy machine. */
const limitMs = 2_000

interface Held {
  readonly key: string
  readonly child: Child
  readonly watcher: Holdfast<'async'>
}

/** A process that holds `key`, and does what `more` says. */
async function holding(more = '', { url = inject('redisUrl'), store = JSON.stringify(url) } = {}): Promise<Held> {
  const key = freshKey()
  const watcher = createHoldfast({ store: url })
  const child = runProgram(`import { createHoldfast } from 'holdfast'
    import { blocking } from 'holdfast/blocking'
    const holdfast = createHoldfast({ store: ${store}, releaseOnExit: true })
    const key = ${JSON.stringify(key)}
    const lease = await holdfast.lock(key).acquire()
    const alive = setInterval(() => {}, 1000)
    ${more}
    console.log('holds')`)
  await child.says('holds')
  expect(await watcher.lock(key).isLocked()).toBe(true)
  return { key, child, watcher }
}

async function isFreeSoon({ key, watcher }: Held): Promise<void> {
  await until('the key is free', async () => !(await watcher.lock(key).isLocked()), soonMs)
  await watcher.close()
}

describe.each(['SIGTERM', 'SIGINT'] as const)('releaseOnExit, on %s', (signal) => {
  it('frees what is held, and the process ends by the signal', async () => {
    const held = await holding()
    held.child.send(signal)
    await held.child.ends()
    expect(held.child.signal).toBe(signal)
    await isFreeSoon(held)
  })

  it('frees what is held on a store that blocks', async () => {
    const held = await holding('', { store: `blocking(${JSON.stringify(inject('redisUrl'))})` })
    held.child.send(signal)
    await held.child.ends()
    expect(held.child.signal).toBe(signal)
    await isFreeSoon(held)
  })

  it('leaves the end to whoever else listens, whose exit code it is', async () => {
    const held = await holding(`process.on('${signal}', () => {
      console.log('heard')
      setTimeout(() => process.exit(7), 300)
    })
    lease.signal.addEventListener('abort', () => console.log(lease.signal.reason.code, lease.signal.reason.message))`)
    held.child.send(signal)
    const said = await held.child.says('LOCK_REVOKED')
    expect(said).toContain(`the process received ${signal}`)
    expect((await held.child.ends()).code).toBe(7)
    expect(held.child.output).toContain('heard')
    await isFreeSoon(held)
  })

  it('sees a listener that listens once, and was there before', async () => {
    const key = freshKey()
    const child = runProgram(`import { createHoldfast } from 'holdfast'
      process.once('${signal}', () => setTimeout(() => process.exit(3), 200))
      const holdfast = createHoldfast({ store: ${JSON.stringify(inject('redisUrl'))}, releaseOnExit: true })
      await holdfast.lock(${JSON.stringify(key)}).acquire()
      setInterval(() => {}, 1000)
      console.log('holds')`)
    await child.says('holds')
    child.send(signal)
    expect((await child.ends()).code).toBe(3)
  })
})

describe('releaseOnExit', () => {
  it('lets a listener of the user drain what it closes, and cuts nothing off', async () => {
    const held = await holding(`const body = holdfast.lock(key + '-2').run(async (lease) => {
      await new Promise((resolve) => lease.closing.addEventListener('abort', resolve))
      await new Promise((resolve) => setTimeout(resolve, 300))
      console.log('finished', lease.active, lease.signal.aborted)
    })
    process.once('SIGTERM', async () => {
      await lease.release()
    })
    process.once('SIGTERM', async () => {
      await holdfast.close({ drainMs: '10s' })
      process.exit(0)
    })`)
    held.child.send('SIGTERM')
    expect((await held.child.ends()).code).toBe(0)
    expect(held.child.output).toContain('finished true false')
    await isFreeSoon(held)
  })

  it('cuts a drain of its own short where nobody listens', async () => {
    const held = await holding(`void holdfast.close({ drainMs: '1h' })`)
    held.child.send('SIGTERM')
    await held.child.ends()
    expect(held.child.signal).toBe('SIGTERM')
    await isFreeSoon(held)
  })

  it('ends the process within its time though Redis is frozen', async () => {
    const redis = await startRedis()
    try {
      const held = await holding('', { url: redis.url })
      redis.pause()
      const sentMs = performance.now()
      held.child.send('SIGTERM')
      await held.child.ends()
      const tookMs = performance.now() - sentMs
      expect(held.child.signal).toBe('SIGTERM')
      expect(tookMs).toBeLessThan(2 * limitMs)
      expect(tookMs).toBeGreaterThan(limitMs - 100) // it did try
      redis.resume()
      await held.watcher.close()
    } finally {
      redis.resume()
      await redis.stop()
    }
  })

  it('ends the process at once at a second signal, though Redis is frozen', async () => {
    const redis = await startRedis()
    try {
      const held = await holding(
        // once it listens to neither of them any more
        `process.on('removeListener', (name) => name === 'SIGINT' && setImmediate(() => console.log('releasing')))`,
        { url: redis.url },
      )
      redis.pause()
      held.child.send('SIGTERM')
      await held.child.says('releasing')
      const sentMs = performance.now()
      held.child.send('SIGINT')
      await held.child.ends()
      expect(held.child.signal).toBe('SIGINT')
      expect(performance.now() - sentMs).toBeLessThan(limitMs / 2)
      redis.resume()
      await held.watcher.close()
    } finally {
      redis.resume()
      await redis.stop()
    }
  })

  it('grants nothing any more while it releases: no waiter of the process gets the key', async () => {
    const held = await holding(`holdfast.lock(key, { wait: true }).acquire().then(
      () => console.log('granted'),
      (error) => console.log(error.message),
    )`)
    await until('it waits', async () => ((await held.watcher.lock(held.key).inspect())?.waiters.length ?? 0) > 0)
    held.child.send('SIGTERM')
    await held.child.ends()
    expect(held.child.output).not.toContain('granted')
    await isFreeSoon(held)
  })

  it('frees what is held where the process has nothing more to do', async () => {
    const held = await holding(`process.stdin.once('data', () => {
      clearInterval(alive)
      process.stdin.destroy()
    })`)
    held.child.tell('go')
    expect((await held.child.ends()).code).toBe(0)
    await isFreeSoon(held)
  })

  it('frees what is held by process.exit() on a store that answers at once, with its exit code', async () => {
    const held = await holding(`process.stdin.once('data', () => process.exit(5))`, {
      store: `blocking(${JSON.stringify(inject('redisUrl'))})`,
    })
    held.child.tell('go')
    expect((await held.child.ends()).code).toBe(5)
    await isFreeSoon(held)
  })

  it('is over with close(): signals are left as they were', async () => {
    const child = runProgram(`import { createHoldfast } from 'holdfast'
      const names = ['SIGTERM', 'SIGINT', 'exit', 'beforeExit']
      const before = names.map((name) => process.listenerCount(name))
      const added = () => names.map((name, index) => process.listenerCount(name) - before[index]).join()
      const quiet = createHoldfast()
      console.log('not asked for', added())
      const all = Array.from({ length: 100 }, () => createHoldfast({ releaseOnExit: true }))
      console.log('open', added())
      await Promise.all([quiet, ...all].map((holdfast) => holdfast.close()))
      console.log('closed', added())`)
    expect((await child.ends()).code).toBe(0)
    expect(child.output).toBe('not asked for 0,0,0,0\nopen 1,1,1,1\nclosed 0,0,0,0\n')
    expect(child.errors).toBe('') // no warning of too many listeners
  })
})
