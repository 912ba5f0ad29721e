/** docs/guarantees.md: locks in the memory of a process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'
import { memory } from 'holdfast'
import { virtualEnv, virtualTime } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import { FencedValue } from './support.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const request = { key: 'report', ttlMs: null, limit: 1, permits: 1, queueMs: 0 }
const holder = { host: 'here', pid: 1, label: undefined, since: 0 }

describe('in memory', () => {
  test('a wall clock that jumps ends no hold for another, and keeps none', async () => {
    await using time = virtualTime({ scope: 'process', ttl: '10s' })
    time.lock('report').acquireSync()
    const there = time.another()
    time.advanceWall(3_600_000)
    expect(there.lock('report').tryAcquireSync()).toBeUndefined()
    time.advanceWall(-7_200_000)
    time.stall(10_000)
    expect(there.lock('report').tryAcquireSync()).toBeDefined()
  })

  test('the tokens of the next process are larger, if the wall clock was not set back', () => {
    const first = memory({ env: virtualEnv({ wallMs: Date.UTC(2026, 0, 1) }) }).acquire({
      ...request,
      owner: 'a',
      holder,
    })
    const next = memory({ env: virtualEnv({ wallMs: Date.UTC(2026, 0, 1) + 50 }) }).acquire({
      ...request,
      owner: 'b',
      holder,
    })
    if (!first.granted || !next.granted) throw new Error('a free key was refused')
    expect(next.token).toBeGreaterThan(first.token)
    const back = memory({ env: virtualEnv({ wallMs: Date.UTC(2025, 0, 1) }) }).acquire({
      ...request,
      owner: 'c',
      holder,
    })
    if (!back.granted) throw new Error('a free key was refused')
    const row = new FencedValue()
    expect([row.write('by the first', first), row.write('by the last', back)]).toEqual([true, false]) // not promised: refused for ever
  })

  test('a process that is killed holds nothing any more', async () => {
    const program = `
      import { configure, lock } from 'holdfast'
      configure()
      const lease = await lock('report').tryAcquire()
      console.log(lease === undefined ? 'refused' : 'held')
      setInterval(() => undefined, 1000)`
    for (let turn = 0; turn < 2; turn++) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
      child.kill('SIGKILL')
      expect(line).toBe('held')
    }
  })
})
