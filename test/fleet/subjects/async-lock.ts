import AsyncLock from 'async-lock'
import type { Held, Subject } from '../subject.js'

/** In this process; it knows no ttl. `waitMs` is its `timeout`. */
export function openAsyncLock(): Promise<Subject> {
  const lock = new AsyncLock({ maxPending: Number.POSITIVE_INFINITY })
  return Promise.resolve({
    acquire: (key, { waitMs }) =>
      new Promise<Held | undefined>((resolve, reject) => {
        if (waitMs === 0 && lock.isBusy(key)) {
          resolve(undefined)
          return
        }
        const body = (done: () => void): void => resolve(heldOf(done))
        const failed = (error?: Error | null): void => {
          if (!error) return
          if (error.message.includes('timed out')) resolve(undefined)
          else reject(error)
        }
        lock.acquire(key, body, failed, waitMs === 0 ? {} : { timeout: waitMs })
      }),
    close: () => Promise.resolve(),
  })
}

function heldOf(done: () => void): Held {
  let held = true
  return {
    token: undefined,
    active: () => held,
    remainingMs: () => undefined,
    onLost: () => undefined,
    release: () => {
      held = false
      done()
      return Promise.resolve()
    },
  }
}
