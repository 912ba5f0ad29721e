import { inject } from 'vitest'
import type { Held } from 'holdfast/fence'
import { distantProcess, processOn } from '../guarantees/support.js'

/** Where something is written: with a guard, and as one writes without. */
export interface Place {
  guarded(held: Held, value: string): Promise<unknown>
  unguarded(value: string): Promise<unknown>
  /** What stands there. */
  read(): Promise<unknown>
}

export interface Late {
  /** What the late write was told; undefined: it went through. */
  readonly refusal: unknown
  /** The tokens of the two holders. */
  readonly tokens: readonly [old: number, young: number]
}

/**
 * Two processes with real leases. The first is paused, so that it neither renews nor looks at its lease; the second takes over
 * and writes; then the first goes on where it was, and its write arrives.
 */
export async function writeLate(key: string, write: (held: Held, value: string) => Promise<unknown>): Promise<Late> {
  const redis = { url: inject('redisUrl') }
  const { holdfast, proxy } = await distantProcess(redis)
  const old = await holdfast.lock(key, { ttl: '1s' }).acquire()
  await write(old, 'by the first')
  proxy.blackhole(true)
  const young = await processOn(redis).lock(key, { wait: '15s' }).acquire()
  await write(young, 'by the second')
  const refusal = await write(old, 'by the first, late').then(
    () => undefined,
    (error: unknown) => error,
  )
  return { refusal, tokens: [old.token, young.token] }
}
