import type { Deadline } from './deadline.js'
import { markOf } from './env.js'
import type { EndCode } from './errors.js'
import type { Hold } from './hold.js'
import { limited } from './limited.js'
import { renewAfterMs, renewRetryMs } from './plan.js'
import { leaseMs } from './terms.js'
import { trace } from './trace.js'

/**
 * Renews a hold once. Three outcomes: renewed; refused, which ends the hold; unknown (failed, or no answer in time):
 * tried again until the deadline. An answer that comes after its time limit still counts, for what it is worth by then.
 */
export function renew(hold: Hold, deadline: Deadline): void {
  const { space, terms, owner } = hold
  const { env, store } = space
  const mark = markOf(env, true)
  const ttlMs = leaseMs(terms, hold.heldMs())
  if (ttlMs === null) return
  // what is left may be shorter than what is asked for: a waiter's first lease is
  const leftMs = Math.min(deadline.leaseMs ?? ttlMs, terms.ttlMs ?? ttlMs)
  deadline.renewing = true
  const unknown = (error: unknown): void => {
    trace('holdfast:store-failed', { key: terms.key, operation: 'renew', error })
    deadline.renewing = false
    deadline.renewAtMs = Math.ceil(env.nowMs() + renewRetryMs(leftMs, env.random()))
    hold.arm()
  }
  const answered = (renewed: boolean): void => {
    if (!renewed) {
      const heir = hold.ended === undefined ? hold : space.holds.find(owner) // it was passed on meanwhile
      if (heir !== undefined) refused(heir)
    } else if (hold.ended === undefined) {
      deadline.renewing = false
      hold.extend(mark, ttlMs)
      trace('holdfast:renewed', { key: terms.key, token: hold.token })
    }
  }
  try {
    const call = store.renew(terms.storeKey, owner, ttlMs)
    if (typeof call === 'boolean') {
      answered(call)
      return
    }
    call.then(answered, () => undefined) // a rejection is told by the limited one
    limited(env, call, Math.min(terms.storeTimeoutMs, renewAfterMs(leftMs)), 'renew', false).catch(unknown)
  } catch (error) {
    unknown(error)
  }
}

/** A refusal is final. Whether it was asked for (a forced release) the store may know. */
function refused(hold: Hold): void {
  hold.deadline?.refuse()
  const end = (code: EndCode): void => {
    hold.end(code, code === 'LOCK_LOST' ? 'the store does not know the hold any more' : undefined)
  }
  if (hold.space.syncStore !== undefined) end(whyGoneSync(hold))
  else void whyGone(hold, false).then(end)
}

/** So long, at most, a loss may wait for its reason: the holder goes on meanwhile. */
const whyLimitMs = 250

type Asked = Pick<Hold, 'space' | 'terms' | 'owner'>

/** Why the store does not know a hold any more. Never rejects: the reason is a nicety, the loss is not. */
export async function whyGone({ space, terms, owner }: Asked, keepAlive = true): Promise<EndCode> {
  const { env, store } = space
  try {
    const call = Promise.resolve(store.wasRevoked?.(terms.storeKey, owner))
    const limitMs = Math.min(terms.storeTimeoutMs, whyLimitMs)
    return (await limited(env, call, limitMs, 'inspect', keepAlive)) ? 'LOCK_REVOKED' : 'LOCK_LOST'
  } catch {
    return 'LOCK_LOST'
  }
}

/** The same on a store that answers at once. */
export function whyGoneSync({ space, terms, owner }: Asked): EndCode {
  try {
    return space.syncStore?.wasRevoked?.(terms.storeKey, owner) === true ? 'LOCK_REVOKED' : 'LOCK_LOST'
  } catch {
    return 'LOCK_LOST'
  }
}
