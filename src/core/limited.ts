import type { Env, KeepAlive } from './env.js'
import { HoldfastError, type Outcome, StoreError } from './errors.js'
import { openTimeoutMs } from './plan.js'
import type { Space } from './space.js'

/**
 * `call`, or a StoreError of unknown outcome when `limitMs` is over first. A later answer goes to `late`; a later rejection
 * is never unhandled.
 */
export function limited<T>(
  env: Env,
  call: Promise<T>,
  limitMs: number,
  operation: string,
  keepAlive: KeepAlive,
  late?: (value: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let over = false
    const timeOut = (): void => {
      over = true
      const text = `no answer within ${String(Math.round(limitMs))} ms. Is the store reachable, and not overloaded?`
      reject(new StoreError(operation, text, { outcome: 'unknown' }))
    }
    const timer = env.setTimer(timeOut, limitMs, keepAlive)
    call.then(
      (value) => {
        timer.clear()
        if (over) late?.(value)
        else resolve(value)
      },
      (error: unknown) => {
        timer.clear()
        reject(error instanceof Error ? error : new Error(String(error)))
      },
    )
  })
}

/** Calls a store that may throw where it should reject. */
export function invoke<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return Promise.resolve(call())
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Opens the store if it has to be, before its first call; undefined: it can be called. */
export function open({ env, store }: Pick<Space, 'env' | 'store'>, operation: string): Promise<void> | undefined {
  try {
    const opening = store.ready?.(operation)
    return opening === undefined ? undefined : limited(env, opening, openTimeoutMs, operation, true)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Anything a store throws, as one of our errors with the user's key in it. */
export function asHoldfastError(error: unknown, operation: string, key: string): HoldfastError {
  if (error instanceof HoldfastError) {
    ;(error as { key: string | undefined }).key = key // stores do not know the user's key
    return error
  }
  const detail = error instanceof Error ? error.message : String(error)
  return new StoreError(operation, detail, { key, cause: error })
}

/** May a call that failed with `error` have had its effect? */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof StoreError) return error.outcome
  return error instanceof HoldfastError ? 'not-applied' : 'unknown'
}
