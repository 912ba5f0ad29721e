import { describe, expect, it } from 'vitest'
import { until } from '../features/support/tools.js'
import { startRedis } from '../support/servers/redis.js'
import { runProgram } from './support/child.js'

/** Says what became of each line of its input: 'try' asks for the lock once. */
const program = (url: string): string => `
  import { createInterface } from 'node:readline'
  import { configure, lock } from 'holdfast'
  configure({ store: ${JSON.stringify(url)}, storeTimeout: '1s' })
  const handle = lock('key', { ttl: '3s' })
  const told = (error) => error.name + ' ' + error.code + ' ' + error.operation + ' ' + error.key
  let count = 0
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const outcome = await handle.run(() => 'ran').catch(told)
    console.log(++count + ' ' + outcome)
  })
  console.log('ready')`

const failed = 'StoreError STORE_FAILED acquire key'

describe('a store that is down at the start', () => {
  it('crashes nothing: its use fails with a StoreError, and works when it comes back', async () => {
    const redis = await startRedis()
    await redis.kill()
    const child = runProgram(program(redis.url))
    await child.says('ready')
    let tries = 0
    const tryOnce = async (): Promise<string> => {
      child.tell('try')
      const answer = await child.says(`${++tries} `)
      return answer.slice(answer.indexOf(' ') + 1)
    }
    for (let downs = 0; downs < 2; downs++) {
      expect(await tryOnce()).toBe(failed)
      expect(await tryOnce()).toBe(failed)
      await redis.restart({ keepData: false })
      await until('it works again', async () => (await tryOnce()) === 'ran')
      expect(await tryOnce()).toBe('ran')
      await redis.kill()
    }
    expect(child.code).toBeUndefined()
    expect(child.errors).toBe('')
    await redis.stop()
  })

  it('lets the process end by itself, and with a lease that was lost too', async () => {
    const redis = await startRedis()
    const child = runProgram(`
      import { configure, lock } from 'holdfast'
      configure({ store: ${JSON.stringify(redis.url)} })
      await lock('first').run(() => {}) // opens the connection: a ttl of 300 ms leaves 100 ms for a call
      const lease = await lock('key', { ttl: '300ms' }).acquire()
      lease.signal.addEventListener('abort', () => console.log(lease.signal.reason.code))
      console.log('holds')
      setTimeout(() => console.log(lease.active), 1500)`)
    await child.says('holds')
    await redis.kill()
    const { code } = await child.ends()
    expect(child.output).toBe('holds\nLOCK_LOST\nfalse\n')
    expect(child.errors).toBe('')
    expect(code).toBe(0)
    await redis.stop()
  })

  it('fails each way to use it with a StoreError, unhandled by nobody', async () => {
    const redis = await startRedis()
    await redis.kill()
    const child = runProgram(`
      import { configure, lock, close } from 'holdfast'
      configure({ store: ${JSON.stringify(redis.url)}, storeTimeout: '300ms' })
      const handle = lock('key')
      const uses = {
        acquire: () => handle.acquire(),
        tryAcquire: () => handle.tryAcquire(),
        wait: () => lock('key', { wait: '5s' }).acquire(),
        run: () => handle.run(() => {}),
        isLocked: () => handle.isLocked(),
        inspect: () => handle.inspect(),
        forceRelease: () => handle.forceRelease(),
        wrapped: () => lock('key-{0}')(async () => {})(1),
      }
      for (const [name, use] of Object.entries(uses)) {
        await use().then(() => console.log(name, 'worked'), (error) => console.log(name, error.code))
      }
      await close()
      console.log('closed')`)
    const { code, tookMs } = await child.ends('closed')
    const names = ['acquire', 'tryAcquire', 'wait', 'run', 'isLocked', 'inspect', 'forceRelease', 'wrapped']
    expect(child.output).toBe(`${names.map((name) => `${name} STORE_FAILED\n`).join('')}closed\n`)
    expect(child.errors).toBe('')
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(1_000)
    await redis.stop()
  })
})
