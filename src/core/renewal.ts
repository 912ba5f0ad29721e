import { type Mark, markOf } from './env.js'
import type { EndCode } from './errors.js'
import type { Hold } from './hold.js'
import { limited } from './limited.js'
import { renewRetryMs } from './plan.js'
import { leaseMs } from './terms.js'
import { trace } from './trace.js'

/**
 * Renews a hold once. Three outcomes: renewed; refused, which ends the hold; unknown (failed, or no answer in time):
 * tried again until the deadline. An answer that comes after its time limit still counts, for what it is worth by then.
 */
export function renew(hold: Hold): void {
  const { space, terms, owner } = hold
  const { env, store } = space
  const mark = markOf(env, true)
  const ttlMs = leaseMs(terms, hold.heldMs())
  if (ttlMs === null) return
  hold.renewing = true
  const unknown = (error: unknown): void => {
    trace('holdfast:store-failed', { key: terms.key, operation: 'renew', error })
    hold.renewing = false
    hold.renewAtMs = env.nowMs() + renewRetryMs(terms.ttlMs ?? ttlMs, env.random())
    hold.arm()
  }
  const answered = (renewed: boolean): void => {
    if (renewed) renewedAt(hold, mark, ttlMs)
    else refused(hold)
  }
  try {
    const call = store.renew(terms.storeKey, owner, ttlMs)
    if (typeof call === 'boolean') {
      answered(call)
      return
    }
    call.then(answered, () => undefined) // a rejection is told by the limited one
    limited(env, call, terms.storeTimeoutMs, 'renew', false).catch(unknown)
  } catch (error) {
    unknown(error)
  }
}

function renewedAt(hold: Hold, mark: Mark, ttlMs: number): void {
  if (hold.ended !== undefined) return
  hold.renewing = false
  hold.extend(mark, ttlMs)
  trace('holdfast:renewed', { key: hold.terms.key, token: hold.token })
}

/** A refusal is final. Whether it was asked for (a forced release) the store may know. */
function refused(hold: Hold): void {
  const end = (code: EndCode): void => {
    hold.end(code, code === 'LOCK_LOST' ? 'the store does not know the hold any more' : undefined)
  }
  if (hold.space.syncStore !== undefined) end(whyGoneSync(hold))
  else void whyGone(hold).then(end)
}

/** Why the store does not know a hold any more. Never rejects: the reason is a nicety, the loss is not. */
export async function whyGone({ space, terms, owner }: Hold): Promise<EndCode> {
  const { env, store } = space
  if (store.wasRevoked === undefined) return 'LOCK_LOST'
  try {
    const call = Promise.resolve(store.wasRevoked(terms.storeKey, owner))
    return (await limited(env, call, terms.storeTimeoutMs, 'inspect', false)) ? 'LOCK_REVOKED' : 'LOCK_LOST'
  } catch {
    return 'LOCK_LOST'
  }
}

/** The same on a store that answers at once. */
export function whyGoneSync({ space, terms, owner }: Hold): EndCode {
  try {
    return space.syncStore?.wasRevoked?.(terms.storeKey, owner) === true ? 'LOCK_REVOKED' : 'LOCK_LOST'
  } catch {
    return 'LOCK_LOST'
  }
}
