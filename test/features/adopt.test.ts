import { describe, expect, inject, it } from 'vitest'
import { createHoldfast, type Holdfast } from 'holdfast'
import { blocking } from 'holdfast/blocking'
import { fenceGate } from 'holdfast/fence'
import { onEachBackend } from './support/backends.js'
import { failureOf, freshKey, thrownBy, until } from './support/tools.js'

/** What can be handed over, and by what it is adopted. */
const kinds = {
  'a lock': (on: Holdfast<'async'>, key: string) => on.lock(key, { label: 'job' }),
  'a permit of a pool': (on: Holdfast<'async'>, key: string) => on.pool(key, { max: 3 }),
  'several permits of a pool': (on: Holdfast<'async'>, key: string) => on.pool(key, { max: 3, permits: 2 }),
  'a read lock': (on: Holdfast<'async'>, key: string) => on.rwLock(key).read,
  'a write lock': (on: Holdfast<'async'>, key: string) => on.rwLock(key).write,
  once: (on: Holdfast<'async'>, key: string) => on.once(key),
}

describe('lease.export() and adopt()', () => {
  onEachBackend(({ name, open }) => {
    it.each(Object.entries(kinds))('hand over %s, under a new token', async (_, of) => {
      const [giver, receiver] = [open(), open()]
      const key = freshKey()
      const given = await of(giver, key).acquire()
      const exported = await given.export()
      const lease = await of(receiver, key).adopt(exported)
      expect([lease.key, lease.active, given.active]).toEqual([key, true, false])
      expect(lease.token).toBeGreaterThan(given.token)
      expect((await giver.lock(key).inspect())?.holders.map(({ token }) => token)).toEqual([lease.token])
      expect(await given.release()).toBe(false)
      expect(await lease.release()).toBe(true)
      expect(await giver.lock(key).isLocked()).toBe(false)
    })

    it.each(Object.entries(kinds))('let nobody adopt %s twice', async (_, of) => {
      const [giver, ...receivers] = [open(), open(), open(), open()]
      const key = freshKey()
      const exported = await (await of(giver, key).acquire()).export()
      const outcomes = await Promise.allSettled(receivers.map((receiver) => of(receiver, key).adopt(exported)))
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const again = await failureOf(() => of(giver, key).adopt(exported))
      expect(again).toMatchObject({ name: 'LockLostError', code: 'LOCK_LOST', key })
      expect(again.message).toContain('it was adopted before')
      expect((await giver.lock(key).inspect())?.holders).toHaveLength(1)
    })

    it('end the lease that is exported: it says so, and nothing is released', async () => {
      const holdfast = open()
      const handle = holdfast.lock(freshKey())
      const lease = await handle.acquire()
      await lease.export()
      expect([lease.active, lease.remainingMs, lease.signal.aborted]).toEqual([false, 0, false])
      const error = thrownBy(() => lease.assertActive())
      expect(error).toMatchObject({ code: 'LOCK_RELEASED' })
      expect(error.message).toContain('exported')
      expect(await failureOf(() => lease.export())).toMatchObject({ code: 'LOCK_RELEASED' })
      expect([await lease.release(), await handle.release()]).toEqual([false, false])
      expect(await handle.isLocked()).toBe(true)
    })

    it('work from within a body, whose end releases nothing', async () => {
      const [giver, receiver] = [open(), open()]
      const key = freshKey()
      const exported = await giver.lock(key).run((lease) => lease.export())
      expect(await giver.lock(key).isLocked()).toBe(true)
      await using lease = await receiver.lock(key).adopt(exported)
      expect(lease.active).toBe(true)
    })

    it('export once, however many ask at the same time', async () => {
      const lease = await open().lock(freshKey()).acquire()
      const outcomes = await Promise.allSettled([lease.export(), lease.export(), lease.export()])
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    it('let nobody in who waits, of any process, and let them have their turn afterwards', async () => {
      const [giver, receiver, other] = [open(), open(), open()]
      const key = freshKey()
      const lease = await giver.lock(key).acquire()
      const granted: string[] = []
      const waits = [giver, other].map(async (holdfast, index) => {
        const next = await holdfast.lock(key, { wait: '30s' }).acquire()
        granted.push(`waiter ${index}`)
        await next.release()
      })
      const waiters = async (): Promise<number> => (await giver.lock(key).inspect())?.waiters.length ?? 0
      await until('both wait', async () => (await waiters()) >= 2)
      const adopted = await receiver.lock(key).adopt(await lease.export())
      await until('they wait still', async () => (await waiters()) >= 2)
      expect([granted, adopted.active]).toEqual([[], true])
      await adopted.release()
      await Promise.all(waits)
      expect(granted).toHaveLength(2)
    })

    it('leave the other holders of a pool alone', async () => {
      const [giver, receiver] = [open(), open()]
      const options = { max: 3 }
      const key = freshKey()
      const [first, second] = [await giver.pool(key, options).acquire(), await giver.pool(key, options).acquire()]
      const adopted = await receiver.pool(key, options).adopt(await first.export())
      expect([second.active, adopted.active, await giver.pool(key, options).size()]).toEqual([true, true, 2])
      await adopted.release()
      expect(await giver.pool(key, options).size()).toBe(1)
    })

    it('let a write lock that was adopted be downgraded', async () => {
      const [giver, receiver] = [open(), open()]
      const key = freshKey()
      const write = await receiver.rwLock(key).write.adopt(await (await giver.rwLock(key).write.acquire()).export())
      const read = await write.downgrade()
      expect(read.token).toBe(write.token)
      expect(await giver.rwLock(key).read.tryAcquire()).toBeDefined()
    })

    it('show the new holder to those who look', async () => {
      const [giver, receiver] = [open(), open()]
      const key = freshKey()
      const exported = await (await giver.lock(key, { label: 'the giver' }).acquire()).export()
      await receiver.lock(key, { label: 'the receiver' }).adopt(exported)
      expect((await giver.lock(key).inspect())?.holders.map(({ label }) => label)).toEqual(['the receiver'])
    })

    it('do not work on a hold that was released by force in between', async () => {
      const [giver, receiver] = [open(), open()]
      const key = freshKey()
      const exported = await (await giver.lock(key).acquire()).export()
      await receiver.lock(key).forceRelease()
      const { code } = await failureOf(() => receiver.lock(key).adopt(exported))
      expect(code).toBe(name === 'memory' ? 'LOCK_LOST' : 'LOCK_REVOKED')
      expect(await receiver.lock(key).isLocked()).toBe(false)
    })

    it('tell the adopter of a forced release, and not the giver', async () => {
      const [giver, receiver] = [open(), open()]
      const key = freshKey()
      const given = await giver.lock(key).acquire()
      const lease = await receiver.lock(key).adopt(await given.export())
      const told = new Promise((resolve) => lease.signal.addEventListener('abort', resolve))
      await receiver.lock(key).forceRelease()
      await told
      expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
      expect(given.signal.aborted).toBe(false)
    })

    it('do not take a key that came free, however free it is', async () => {
      const [giver, receiver] = [open(), open()]
      const key = freshKey()
      const lease = await receiver.lock(key).adopt(await (await giver.lock(key).acquire()).export())
      const exported = await lease.export()
      await (await giver.lock(key).adopt(exported)).release()
      expect((await failureOf(() => receiver.lock(key).adopt(exported))).code).toBe('LOCK_LOST')
      expect(await receiver.lock(key).isLocked()).toBe(false)
    })

    it('refuse what is of another key, prefix or kind, and name both', async () => {
      const [giver, elsewhere] = [open(), open({ prefix: 'elsewhere:' })]
      const [key, other] = [freshKey('a'), freshKey('b')]
      const exported = await (await giver.lock(key).acquire()).export()
      const wrong = {
        key: await failureOf(() => giver.lock(other).adopt(exported)),
        prefix: await failureOf(() => elsewhere.lock(key).adopt(exported)),
        kind: await failureOf(() => giver.pool(key, { max: 7, permits: 2 }).adopt(exported)),
      }
      for (const error of Object.values(wrong)) expect(error).toMatchObject({ code: 'INVALID_OPTION' })
      expect(wrong.key.message).toContain('holdfast:a-')
      expect(wrong.key.message).toContain('holdfast:b-')
      expect(wrong.prefix.message).toContain('elsewhere:a-')
      expect(wrong.kind.message).toMatch(/takes 1 of 1 permits, and this lock 2 of 7/)
      expect((await giver.lock(key).adopt(exported)).active).toBe(true) // nothing of that has used it up
    })

    it('refuse garbage, and show nothing of it', async () => {
      const handle = open().lock(freshKey())
      const exported = await (await handle.acquire()).export()
      const read = JSON.parse(Buffer.from(exported, 'base64url').toString()) as Record<string, unknown>
      const sealed = (changes: object): string =>
        Buffer.from(JSON.stringify({ ...read, ...changes })).toString('base64url')
      const junk: unknown[] = [
        ...['', 'garbage', '{}', exported.slice(0, -5), exported.slice(5), undefined, null, 5, {}, [exported]],
        ...[{ owner: 'a\nb' }, { owner: 5 }, { leaseMs: 'x' }, { expireMs: -1 }, { heldMs: null }, { key: 1 }].map(
          sealed,
        ),
      ]
      for (const text of junk) {
        const error = await failureOf(() => handle.adopt(text as string))
        expect(error).toMatchObject({
          code: 'INVALID_OPTION',
          message: expect.stringContaining('lease.export()') as string,
        })
        if (typeof text === 'string' && text !== '') expect(error.message).not.toContain(text)
      }
      const later = await failureOf(() => handle.adopt(sealed({ v: 2 })))
      expect(later.message).toContain('form 2')
      expect((await handle.adopt(exported)).active).toBe(true)
    })

    it('keep the owner out of every message', async () => {
      const warnings: string[] = []
      const holdfast = open({ logger: { warn: (text) => warnings.push(text) } })
      const handle = holdfast.lock(freshKey())
      const exported = await (await handle.acquire()).export()
      const { owner } = JSON.parse(Buffer.from(exported, 'base64url').toString()) as { owner: string }
      const errors = [await failureOf(() => holdfast.lock(freshKey()).adopt(exported))]
      await handle.adopt(exported)
      errors.push(await failureOf(() => handle.adopt(exported)))
      for (const text of [...warnings, ...errors.flatMap((error) => [error.message, String(error.stack)])]) {
        expect(text).not.toContain(owner)
        expect(text).not.toContain(exported)
      }
    })

    it('are refused by an instance that was closed', async () => {
      const holdfast = open()
      const handle = holdfast.lock(freshKey())
      const exported = await (await handle.acquire()).export()
      await holdfast.close()
      expect((await failureOf(() => handle.adopt(exported))).message).toContain('closed')
    })

    it('refuse the late write of the giver, where tokens are checked', async () => {
      const [giver, receiver] = [open(), open()]
      const gate = fenceGate()
      const key = freshKey()
      const given = await giver.lock(key).acquire()
      gate.admit(given)
      const lease = await receiver.lock(key).adopt(await given.export())
      gate.admit(lease)
      expect(thrownBy(() => gate.admit({ key, token: given.token }))).toMatchObject({ code: 'STALE_TOKEN' })
    })
  })

  it.each([
    ['memory', () => undefined],
    ['blocking over redis', () => blocking(inject('redisUrl'))],
  ])('hand over once without promises, on %s, to the same kind of lock', async (_, storeOf) => {
    await using holdfast = createHoldfast({ store: storeOf() ?? 'memory:' })
    const handle = holdfast.lock(freshKey(), { ttl: '30s' })
    const given = handle.acquireSync()
    const exported = given.export()
    expect(given.active).toBe(false)
    using lease = handle.adoptSync(exported)
    expect([lease.active, lease.token > given.token]).toEqual([true, true])
    expect(thrownBy(() => handle.adoptSync(exported))).toMatchObject({ code: 'LOCK_LOST' })
    expect(thrownBy(() => given.export())).toMatchObject({ code: 'LOCK_RELEASED' })
    expect(thrownBy(() => holdfast.lock(freshKey()).adoptSync(exported)).code).toBe('INVALID_OPTION')
  })

  it('go from a thread that blocks to a store that answers with promises, and back', async () => {
    await using sync = createHoldfast({ store: blocking(inject('redisUrl')) })
    await using async = createHoldfast({ store: inject('redisUrl') })
    const key = freshKey()
    const lease = await async.lock(key).adopt(sync.lock(key).acquireSync().export())
    using back = sync.lock(key).adoptSync(await lease.export())
    expect([lease.active, back.active]).toEqual([false, true])
  })

  it('ask for a call without Sync where the store answers with promises', async () => {
    await using holdfast = createHoldfast({ store: inject('redisUrl') })
    const handle = holdfast.lock(freshKey()) as unknown as { adoptSync(text: string): unknown }
    expect(thrownBy(() => handle.adoptSync('x')).code).toBe('SYNC_UNSUPPORTED')
  })
})
