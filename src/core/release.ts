import type { Handed } from './handed.js'
import type { HoldfastError } from './errors.js'
import type { Hold } from './hold.js'
import { asHoldfastError, limited } from './limited.js'
import type { Handoff } from './store.js'
import { trace } from './trace.js'

/**
 * Ends a hold. With a waiter of this process it is passed on, in memory while its turns last, else by the call that
 * releases it. false: it had already ended. @throws StoreError
 */
export async function release(hold: Hold): Promise<boolean> {
  const { space, terms } = hold
  if (space.syncStore !== undefined) return releaseSync(hold)
  if (!hold.isActive()) return false
  const leftMs = hold.minHoldLeftMs()
  const gate = space.gates.get(terms.storeKey)
  if (gate?.passOn(hold) === true) return true
  space.begin() // or the store could be closed before it is told
  hold.end('LOCK_RELEASED')
  const handed = leftMs > 0 ? undefined : gate?.handOver(terms)
  try {
    return await letGo(hold, leftMs, handed)
  } catch (error) {
    throw failed(hold, leftMs, handed, error)
  } finally {
    space.done()
    if (handed === undefined) gate?.freed()
  }
}

/** The same on a store that answers at once. @throws StoreError */
export function releaseSync(hold: Hold): boolean {
  if (!hold.isActive()) return false
  const { gates } = hold.space
  const gate = gates.size === 0 ? undefined : gates.get(hold.terms.storeKey)
  if (gate?.passOn(hold) === true) return true
  const leftMs = hold.minHoldLeftMs()
  hold.end('LOCK_RELEASED')
  const handed = leftMs > 0 ? undefined : gate?.handOver(hold.terms)
  try {
    return letGoSync(hold, leftMs, handed)
  } catch (error) {
    throw failed(hold, leftMs, handed, error)
  } finally {
    if (handed === undefined) gate?.freed()
  }
}

/** Sees to what a failed release leaves behind, and gives the error. What has to stay held is left to its lease. */
export function failed(
  { space, terms, owner }: Hold,
  leftMs: number,
  handed: Handed | undefined,
  error: unknown,
): HoldfastError {
  const failure = asHoldfastError(error, 'release', terms.key)
  trace('holdfast:store-failed', { key: terms.key, operation: 'release', error: failure })
  handed?.failed(failure)
  if (leftMs <= 0) space.cleanUp(terms, owner)
  return failure
}

/** Tells the store that a hold has ended; `leftMs`: for how much longer the key is to stay held. */
export function letGoSync({ space, terms, owner }: Hold, leftMs: number, handed: Handed | undefined): boolean {
  const { syncStore } = space
  if (syncStore === undefined) throw new TypeError('a hold of an async store was released in sync') // a fault of ours
  if (handed !== undefined) return takeHandoff(handed, syncStore.release(terms.storeKey, owner, handed.request))
  return leftMs > 0 ? syncStore.renew(terms.storeKey, owner, leftMs) : syncStore.release(terms.storeKey, owner)
}

/** The same by promise. No async function: a promise less in every release. */
export function letGo({ space, terms, owner }: Hold, leftMs: number, handed: Handed | undefined): Promise<boolean> {
  const { env, store } = space
  const { storeKey, storeTimeoutMs } = terms
  if (leftMs > 0) {
    return limited(env, Promise.resolve(store.renew(storeKey, owner, leftMs)), storeTimeoutMs, 'release', true)
  }
  if (handed === undefined) {
    return limited(env, Promise.resolve(store.release(storeKey, owner)), storeTimeoutMs, 'release', true)
  }
  const call = Promise.resolve(store.release(storeKey, owner, handed.request))
  const late = ({ next }: Handoff): void => {
    handed.late(next)
  }
  return limited(env, call, storeTimeoutMs, 'release', true, late).then((handoff) => takeHandoff(handed, handoff))
}

function takeHandoff(handed: Handed, { released, next }: Handoff): boolean {
  handed.answered(next)
  return released
}
