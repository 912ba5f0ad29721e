import { createHoldfast, type Holdfast, InvalidOptionError, type Lease, memory, type SyncLease } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { scopeAround } from '../../src/features/scope.js'
import { defaults } from '../../src/features/options.js'
import { lockOn } from '../../src/features/lock.js'
import { Instance, sourceOf } from '../../src/features/instance.js'
import { failureOf, freshKey, latch, thrownBy } from './support/tools.js'
import { rejection, world } from '../support/world.js'

const reentrant = true

/** An instance in memory that counts what the store is asked. */
function counted(): Holdfast<'sync'> & { calls: string[] } {
  const store = memory()
  const calls: string[] = []
  const { acquire, release } = store
  store.acquire = (request) => (calls.push('acquire'), acquire.call(store, request))
  store.release = ((key: string, owner: string, next: never) => (
    calls.push('release'),
    release.call(store, key, owner, next)
  )) as typeof store.release
  return { ...createHoldfast({ store }), calls }
}

describe('a reentrant lock', () => {
  it('lets what runs inside its body in, at any depth, under one token and one hold of the store', async () => {
    const { lock, calls } = counted()
    const key = lock(freshKey(), { reentrant })
    const tokens = await key.run(
      async (a) =>
        await key.run(async (b) => [a.token, b.token, ...(await key.run(({ token }) => [token])), key.isLockedSync()]),
    )
    expect(new Set(tokens.slice(0, 3)).size).toBe(1)
    expect(tokens[3]).toBe(true)
    expect(calls).toEqual(['acquire', 'release'])
    expect(await key.isLocked()).toBe(false)
  })

  it('in sync too, and sync within async', async () => {
    const { lock, calls } = counted()
    const key = lock(freshKey(), { reentrant })
    expect(key.runSync(() => key.runSync(() => key.runSync(({ active }) => active)))).toBe(true)
    expect(await key.run(() => key.runSync(() => 'in'))).toBe('in')
    expect(calls).toEqual(['acquire', 'release', 'acquire', 'release'])
  })

  it('as a wrapper, a decorator of methods and around a plain function that returns a promise', async () => {
    const { lock, calls } = counted()
    const key = freshKey()
    const factorial = lock(`${key}-{0.kind}`, { reentrant })(
      async (of: { kind: string; n: number }): Promise<number> =>
        of.n < 2 ? 1 : of.n * (await factorial({ ...of, n: of.n - 1 })),
    )
    expect(await factorial({ kind: 'a', n: 5 })).toBe(120)
    class Tree {
      @lock(`${key}-tree`, { reentrant })
      async depth(left: number): Promise<number> {
        return left === 0 ? 0 : 1 + (await this.depth(left - 1))
      }
    }
    expect(await new Tree().depth(3)).toBe(3)
    const plain = lock(`${key}-plain`, { reentrant })((left: number): Promise<number> =>
      Promise.resolve().then(async () => (left === 0 ? 0 : 1 + (await plain(left - 1)))),
    )
    expect(await plain(3)).toBe(3)
    expect(calls).toEqual(['acquire', 'release', 'acquire', 'release', 'acquire', 'release'])
  })

  it('keeps siblings apart: in order, one at a time', async () => {
    const { lock } = counted()
    const key = lock(freshKey(), { reentrant, wait: true })
    const order: string[] = []
    const inner = async (name: string): Promise<void> =>
      await key.run(async () => {
        order.push(`${name} in`)
        await key.run(() => undefined) // deeper: at once
        await new Promise(setImmediate)
        order.push(`${name} out`)
      })
    await key.run(() => Promise.all([inner('a'), inner('b'), inner('c')]))
    expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  })

  it('refuses a sibling that does not wait, and says who is inside', async () => {
    const { lock } = counted()
    const key = freshKey()
    await lock(key, { reentrant }).run(async () => {
      const lease = await lock(key, { reentrant, label: 'first' }).acquire()
      const refused = await failureOf(() => lock(key, { reentrant }).run(() => undefined))
      expect(refused.code).toBe('LOCKED')
      expect(refused.message).toContain('"first"')
      expect(thrownBy(() => lock(key, { reentrant, wait: true }).acquireSync()).code).toBe('LOCK_TIMEOUT')
      expect(await lock(key, { reentrant }).tryAcquire()).toBeUndefined()
      expect(lock(key, { reentrant }).tryAcquireSync()).toBeUndefined()
      expect(await lease.release()).toBe(true)
      expect(await lease.release()).toBe(false)
      const next = lock(key, { reentrant }).tryAcquireSync()
      expect(next?.active).toBe(true)
      expect(next?.release()).toBe(true)
    })
    expect(await lock(key).isLocked()).toBe(false)
  })

  it('gives a sibling up when its wait is over, when its signal aborts, or when too many wait', async () => {
    const { time, holdfast } = world()
    const lock = holdfast.lock
    const stop = new AbortController()
    const free = latch()
    const done = lock('k', { reentrant }).run(async () => {
      const inside = lock('k', { reentrant }).run(() => free.promise)
      const late = rejection(lock('k', { reentrant, wait: 50 }).acquire())
      const stopped = rejection(lock('k', { reentrant, wait: true, signal: stop.signal }).acquire())
      const tried = lock('k', { reentrant, wait: 70 }).tryAcquire()
      const patient = lock('k', { reentrant, wait: 1000 }).run(() => 'its turn')
      stop.abort(new Error('no longer'))
      await time.advance(60)
      expect(await late).toMatchObject({ code: 'LOCK_TIMEOUT' })
      expect(await stopped).toMatchObject({ message: 'no longer' })
      await time.advance(60)
      expect(await tried).toBeUndefined()
      free.open()
      await inside
      return await patient
    })
    await time.advance(1000)
    expect(await done).toBe('its turn')
  })

  it('acquires properly where the scope around has ended', async () => {
    const { lock, calls } = counted()
    const key = lock(freshKey(), { reentrant, wait: true })
    const ended = latch()
    let later: Promise<string> | undefined
    await key.run(() => {
      later = ended.promise.then(() => key.run(() => 'on its own'))
    })
    await using other = await key.acquire()
    ended.open()
    await new Promise(setImmediate)
    expect(calls.filter((call) => call === 'acquire').length).toBeGreaterThanOrEqual(2)
    expect(other.active).toBe(true)
    await other.release()
    expect(await later).toBe('on its own')
  })

  it('goes on for an inner body that outlives its scope: the hold ends with the last', async () => {
    const { lock, calls } = counted()
    const key = lock(freshKey(), { reentrant })
    const free = latch()
    const more = latch()
    let inner: Promise<boolean> | undefined
    let waiting: Promise<string> | undefined
    let token: number | undefined
    await key.run(async (lease) => {
      token = lease.token
      inner = key.run(async (share) => {
        await free.promise
        expect(share.token).toBe(token)
        return share.active && (await key.run(async () => await more.promise.then(() => true)))
      })
      waiting = lock(key.key, { reentrant, wait: true }).run(() => 'after it')
      await Promise.resolve()
    })
    expect(await key.tryAcquire()).toBeUndefined()
    free.open()
    await new Promise(setImmediate)
    expect(calls).not.toContain('release')
    more.open()
    expect(await inner).toBe(true)
    expect(await waiting).toBe('after it')
    expect(await key.isLocked()).toBe(false)
  })

  it('tells inner leases of the loss of the hold', async () => {
    const { time, holdfast, store } = world()
    const key = holdfast.lock('k', { ttl: 1000, reentrant, wait: true })
    const inner: Lease[] = []
    let waiting: Promise<string> | undefined
    const outer = rejection(
      key.run(async () => {
        const failed = await rejection(
          key.run(async (lease) => {
            inner.push(lease)
            waiting = key.run(() => 'acquired anew').catch((error: unknown) => String(error))
            store.always('renew', { request: 'lost' })
            await new Promise((resolve) => lease.signal.addEventListener('abort', resolve))
            expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST', key: 'k' })
            expect(() => lease.assertActive()).toThrow('lost')
            expect(lease.remainingMs).toBe(0)
          }),
        )
        expect(failed).toMatchObject({ code: 'LOCK_LOST' })
        store.heal()
      }),
    )
    await time.advance(5000)
    expect(await outer).toMatchObject({ code: 'LOCK_LOST' })
    expect(inner[0]?.active).toBe(false)
    await time.advance(5000)
    expect(await waiting).toBe('acquired anew')
  })

  it('is entered by key, store and prefix, and only where both say so', async () => {
    const shared = memory()
    const one = createHoldfast({ store: shared, stores: { other: memory() }, prefix: 'a:' })
    const two = createHoldfast({ store: shared, prefix: 'b:' })
    const key = freshKey()
    await one.lock(key, { reentrant }).run(async () => {
      const leases: (SyncLease | undefined)[] = [
        two.lock(key, { reentrant }).tryAcquireSync(),
        one.lock(key, { reentrant, store: 'other' }).tryAcquireSync(),
        one.lock(`${key}2`, { reentrant }).tryAcquireSync(),
      ]
      const own = leases.map((lease) => lease?.token)
      expect(own).not.toContain(undefined)
      expect(await one.lock(key).tryAcquire()).toBeUndefined() // the inner does not say so
    })
    await one.lock(key).run(async () => {
      expect(await one.lock(key, { reentrant }).tryAcquire()).toBeUndefined() // the outer does not
    })
  })

  it('is a lock for writers too, whose readers may enter; readers enter no readers', async () => {
    const { rwLock } = createHoldfast()
    const { read, write } = rwLock(freshKey(), { reentrant })
    await write.run(async (outer) => {
      expect(await write.run(({ token }) => token)).toBe(outer.token)
      expect(await read.run(({ token }) => token)).toBe(outer.token)
      await write.run(async (inner) => {
        expect((await failureOf(() => inner.downgrade())).code).toBe('INVALID_OPTION')
        expect((await failureOf(() => outer.downgrade())).code).toBe('INVALID_OPTION')
      })
      await using reading = await outer.downgrade()
      expect(reading.active).toBe(true)
    })
    await read.run(async () => {
      expect(await Promise.all([read.run(() => 1), read.run(() => 2)])).toEqual([1, 2])
      expect(await write.tryAcquire()).toBeUndefined()
    })
  })

  it('is refused where it means nothing', () => {
    const { once, pool, lock } = createHoldfast()
    const given = { reentrant } as object
    for (const make of [() => once('k', given), () => pool('k', { max: 2, ...given })]) {
      expect(thrownBy(make)).toBeInstanceOf(InvalidOptionError)
      expect(thrownBy(make).message).toContain('reentrant')
    }
    for (const fn of [function* () {}, async function* () {}]) {
      expect(thrownBy(() => lock('k', { reentrant })(fn)).message).toContain('generator')
    }
    expect(() => once('k', { reentrant: false } as object)).not.toThrow()
  })

  it('ends when its instance is closed, and who waits inside is told', async () => {
    const { lock, close } = createHoldfast()
    const key = lock(freshKey(), { reentrant, wait: true })
    const free = latch()
    let waiting: Promise<unknown> | undefined
    const outer = key.run(async () => {
      const inside = key.run(async (lease) => {
        await free.promise
        return lease.active
      })
      waiting = rejection(key.acquire())
      return await inside
    })
    await new Promise(setImmediate)
    await close()
    expect(await waiting).toBeInstanceOf(InvalidOptionError)
    free.open()
    expect(await outer).toBe(false)
  })

  it('keeps no chain of scopes that have ended', async () => {
    const instance = new Instance({})
    const key = lockOn(sourceOf(instance))('k', { reentrant })
    const { space, terms } = instance.placeOf('k', defaults)
    const outer = await new Promise((resolve, reject) => {
      const next = (left: number): void => {
        const body = (): void => {
          if (left === 0) resolve(scopeAround(space, terms)?.outer)
          else setImmediate(next, left - 1)
        }
        key.run(body).catch(reject)
      }
      next(3)
    })
    expect(outer).toBeUndefined()
    await instance.close()
  })
})

it('an inner lease cannot be exported, and hears that its instance is being closed', async () => {
  const { lock, close } = createHoldfast()
  const one = lock('k', { reentrant: true })
  let closed: Promise<void> | undefined
  await one.run(() =>
    one.run(async (inner) => {
      await expect(async () => await inner.export()).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('export the outer lease') as string,
      })
      closed = close({ drainMs: 5_000 })
      expect(inner.closing.aborted).toBe(true)
      expect(inner.active).toBe(true)
    }),
  )
  await closed
})
