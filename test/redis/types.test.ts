import type { Cluster, Redis } from 'ioredis'
import type { Cluster as Cluster6, Redis as Redis6 } from 'ioredis6'
import type { createClient, createCluster } from 'redis'
import type { createClient as createClient5, createCluster as createCluster5 } from 'redis5'
import { describe, expectTypeOf, test } from 'vitest'
import { redis } from '../../src/stores/redis/index.js'
import type { RedisClient } from '../../src/stores/redis/index.js'
import type { Store } from '../../src/core/store.js'

describe('the type of a client', () => {
  test('is met by the clients of all supported libraries, without a cast', () => {
    expectTypeOf<Redis>().toExtend<RedisClient>()
    expectTypeOf<Cluster>().toExtend<RedisClient>()
    expectTypeOf<Redis6>().toExtend<RedisClient>()
    expectTypeOf<Cluster6>().toExtend<RedisClient>()
    expectTypeOf<ReturnType<typeof createClient>>().toExtend<RedisClient>()
    expectTypeOf<ReturnType<typeof createCluster>>().toExtend<RedisClient>()
    expectTypeOf<ReturnType<typeof createClient5>>().toExtend<RedisClient>()
    expectTypeOf<ReturnType<typeof createCluster5>>().toExtend<RedisClient>()
    expectTypeOf<Awaited<ReturnType<ReturnType<typeof createClient>['connect']>>>().toExtend<RedisClient>()
  })

  test('is met by nothing that runs no scripts', () => {
    expectTypeOf<Map<string, string>>().not.toExtend<RedisClient>()
    // @ts-expect-error a number is no address
    expectTypeOf(redis).toBeCallableWith(6379)
  })

  test('gives a store that answers with promises', () => {
    expectTypeOf(redis).returns.toEqualTypeOf<Store>()
  })
})
