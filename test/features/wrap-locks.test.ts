import { describe, expect, it } from 'vitest'
import { createHoldfast, LockedError, LockLostError, type LockOptions } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { onEachBackend } from './support/backends.js'
import { failureOf, freshKey, latch, type Latch, thrownBy, until } from './support/tools.js'

describe('a wrapped function', () => {
  onEachBackend(({ name, open }) => {
    it('is refused for the arguments it runs with, and runs for others', async () => {
      const { lock } = open()
      const prefix = freshKey()
      const gates: Record<string, Latch> = { a: latch(), b: latch() }
      const work = lock(`${prefix}-{id}`)(async (id: string) => {
        await gates[id]?.promise
        return id
      })
      const [a, b] = [work('a'), work('b')]
      await until('both run', async () => (await work.isLocked('a')) && (await work.isLocked('b')))
      const refusal = await failureOf(() => work('a'))
      expect(refusal).toBeInstanceOf(LockedError)
      expect(refusal).toMatchObject({ code: 'LOCKED', key: `${prefix}-a`, holder: { pid: process.pid } })
      expect(refusal.message).toContain(`${prefix}-a is already locked`)
      expect(await work.isLocked('c')).toBe(false)
      gates['a']?.open()
      expect(await a).toBe('a')
      expect(await work.isLocked('a')).toBe(false)
      expect(await work.isLocked('b')).toBe(true)
      expect(await work('a')).toBe('a')
      gates['b']?.open()
      expect(await b).toBe('b')
    })

    it('waits its turn when told to', async () => {
      const { lock } = open()
      const order: string[] = []
      const gate = latch()
      const work = lock(freshKey(), { wait: '10s' })(async (id: string) => {
        order.push(`${id} begins`)
        if (id === 'a') await gate.promise
        order.push(`${id} ends`)
      })
      const first = work('a')
      await until('the first runs', () => order.length === 1)
      const second = work('b')
      await until('the second waits', async () => (await work.inspect('b'))?.waiters.length === 1)
      gate.open()
      await Promise.all([first, second])
      expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
    })

    it('can be released by force, by its arguments: the result of the body stands', async () => {
      const warnings: string[] = []
      const { lock } = open({ logger: { warn: (message) => warnings.push(message) } })
      const key = freshKey()
      const gate = latch<string>()
      const work = lock('{id}')(async (id: string) => `${id} ${await gate.promise}`)
      const running = work(key)
      await until('it runs', () => work.isLocked(key))
      expect(await work.release('another')).toBe(false)
      expect(await work.isLocked(key)).toBe(true)
      expect(await work.release(key)).toBe(true)
      expect(await work.release(key)).toBe(false)
      expect(await work.isLocked(key)).toBe(false)
      gate.open('done')
      expect(await running).toBe(`${key} done`)
      expect(warnings.join()).toContain(`${key} was released by force while held`)
    })

    it('released by force tells whoever holds the key, at once', async () => {
      const { lock } = open()
      const key = freshKey()
      const work = lock('{id}')(async (id: string) => id)
      const result = await lock(key).run(async (lease) => {
        expect(lease.signal.aborted).toBe(false)
        expect(await work.release(key)).toBe(true)
        expect(lease.active).toBe(false)
        expect(lease.signal.aborted).toBe(true)
        expect(lease.signal.reason).toBeInstanceOf(LockLostError)
        expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED', key })
        expect(thrownBy(() => lease.assertActive()).code).toBe('LOCK_REVOKED')
        return 'the result stands'
      })
      expect(result).toBe('the result stands')
    })

    it('gives up its wait when its signal aborts, with the reason', async () => {
      const { lock } = open()
      const key = freshKey()
      const lease = await lock(key).acquire()
      const controller = new AbortController()
      const ran: string[] = []
      const waiting = lock(key, { wait: true, signal: controller.signal })(async () => ran.push('ran'))()
      await until('it waits', async () => (await lock(key).inspect())?.waiters.length === 1)
      const reason = { any: 'thing' }
      controller.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      await lease.release()
      expect(await lock(key).isLocked()).toBe(false)
      expect(ran).toEqual([])
    })

    it('that is plain is refused where the store answers with promises, and nothing runs', () => {
      const { lock } = open()
      const ran: string[] = []
      const wrap = lock(freshKey()) as unknown as (fn: () => unknown) => (() => unknown) & { isLocked(): unknown }
      const plain = wrap(() => {
        ran.push('ran')
        return 'result'
      })
      if (name === 'memory') {
        expect(plain()).toBe('result')
        expect(plain.isLocked()).toBe(false)
      } else {
        for (const call of [() => plain(), () => plain.isLocked()]) {
          expect(thrownBy(call)).toMatchObject({ name: 'SyncUnsupportedError', code: 'SYNC_UNSUPPORTED' })
        }
        expect(ran).toEqual([])
      }
    })
  })
})

describe('a wrapped function whose hold ends before it does', () => {
  const ends: readonly (readonly [how: string, options: LockOptions<never>, code: string | undefined])[] = [
    ['was lost', { ttl: '1s' }, 'LOCK_LOST'],
    ['was lost, and is only to warn', { ttl: '1s', onLost: 'warn' }, undefined],
    ['reached its expire', { expire: '1s' }, undefined],
  ]
  it.each(ends)('%s: the work is done, and the end tells it', async (_, options, code) => {
    const env = virtualEnv()
    const warnings: string[] = []
    const { lock } = createHoldfast({ env, logger: { warn: (message) => warnings.push(message) } })
    const steps = function* (): Generator<never, string> {
      env.stall(2_000)
      return 'result'
    }
    const generator = lock(freshKey(), options)(steps)
    const asyncGenerator = lock(
      freshKey(),
      options,
    )(async function* () {
      return yield* steps()
    })
    const work = {
      generator: () => generator().next().value,
      asyncGenerator: async () => (await asyncGenerator().next()).value,
      sync: lock(
        freshKey(),
        options,
      )(() => {
        env.stall(2_000)
        return 'result'
      }),
      async: lock(
        freshKey(),
        options,
      )(async () => {
        env.stall(2_000)
        return 'result'
      }),
      promise: lock(
        freshKey(),
        options,
      )(() => {
        env.stall(2_000)
        return Promise.resolve('result')
      }),
    }
    for (const call of Object.values(work)) {
      const outcome = await (async () => call())().catch((error: unknown) => error)
      if (code === undefined) expect(outcome).toBe('result')
      else expect(outcome).toMatchObject({ name: 'LockLostError', code, result: 'result' })
    }
    expect(warnings.length).toBe(5)
  })
})
