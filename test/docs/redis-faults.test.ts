/** What docs/guarantees.md says of Redis when something breaks: what is promised then, and what is not. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHoldfast, type Holdfast, LockLostError } from 'holdfast'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/servers/redis.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

let server: RedisServer
let here: Holdfast<'async'>
let there: Holdfast<'async'>
beforeEach(async () => {
  server = await startRedis()
  here = createHoldfast({ store: server.url })
  there = createHoldfast({ store: server.url })
})
afterEach(async () => {
  server.resume()
  await Promise.all([here.close(), there.close()])
  await server.stop()
})

describe('when Redis forgets a hold', () => {
  test('by FLUSHALL, two believe in it until the next renewal tells the first', async () => {
    const lease = await here.lock('report', { ttl: '3s' }).acquire()
    await server.command('FLUSHALL')
    const second = await there.lock('report').acquire()
    expect([lease.active, second.active]).toEqual([true, true]) // this is what is not promised

    await until(() => lease.signal.aborted, 1_500)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
    expect(second.active).toBe(true)
  })

  test.each([
    ['FLUSHALL', () => server.command('FLUSHALL')],
    ['a restart without its data', () => server.restart({ keepData: false })],
  ])('by %s, the next token is larger all the same', async (_, forget) => {
    const { token } = await here.lock('report').acquire()
    await forget()
    const second = await there.lock('report', { wait: '5s' }).acquire()
    expect(second.token).toBeGreaterThan(token)
  })
})

test('a server that falls silent: the holder is told at its deadline', async () => {
  const lease = await here.lock('report', { ttl: '1s' }).acquire()
  server.pause()
  const startMs = performance.now()
  await until(() => lease.signal.aborted, 2_000)
  expect(performance.now() - startMs).toBeLessThan(1_250)
  expect(lease.signal.reason).toBeInstanceOf(LockLostError)
})

describe('a holder in another process', () => {
  let child: ChildProcess
  afterEach(() => child.kill('SIGKILL'))

  test('that is killed is replaced when its ttl is over, and not before', async () => {
    child = await holder('console.log("held")')
    child.kill('SIGKILL')
    const startMs = performance.now()
    expect(await there.lock('report').tryAcquire()).toBeUndefined()
    const lease = await there.lock('report', { wait: '5s' }).acquire()
    expect(performance.now() - startMs).toBeLessThan(2_500)
    expect(lease.active).toBe(true)
    await lease.release()
  })

  test('that is stopped for longer than its ttl knows it in the first turn after', async () => {
    // the first turn after a gap of more than half a second tells what it sees
    child = await holder(`
      console.log('held')
      let last = performance.now()
      setInterval(() => {
        const now = performance.now()
        if (now - last > 900) console.log(lease.active)
        last = now
      }, 10)`)
    const answer = once(createInterface({ input: child.stdout ?? process.stdin }), 'line')
    await sleep(100)
    child.kill('SIGSTOP')
    await sleep(1_500)
    expect(await there.lock('report').tryAcquire()).toBeDefined() // not promised: that a stopped holder is waited for
    child.kill('SIGCONT')
    expect(await answer).toEqual(['false'])
  })

  test('that has finished ends although it still holds', async () => {
    child = await holder('console.log("held")')
    const [code] = (await once(child, 'exit')) as [number | null]
    expect(code).toBe(0)
    expect(await there.lock('report').isLocked()).toBe(true)
  })

  /** A process that holds `report` for a ttl of 1 s, on the built package. Resolves when it holds. */
  async function holder(then: string): Promise<ChildProcess> {
    const program = `
      import { createHoldfast } from 'holdfast'
      const { lock } = createHoldfast({ store: ${JSON.stringify(server.url)}, storeTimeout: '5s' })
      const lease = await lock('report', { ttl: '1s' }).acquire()
      ${then}`
    const started = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface({ input: started.stdout }), 'line')) as [string]
    expect(line).toBe('held')
    return started
  }
})

async function until(condition: () => boolean, limitMs: number): Promise<void> {
  const deadlineMs = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`it did not come true within ${limitMs} ms`)
    await sleep(5)
  }
}
