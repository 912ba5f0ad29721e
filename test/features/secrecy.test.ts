import { inspect as show } from 'node:util'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it } from 'vitest'
import { createHoldfast, memory, type StoreSpec } from 'holdfast'
import { faulty } from 'holdfast/testing'
import { printed } from '../support/printed.js'
import { freshKey } from './support/tools.js'

const channels = ['acquired', 'contended', 'released', 'ended', 'renewed', 'store-failed'].map(
  (name) => `holdfast:${name}`,
)

/** A program that prints what it gets, and the owners that its store was asked for. */
async function everythingPrinted(): Promise<{ texts: string; owners: string[] }> {
  const records = memory()
  const store = faulty(records)
  const things: unknown[] = []
  const note = (message: unknown): void => void things.push(message)
  for (const channel of channels) subscribe(channel, note)
  const warn = (message: string): void => void things.push(message)
  for (const spec of [store, records]) {
    const holdfast = createHoldfast({ store: spec as StoreSpec, logger: { warn } })
    const { lock } = holdfast
    const [key, broken] = [freshKey(), freshKey()]
    const handle = lock(key, { label: 'label', ttl: '60s' })
    const waiting = lock(key, { wait: '10ms' })
    const lease = await handle.acquire()
    const caught = async (call: () => Promise<unknown>): Promise<void> => {
      things.push(await call().catch((error: unknown) => error))
    }
    await Promise.all([caught(() => waiting.acquire()), caught(() => handle.acquire())])
    things.push(
      await handle.inspect(),
      handle,
      lock(key)(async () => {}),
      lease,
      lease.signal,
    )
    await lock(key).forceRelease()
    await caught(() => Promise.resolve(lease.signal.reason))
    await caught(async () => lease.assertActive())
    store.next('acquire', { fail: 'not-applied' }, 9)
    await caught(() => lock(broken).acquire())
    store.heal()
    await lock(broken).forceRelease() // the other store did not fail
    const kept = await lock(broken).acquire()
    store.next('release', { fail: 'not-applied' })
    await caught(() => kept.release())
    things.push(await lock(broken).inspect(), kept, holdfast)
    await holdfast.close()
  }
  for (const channel of channels) unsubscribe(channel, note)
  const owners = store.calls.flatMap(({ owner }) => (owner === undefined ? [] : [owner]))
  return { texts: things.map(printed).join('\n'), owners }
}

describe('the owner', () => {
  it('never appears in what leases, handles, errors, inspections, warnings and traces show', async () => {
    const { texts, owners } = await everythingPrinted()
    expect(owners.length).toBeGreaterThan(3)
    expect(texts).toContain('STORE_FAILED')
    expect(texts).toContain('LOCK_REVOKED')
    expect(texts).toContain('LOCK_TIMEOUT')
    for (const owner of owners) {
      expect(texts).not.toContain(owner)
      expect(texts).not.toContain(owner.split('.')[0])
    }
  })
})

describe('a lease', () => {
  it('prints its class and nothing else, and has no own properties', () => {
    const { lock } = createHoldfast()
    const lease = lock(freshKey()).acquireSync()
    expect(show(lease)).toBe('SyncLease {}')
    expect(JSON.stringify(lease)).toBe('{}')
    expect(Reflect.ownKeys(lease)).toEqual([])
  })
})
