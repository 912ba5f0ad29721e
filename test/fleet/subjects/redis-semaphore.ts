import { Mutex, Semaphore, TimeoutError } from 'redis-semaphore'
import type { Ask, Held, Setting, Subject } from '../subject.js'
import { clientOf } from './ioredis.js'

export function openRedisSemaphore(setting: Setting): Promise<Subject> {
  const client = clientOf(setting)
  return Promise.resolve({
    async acquire(key, ask) {
      const { limit = 1, ttlMs, waitMs, signal } = ask
      const lost: (() => void)[] = []
      const options = {
        lockTimeout: ttlMs,
        // with a time of 0 it does not even ask once
        ...(waitMs === 0 ? { acquireAttemptsLimit: 1 } : { acquireTimeout: waitMs }),
        // its default throws out of a timer
        ...(setting.bare !== true && { onLockLost: () => lost.forEach((listener) => listener()) }),
      }
      const lock = limit === 1 ? new Mutex(client, key, options) : new Semaphore(client, key, limit, options)
      return (await got(lock, signal)) ? heldOf(lock, lost) : undefined
    },
    close: () => {
      client.disconnect()
      return Promise.resolve()
    },
  })
}

async function got(lock: Mutex, signal: Ask['signal']): Promise<boolean> {
  try {
    await lock.acquire(signal)
    return true
  } catch (error) {
    if (error instanceof TimeoutError) return false
    throw error
  }
}

function heldOf(lock: Mutex, lost: (() => void)[]): Held {
  return {
    token: undefined,
    active: () => lock.isAcquired,
    remainingMs: () => undefined,
    onLost: (listener) => void lost.push(listener),
    release: () => lock.release(),
  }
}
