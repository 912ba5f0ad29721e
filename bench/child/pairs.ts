/** Acquire and release where nobody else wants the key. */
import { nowNs } from './clock.js'
import { commandsSent } from './wire.js'
import type { Instance, Terms } from '../library.js'
import { median, percentile } from '../harness/stats.js'

const MOST_BATCHES = 1_000_000

/** As user code would: a release without a promise is not awaited. */
export async function released(gone: unknown): Promise<void> {
  if (isPromise(gone)) await gone
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** Compiles the code and opens the connections. */
export async function warm(instance: Instance, { pairs, terms }: { pairs: number; terms: Terms }): Promise<void> {
  const endNs = nowNs() + 1e9
  const key = `warm:${String(process.pid)}`
  for (let i = 0; i < pairs && nowNs() < endNs; i++)
    await released(instance.release(await instance.acquire(key, terms)))
}

/** In memory: the median of batches, so that the timer does not count. */
export async function memoryPairs(
  instance: Instance,
  { budgetMs, sync }: { budgetMs: number; sync: boolean },
): Promise<{ ns: number }> {
  const run: Batch = sync ? syncBatch : asyncBatch
  const coldNs = nowNs()
  // cold code says nothing about how long a pair takes
  for (let i = 0; i < 1000 && nowNs() - coldNs < 50e6; i++) await run(instance, 1)
  const startNs = nowNs()
  await run(instance, 3)
  const pairs = nowNs() - startNs > 300_000 ? 1 : 500
  const each: number[] = []
  const warmNs = startNs + (budgetMs / 3) * 1e6
  const endNs = startNs + budgetMs * 1e6
  for (let i = 0; i < MOST_BATCHES; i++) {
    const beginNs = nowNs()
    if (beginNs > endNs) break
    await run(instance, pairs)
    if (beginNs > warmNs) each.push((nowNs() - beginNs) / pairs)
  }
  return { ns: median(each) }
}

type Batch = (instance: Instance, pairs: number) => Promise<void> | void

// written out, so that the harness adds no promise of its own
async function asyncBatch(instance: Instance, pairs: number): Promise<void> {
  for (let i = 0; i < pairs; i++) {
    const gone = instance.release(await instance.acquire('key'))
    if (isPromise(gone)) await gone
  }
}

function syncBatch(instance: Instance, pairs: number): void {
  for (let i = 0; i < pairs; i++) instance.release(instance.acquire('key'))
}

/** One caller, one key. */
export async function pairs(
  instance: Instance,
  { budgetMs, most, terms }: { budgetMs: number; most: number; terms: Terms },
): Promise<Record<string, number>> {
  const acquired: number[] = []
  const both: number[] = []
  const sentBefore = commandsSent()
  let sentToAcquire = 0
  const cpuBefore = process.cpuUsage()
  const startNs = nowNs()
  const endNs = startNs + budgetMs * 1e6
  for (let i = 0; i < most; i++) {
    const beginNs = nowNs()
    if (beginNs > endNs) break
    const sent = commandsSent()
    const held = await instance.acquire('key', terms)
    const heldNs = nowNs()
    sentToAcquire += commandsSent() - sent
    await released(instance.release(held))
    acquired.push((heldNs - beginNs) / 1e3)
    both.push((nowNs() - beginNs) / 1e3)
  }
  const seconds = (nowNs() - startNs) / 1e9
  const cpu = process.cpuUsage(cpuBefore)
  return {
    pairs: both.length,
    rate: both.length / seconds,
    p50: percentile(both, 50),
    p99: percentile(both, 99),
    acquireP50: percentile(acquired, 50),
    sent: (commandsSent() - sentBefore) / both.length,
    sentToAcquire: sentToAcquire / both.length,
    clientCpu: (cpu.user + cpu.system) / both.length,
  }
}
