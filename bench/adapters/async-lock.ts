import AsyncLock from 'async-lock'
import type { Instance } from '../library.js'

type Done = () => void

export function openAsyncLock(): Instance<Done> {
  const lock = new AsyncLock({ maxPending: Number.POSITIVE_INFINITY })
  return {
    acquire: (key) =>
      new Promise((resolve) => {
        lock.acquire(key, resolve, () => undefined)
      }),
    release: (done) => done(),
  }
}
