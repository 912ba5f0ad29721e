/** In memory: an uncontended acquire and release of one key, beside those who keep one mutex for each key. */
import AsyncLock from 'async-lock'
import { Mutex } from 'async-mutex'
import { createHoldfast } from 'holdfast'
import type { Task } from './measure.js'

/** One run is this many pairs, so that the timer of the harness does not count. */
export const pairsPerRun = 1000

export function memoryTasks(): Task[] {
  const { lock } = createHoldfast()
  const handle = lock('key')
  const mutexes = new Map<string, Mutex>()
  const asyncLock = new AsyncLock({ maxPending: Number.POSITIVE_INFINITY })
  return [
    {
      name: 'async-mutex in a Map by key',
      run: async () => {
        for (let i = 0; i < pairsPerRun; i++) {
          let mutex = mutexes.get('key')
          if (mutex === undefined) mutexes.set('key', (mutex = new Mutex()))
          const release = await mutex.acquire()
          release()
          if (!mutex.isLocked()) mutexes.delete('key')
        }
      },
    },
    {
      name: 'async-lock',
      run: async () => {
        for (let i = 0; i < pairsPerRun; i++) {
          const done = await new Promise<() => void>((resolve) => {
            asyncLock.acquire('key', resolve, () => undefined)
          })
          done()
        }
      },
    },
    {
      name: 'holdfast, async',
      run: async () => {
        for (let i = 0; i < pairsPerRun; i++) await (await handle.acquire()).release()
      },
    },
    {
      name: 'holdfast, async, a handle for each call',
      run: async () => {
        for (let i = 0; i < pairsPerRun; i++) await (await lock('key').acquire()).release()
      },
    },
    {
      name: 'holdfast, sync',
      run: () => {
        for (let i = 0; i < pairsPerRun; i++) handle.acquireSync().release()
      },
    },
  ]
}
