import { Redis } from 'ioredis'
import type { Setting } from '../subject.js'

/** A client with the defaults of ioredis, as the peers' documents open it. */
export function clientOf({ place, commandTimeoutMs, bare }: Setting): Redis {
  const client = new Redis(place, commandTimeoutMs === undefined ? {} : { commandTimeout: commandTimeoutMs })
  // without a listener ioredis prints each failed connection
  if (bare !== true) client.on('error', () => undefined)
  return client
}
