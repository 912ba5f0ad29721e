import { readdirSync } from 'node:fs'
import { Redis } from 'ioredis'
import { Redis as Redis6 } from 'ioredis6'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis5'
import { describe, expect, inject, it } from 'vitest'
import type { Capabilities } from '../src/core/store.js'
import { blocking } from '../src/layers/blocking/index.js'
import { memory } from '../src/stores/memory/index.js'
import { redis } from '../src/stores/redis/index.js'
import { storeContract, type ContractOptions } from '../src/testing/index.js'
import { byClient } from './support/by-client.js'

interface Row extends ContractOptions {
  /** Its file or folder in src/stores or src/layers. */
  readonly source: string
}

const url = inject('redisUrl')

const onRedis = {
  scope: 'network',
  crashRelease: 'lease',
  fair: true,
  wake: 'push',
  token: 'clock',
  consistency: 'single-node',
  sync: false,
  adopts: true,
} as const satisfies Capabilities

const stores: readonly Row[] = [
  {
    source: 'stores/memory',
    name: 'memory',
    capabilities: {
      scope: 'process',
      crashRelease: 'instant',
      fair: true,
      wake: 'push',
      token: 'clock',
      consistency: 'process',
      sync: true,
      adopts: true,
    },
    has: ['acquireAll', 'resize', 'onNotice', 'values'],
    create: () => ({ store: memory() }),
  },
  redisRow('a URL', () => ({ store: redis(url), another: () => redis(url) })),
  redisRow('ioredis 5', () =>
    byClient(
      () => new Redis(url),
      (client) => client.disconnect(),
    ),
  ),
  redisRow('ioredis 6', () =>
    byClient(
      () => new Redis6(url),
      (client) => client.disconnect(),
    ),
  ),
  redisRow('node-redis 6', () =>
    byClient(
      () => createClient({ url }).connect(),
      (client) => client.destroy(),
    ),
  ),
  redisRow('node-redis 5', () =>
    byClient(
      () => createClient5({ url }).connect(),
      (client) => client.destroy(),
    ),
  ),
  {
    source: 'layers/blocking',
    name: 'blocking over redis',
    capabilities: { ...onRedis, sync: true },
    has: ['wasRevoked', 'resize', 'onNotice', 'selfRenewal', 'values'],
    create: () => ({ store: blocking(url), another: () => redis(url) }),
  },
]

for (const { source: _, ...row } of stores) {
  describe.concurrent(row.name, () => {
    for (const { name, run } of storeContract(row)) it(name.slice(row.name.length + 2), run)
  })
}

describe('the table of stores', () => {
  it.each(['stores', 'layers'])('has a row for everything in src/%s', (room) => {
    const found = readdirSync(new URL(`../src/${room}`, import.meta.url)).map(
      (name) => `${room}/${name.replace(/\.ts$/, '')}`,
    )
    const sources = stores.map(({ source }) => source)
    expect(found.filter((name) => !sources.includes(name))).toEqual([])
  })

  it('has no row for a store that is not there', () => {
    const found = ['stores', 'layers'].flatMap((room) =>
      readdirSync(new URL(`../src/${room}`, import.meta.url)).map((name) => `${room}/${name.replace(/\.ts$/, '')}`),
    )
    expect(stores.map(({ source }) => source).filter((source) => !found.includes(source))).toEqual([])
  })
})

function redisRow(client: string, create: ContractOptions['create']): Row {
  return {
    source: 'stores/redis',
    name: `redis (${client})`,
    capabilities: onRedis,
    has: ['acquireAll', 'wasRevoked', 'resize', 'onNotice', 'values'],
    create,
  }
}
