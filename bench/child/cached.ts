/** Functions whose results are kept. */
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../harness/stats.js'
import type { Instance } from '../library.js'
import { nowNs } from './clock.js'
import { commandsSent } from './wire.js'

/** More than a cache line, fewer than any cache here holds. */
const ids = 1_000
const MOST_BATCHES = 1_000_000

function cachedOf({ cached }: Instance): NonNullable<Instance['cached']> {
  if (cached === undefined) throw new Error('it is no cache')
  return cached
}

/** Hits, one after the other, of 1,000 keys in turn: the median of batches. */
export async function hits(
  instance: Instance,
  { budgetMs, sync, batch }: { budgetMs: number; sync: boolean; batch: number },
): Promise<Record<string, number>> {
  const load = cachedOf(instance)('user', async (id) => ({ id, name: 'somebody' }))
  for (let id = 0; id < ids; id++) await load(id)
  const run: (load: Load, batch: number) => Promise<void> | void = sync ? syncHits : asyncHits
  const each: number[] = []
  let done = 0
  const startNs = nowNs()
  const warmNs = startNs + (budgetMs / 3) * 1e6
  const endNs = startNs + budgetMs * 1e6
  const sentBefore = commandsSent()
  for (let i = 0; i < MOST_BATCHES; i++) {
    const beginNs = nowNs()
    if (beginNs > endNs) break
    const running = run(load, batch)
    if (running instanceof Promise) await running
    done += batch
    if (beginNs > warmNs) each.push((nowNs() - beginNs) / batch)
  }
  const ns = median(each)
  return { ns, rate: 1e9 / ns, sent: (commandsSent() - sentBefore) / done }
}

type Load = (id: number) => unknown

function syncHits(load: Load, batch: number): void {
  for (let i = 0; i < batch; i++) load(i % ids)
}

async function asyncHits(load: Load, batch: number): Promise<void> {
  for (let i = 0; i < batch; i++) await load(i % ids)
}

/** So many ask at once for what nobody has; how often it was computed here. */
export async function misses(
  instance: Instance,
  { callers, atMs, name }: { callers: number; atMs: number; name: string },
): Promise<{ calls: number; tookMs: number }> {
  let calls = 0
  const load = cachedOf(instance)(name, async (id) => {
    calls++
    await sleep(50)
    return { id }
  })
  await sleep(Math.max(atMs - Date.now(), 0))
  const startNs = nowNs()
  await Promise.all(Array.from({ length: callers }, () => load(1)))
  return { calls, tookMs: (nowNs() - startNs) / 1e6 }
}
