import { LockFactory } from '@verrou/core'
import { memoryStore } from '@verrou/core/drivers/memory'
import { redisStore } from '@verrou/core/drivers/redis'
import type { Held, Setting, Subject } from '../subject.js'
import { clientOf } from './ioredis.js'

const RETRY_MS = 50
type Lock = ReturnType<LockFactory['createLock']>

export function openVerrou(setting: Setting): Promise<Subject> {
  const connection = clientOf(setting)
  const acquire = acquireFrom(new LockFactory(redisStore({ connection }).factory()))
  const close = (): Promise<void> => {
    connection.disconnect()
    return Promise.resolve()
  }
  return Promise.resolve({ acquire, close })
}

export function openVerrouMemory(): Promise<Subject> {
  const acquire = acquireFrom(new LockFactory(memoryStore().factory()))
  return Promise.resolve({ acquire, close: () => Promise.resolve() })
}

function acquireFrom(locks: LockFactory): Subject['acquire'] {
  return async (key, { ttlMs, waitMs }) => {
    const lock = locks.createLock(key, ttlMs)
    const got =
      waitMs === 0
        ? await lock.acquireImmediately()
        : await lock.acquire({ retry: { timeout: waitMs, delay: RETRY_MS } })
    return got ? heldOf(lock) : undefined
  }
}

/** It renews nothing by itself, and tells nothing: it has to be asked. */
function heldOf(lock: Lock): Held {
  return {
    token: undefined,
    active: () => !lock.isExpired(),
    remainingMs: () => lock.getRemainingTime() ?? undefined,
    onLost: () => undefined,
    release: () => lock.release(),
  }
}
