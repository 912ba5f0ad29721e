/** What the tests of docs/guarantees.md share. */
import { createHoldfast, type Holdfast, type Lease } from 'holdfast'
import { afterEach, expect } from 'vitest'
import { type Proxy, startProxy } from '../support/servers/proxy.js'
import { type RedisOptions, type RedisServer, startRedis } from '../support/servers/redis.js'

const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

/** A server of its own for one test. */
export async function server(...args: string[]): Promise<RedisServer> {
  return serverWith({ args })
}

export async function serverWith(options: RedisOptions): Promise<RedisServer> {
  const started = await startRedis(options)
  opened.push(async () => {
    started.resume()
    await started.stop()
  })
  return started
}

/** A process that reaches the server directly. */
export function processOn({ url }: { url: string }): Holdfast<'async'> {
  const holdfast = createHoldfast({ store: url, storeTimeout: '5s' })
  opened.push(() => holdfast.close())
  return holdfast
}

/** A process that can be cut off: `proxy.blackhole(true)`, and it hears of nothing any more. */
export async function distantProcess({ url }: { url: string }): Promise<{ holdfast: Holdfast<'async'>; proxy: Proxy }> {
  const proxy = await startProxy(url)
  opened.push(() => proxy.close())
  const holdfast = createHoldfast({ store: proxy.url, storeTimeout: '1s' })
  opened.push(async () => {
    proxy.blackhole(false)
    await holdfast.close()
  })
  return { holdfast, proxy }
}

/** What E3 asks of the place that is written to: it refuses a token below the largest that it has seen. */
export class FencedValue {
  value = 'nobody wrote'
  #largest = 0

  /** false: refused. */
  write(value: string, { token }: { readonly token: number }): boolean {
    if (token < this.#largest) return false
    this.#largest = token
    this.value = value
    return true
  }
}

/** Two hold one key, as far as they know: what is not promised. Where tokens are checked, the first writes nothing any more. */
export function expectTwoHoldersAndAFence(first: Lease, second: Lease): void {
  expect([first.active, second.active]).toEqual([true, true])
  expect(second.token).toBeGreaterThan(first.token)
  const row = new FencedValue()
  expect(row.write('by the first', first)).toBe(true)
  expect(row.write('by the second', second)).toBe(true)
  expect(row.write('by the first, late', first)).toBe(false)
  expect(row.value).toBe('by the second')
}
