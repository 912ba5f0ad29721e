import { createLock, IoredisAdapter, LockAcquisitionError } from 'redlock-universal'
import type { Ask, Setting, Subject } from '../subject.js'
import { holdByBody } from './body.js'
import { clientOf } from './ioredis.js'

const RETRY_MS = 50
type Lock = ReturnType<typeof createLock>

/** A lock object is kept for each key, as its README does. */
export function openRedlockUniversal(setting: Setting): Promise<Subject> {
  const client = clientOf(setting)
  const { commandTimeoutMs: timeout } = setting
  const adapter = new IoredisAdapter(client, timeout === undefined ? {} : { timeout })
  const locks = new Map<string, Lock>()
  const lockOf = (key: string, { ttlMs, waitMs }: Ask): Lock => {
    const name = `${String(ttlMs)} ${String(waitMs)} ${key}`
    let lock = locks.get(name)
    if (lock === undefined) {
      const retryAttempts = Math.ceil(waitMs / RETRY_MS)
      lock = createLock({ adapter, key, ttl: ttlMs, retryDelay: RETRY_MS, retryAttempts })
      locks.set(name, lock)
    }
    return lock
  }
  return Promise.resolve({
    acquire: (key, ask) =>
      holdByBody(
        (body) => lockOf(key, ask).using(body),
        (error) => error instanceof LockAcquisitionError && /already (held|locked)|is held/i.test(String(error.cause)),
      ),
    close: () => {
      client.disconnect()
      return Promise.resolve()
    },
  })
}
