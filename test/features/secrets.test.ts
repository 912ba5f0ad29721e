import { configure, createHoldfast, lock } from 'holdfast'
import { redis } from 'holdfast/redis'
import { blocking } from 'holdfast/blocking'
import { describe, expect, it } from 'vitest'
import { printed } from '../support/printed.js'
import { failureOf } from './support/tools.js'

const secret = 's3cret'
const secretUrl = `redis://app:${secret}@127.0.0.1:1`

describe('a URL at the wrong place', () => {
  const mistakes: Record<string, () => unknown> = {
    'as the options': () => configure(secretUrl as never),
    'as the options of an instance': () => createHoldfast(secretUrl as never),
    'as the name of an option': () => createHoldfast({ [secretUrl]: true } as never),
    'as the store, with another scheme': () => createHoldfast({ store: secretUrl.replace('redis', 'mongodb') }),
    'as the store, without a scheme': () => createHoldfast({ store: secretUrl.replace('redis://', '') }),
    'as the store, with a port that is none': () => createHoldfast({ store: `redis://app:${secret}@host:port` }),
    'as the store, with a % too many': () => createHoldfast({ store: `redis://app:%${secret}@host` }),
    'as the store, with options': () => createHoldfast({ store: `${secretUrl}/0?password=${secret}` }),
    'as the store, with no host': () => createHoldfast({ store: `redis://app:${secret}@` }),
    'as a store, as an object': () => createHoldfast({ store: new URL(secretUrl) as never }),
    'as a store, in options of a client': () => createHoldfast({ store: { url: secretUrl } as never }),
    'as one of the stores': () => createHoldfast({ stores: { a: secretUrl.replace('redis:', 'http:') } }),
    'as the stores': () => createHoldfast({ stores: secretUrl as never }),
    'as a duration': () => createHoldfast({ ttl: secretUrl as never }),
    'as the logger': () => createHoldfast({ logger: secretUrl as never }),
    'as the alias of a lock': () => createHoldfast().lock('key', { store: secretUrl as never }),
    'as a duration of a lock': () => lock('key', { wait: secretUrl as never }),
    'of redis(), with another scheme': () => redis(secretUrl.replace('redis:', 'http:')),
    'of redis(), as an object': () => redis({ url: secretUrl } as never),
    'of blocking(), with another scheme': () => blocking(secretUrl.replace('redis:', 'http:')),
    'of blocking(), as an object': () => blocking({ url: secretUrl } as never),
  }
  for (const [what, mistake] of Object.entries(mistakes)) {
    it(`is told without its password: ${what}`, async () => {
      const error = await failureOf(async () => mistake())
      expect(printed(error)).not.toContain(secret)
      expect(printed(error)).toContain('INVALID_OPTION')
    })
  }
})
