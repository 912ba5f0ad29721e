import { type Held, StaleTokenError } from 'holdfast/fence'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { distantProcess, processOn } from '../guarantees/support.js'
import { freshKey } from '../redis/support.js'

/** Where something is written: with a guard, and as one writes without. */
export interface Place {
  guarded(held: Held, value: string): Promise<unknown>
  unguarded(value: string): Promise<unknown>
  /** What stands there. */
  read(): Promise<unknown>
}

/** Opens a place for one key; `opened` collects what is to be closed. */
export type OpenPlace = (key: string, opened: (() => Promise<void> | void)[]) => Promise<Place>

export function describeLateWrites(where: string, open: OpenPlace): void {
  const opened: (() => Promise<void> | void)[] = []
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close()
  })

  describe(`what is written ${where}`, () => {
    test('refuses the write of a paused holder that arrives after its successor’s', async () => {
      const key = freshKey()
      const place = await open(key, opened)
      const { refusal, tokens } = await writeLate(key, (held, value) => place.guarded(held, value))
      expect(refusal).toBeInstanceOf(StaleTokenError)
      const [token, latest] = tokens
      expect(refusal).toMatchObject({ code: 'STALE_TOKEN', key, token, latest })
      expect(await place.read()).toBe('by the second')
    })

    test('is damaged by that write when there is no guard', async () => {
      const key = freshKey()
      const place = await open(key, opened)
      const { refusal } = await writeLate(key, (_held, value) => place.unguarded(value))
      expect(refusal).toBeUndefined()
      expect(await place.read()).toBe('by the first, late')
    })
  })
}

interface Late {
  /** What the late write was told; undefined: it went through. */
  readonly refusal: unknown
  /** The tokens of the two holders. */
  readonly tokens: readonly [old: number, young: number]
}

/**
 * Two processes with real leases. The first is paused, so that it neither renews nor looks at its lease; the second takes over
 * and writes; then the first goes on where it was, and its write arrives.
 */
async function writeLate(key: string, write: (held: Held, value: string) => Promise<unknown>): Promise<Late> {
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
