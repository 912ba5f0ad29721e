import { InvalidOptionError } from './errors.js'
import type { Hold } from './hold.js'
import { asHoldfastError, limited } from './limited.js'
import { defaultTtlMs } from './plan.js'
import { whyGone, whyGoneSync } from './renewal.js'
import { leaseMs } from './terms.js'

/** What another process needs to go on with a hold. Whoever knows the owner can take it over: it is a secret. */
export interface Exported {
  /** Of this form. */
  readonly v: 1
  /** Name of the store, for messages. */
  readonly store: string
  /** Prefix and key. */
  readonly key: string
  readonly owner: string
  readonly limit: number
  readonly permits: number
  /** The lease that it was given when it was exported. */
  readonly leaseMs: number
  /** How much of `expire` and `minHold` had passed by then, and the wall clock. */
  readonly heldMs: number
  readonly wallMs: number
  readonly expireMs?: number | undefined
  readonly minHoldMs: number
}

/** Renews a hold and ends it here, in favour of whoever is given the text. @throws LockLostError, StoreError, InvalidOptionError */
export async function exportHold(hold: Hold): Promise<string> {
  const { space, terms, owner } = hold
  const lastsMs = leaseOf(hold)
  let renewed: boolean
  try {
    const call = Promise.resolve(space.store.renew(terms.storeKey, owner, lastsMs))
    renewed = await limited(space.env, call, terms.storeTimeoutMs, 'renew', true)
  } catch (error) {
    throw asHoldfastError(error, 'renew', terms.key)
  }
  if (!renewed && hold.isActive()) hold.end(await whyGone(hold))
  return textOf(hold, lastsMs)
}

/** The same on a store that answers at once. */
export function exportHoldSync(hold: Hold): string {
  const { space, terms, owner } = hold
  const lastsMs = leaseOf(hold)
  let renewed: boolean | undefined
  try {
    renewed = space.syncStore?.renew(terms.storeKey, owner, lastsMs)
  } catch (error) {
    throw asHoldfastError(error, 'renew', terms.key)
  }
  if (renewed !== true) hold.end(whyGoneSync(hold))
  return textOf(hold, lastsMs)
}

/** What lasts until it is released gets an end: it may be that nobody adopts it. */
function leaseOf(hold: Hold): number {
  const { terms, space } = hold
  if (!hold.isActive(true)) throw hold.lostError()
  if (space.store.capabilities.adopts !== true) {
    throw new InvalidOptionError(`${terms.key}: the store '${space.store.name}' cannot hand a hold over.`, terms.key)
  }
  return leaseMs(terms, hold.heldMs()) ?? defaultTtlMs
}

function textOf(hold: Hold, lastsMs: number): string {
  if (!hold.isActive(true)) throw hold.lostError()
  const { space, terms, owner } = hold
  const { storeKey: key, limit, permits, expireMs, minHoldMs } = terms
  const heldMs = hold.heldMs()
  const wallMs = space.env.wallMs()
  const exported: Exported = {
    ...{ v: 1, store: space.store.name, key, owner, limit, permits },
    ...{ leaseMs: lastsMs, heldMs, wallMs, expireMs, minHoldMs },
  }
  hold.end('LOCK_RELEASED', 'it was exported: whoever adopts it holds now')
  space.gates.get(key)?.freed()
  return Buffer.from(JSON.stringify(exported)).toString('base64url')
}
