import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, inject } from 'vitest'
import { createHoldfast, type Holdfast, type HoldfastOptions, memory, type StoreSpec } from 'holdfast'
import { redis } from 'holdfast/redis'

/** What a test may open: instances that share one store, closed after each test. */
export interface Backend {
  readonly name: string
  open(options?: Omit<HoldfastOptions, 'store'>): Holdfast<'async'>
}

interface Started {
  /** For one instance: the last to use a store closes it. */
  spec(): StoreSpec
  end(): Promise<void> | void
}

const table: Readonly<Record<string, () => Promise<Started>>> = {
  memory: async () => {
    const store = memory()
    return { spec: () => store, end: () => {} }
  },
  'Redis by URL': async () => ({ spec: () => inject('redisUrl'), end: () => {} }),
  'Redis by a client of ioredis': async () => {
    const client = new Redis(inject('redisUrl'))
    return { spec: () => redis(client), end: () => client.disconnect() }
  },
  'Redis by a client of node-redis': async () => {
    const client = createClient({ url: inject('redisUrl') })
    await client.connect()
    return { spec: () => redis(client), end: () => client.destroy() }
  },
}

/** Defines the tests once for each store, on real servers. */
export function onEachBackend(define: (backend: Backend) => void): void {
  for (const [name, start] of Object.entries(table)) {
    describe(`on ${name}`, () => {
      let started: Started | undefined
      const opened: { close(): Promise<void> }[] = []
      beforeAll(async () => {
        started = await start()
      })
      afterEach(async () => {
        await Promise.all(opened.splice(0).map((holdfast) => holdfast.close()))
      })
      afterAll(() => started?.end())
      define({
        name,
        open: (options = {}) => {
          if (started === undefined) throw new Error('the backend has not started')
          const holdfast = createHoldfast({ ...options, store: started.spec() })
          opened.push(holdfast)
          return holdfast
        },
      })
    })
  }
}
