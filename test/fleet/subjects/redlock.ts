import Redlock, { ExecutionError } from 'redlock'
import type { Setting, Subject } from '../subject.js'
import { holdByBody } from './body.js'
import { clientOf } from './ioredis.js'

const RETRY_MS = 50

export function openRedlock(setting: Setting): Promise<Subject> {
  const client = clientOf(setting)
  const redlock = new Redlock([client], { retryDelay: RETRY_MS, retryJitter: RETRY_MS / 2 })
  return Promise.resolve({
    acquire(key, { ttlMs, waitMs }) {
      const settings = { retryCount: Math.ceil(waitMs / RETRY_MS) }
      return holdByBody((body) => redlock.using([key], ttlMs, settings, body), isRefusal)
    },
    close: () => {
      client.disconnect()
      return Promise.resolve()
    },
  })
}

/** One error for a store that failed and for a key that is held: nothing but the error itself tells its users. */
function isRefusal(error: unknown): boolean {
  return error instanceof ExecutionError
}
