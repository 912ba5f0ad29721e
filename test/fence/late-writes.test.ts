import { StaleTokenError } from 'holdfast/fence'
import { afterEach, describe, expect, test } from 'vitest'
import { freshKey } from '../redis/support.js'
import { writeLate } from './late-write.js'
import { inMemory, type OpenPlace, onRedis, overHttp } from './places.js'

const places: readonly (readonly [name: string, open: OpenPlace])[] = [
  ['in memory', inMemory],
  ['over HTTP', overHttp],
  ['in Redis', onRedis],
]

const opened: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

describe.each(places)('what is written %s', (_name, open) => {
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
