/** How long after the crash of a holder's process a waiter of another process holds, in milliseconds. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHoldfast } from 'holdfast'
import { startRedis } from '../../test/support/servers/redis.js'
import { root } from '../harness/packages.js'
import { within } from '../harness/within.js'

/** So many holders run at a time, and are killed one after the other. */
const batch = 5

export async function crashes({ ttlMs, times }: { ttlMs: number; times: number }): Promise<number[]> {
  const server = await startRedis()
  const tookMs: number[] = []
  try {
    await using holdfast = createHoldfast({ store: server.url })
    for (let first = 0; first < times; first += batch) {
      const keys = Array.from({ length: batch }, (_, n) => `crash:${String(first + n)}`)
      const holders = await Promise.all(keys.map(async (key) => ({ key, child: await holder(server.url, key, ttlMs) })))
      const replaced = holders.map(async ({ key, child }, n) => {
        const waiting = holdfast.lock(key, { ttl: ttlMs, wait: true }).acquire()
        await sleep(ttlMs / 2 + (ttlMs * n) / batch) // in every part of the lease
        const startMs = performance.now()
        child.kill('SIGKILL')
        const lease = await within(waiting, ttlMs + 10_000, 'a waiter')
        tookMs.push(performance.now() - startMs)
        await lease.release()
      })
      await Promise.all(replaced)
    }
  } finally {
    await server.stop()
  }
  return tookMs
}

/** A process that holds the key; resolves when it does. */
async function holder(url: string, key: string, ttlMs: number): Promise<ChildProcess> {
  const program = `
    import { createHoldfast } from 'holdfast'
    const { lock } = createHoldfast({ store: ${JSON.stringify(url)} })
    await lock(${JSON.stringify(key)}, { ttl: ${String(ttlMs)}, wait: '20s' }).acquire()
    console.log('held')
    setInterval(() => undefined, 60_000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await within(once(createInterface({ input: child.stdout }), 'line'), 30_000, 'a holder')
  return child
}
