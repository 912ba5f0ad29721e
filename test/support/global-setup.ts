import type { TestProject } from 'vitest/node'
import { sharedRedis } from './servers/redis.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** The Redis that all tests share: read it by `inject('redisUrl')`, and use keys of your own. */
    redisUrl: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await sharedRedis()
  project.provide('redisUrl', url)
  return stop
}
