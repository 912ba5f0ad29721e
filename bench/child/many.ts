/** Many keys: how fast, and what stays behind when all are released. */
import { setTimeout as sleep } from 'node:timers/promises'
import { nowNs } from './clock.js'
import { released } from './pairs.js'
import { commandsSent } from './wire.js'
import type { Instance, Terms } from '../library.js'
import { percentile } from '../harness/stats.js'

/**
 * In memory: all keys held at once, released again, then one pair after another over all of them. Other keys go the same way
 * first: compiled code, and room for as many keys at once, are not left by a key.
 */
export async function manyKeys(
  instance: Instance,
  { keys, budgetMs, sync }: { keys: number; budgetMs: number; sync: boolean },
): Promise<Record<string, number>> {
  const names = namesOf('order', keys)
  const held = new Array<unknown>(keys).fill(undefined)
  const stopNs = nowNs() + 10 * budgetMs * 1e6
  const count = await holdAll(instance, { names: namesOf('warm', keys), held, stopNs })
  await releaseAll(instance, held)
  const before = await heapBytes()
  await holdAll(instance, { names: names.slice(0, count), held, stopNs: Number.POSITIVE_INFINITY })
  const full = await heapBytes()
  await releaseAll(instance, held)
  const empty = await heapBytes()
  const rate = await rateOver(instance, { names: names.slice(0, count), budgetMs, sync })
  const after = await heapBytes()
  return {
    keys: count,
    rate,
    heldBytes: (full - before) / count,
    leftBytes: (empty - before) / count,
    endBytes: (after - before) / count,
  }
}

/** Answers how many it came to hold until the time was over. */
async function holdAll(
  instance: Instance,
  { names, held, stopNs }: { names: readonly string[]; held: unknown[]; stopNs: number },
): Promise<number> {
  let count = 0
  for (const name of names) {
    if ((count & 255) === 0 && nowNs() > stopNs) break
    held[count++] = await instance.acquire(name)
  }
  return count
}

async function releaseAll(instance: Instance, held: unknown[]): Promise<void> {
  for (let i = 0; i < held.length && held[i] !== undefined; i++) {
    await released(instance.release(held[i]))
    held[i] = undefined
  }
}

async function rateOver(
  instance: Instance,
  { names, budgetMs, sync }: { names: readonly string[]; budgetMs: number; sync: boolean },
): Promise<number> {
  const startNs = nowNs()
  const endNs = startNs + budgetMs * 1e6
  let pairs = 0
  while (nowNs() < endNs && pairs < 5_000_000) {
    for (let i = 0; i < 50; i++) {
      const key = names[pairs++ % names.length] ?? ''
      if (sync) instance.release(instance.acquire(key))
      else await released(instance.release(await instance.acquire(key)))
    }
  }
  return pairs / ((nowNs() - startNs) / 1e9)
}

export interface CallersArgs {
  readonly count: number
  readonly keys: number
  /** Part of the names of the keys. */
  readonly kind: string
  readonly budgetMs: number
  /** Each key once, by whichever caller is free; else each caller has its own, as often as the time allows. */
  readonly once: boolean
  readonly terms: Terms
}

/** On Redis: so many callers at once in this process. */
export async function callers(instance: Instance, args: CallersArgs): Promise<Record<string, number>> {
  const { count, keys, kind, budgetMs, once, terms } = args
  const names = namesOf(kind, keys)
  const times: number[] = []
  const heapBefore = once ? await heapBytes() : 0
  const sentBefore = commandsSent()
  const cpuBefore = process.cpuUsage()
  const startNs = nowNs()
  const stopNs = startNs + budgetMs * 1e6
  let next = 0
  const call = async (caller: number): Promise<void> => {
    for (let i = 0; i < 1_000_000; i++) {
      const beginNs = nowNs()
      if (beginNs > stopNs || (once && next >= keys)) return
      const key = once ? names[next++] : names[caller % keys]
      await released(instance.release(await instance.acquire(key ?? '', terms)))
      times.push((nowNs() - beginNs) / 1e3)
    }
  }
  await Promise.all(Array.from({ length: count }, (_, caller) => call(caller)))
  const seconds = (nowNs() - startNs) / 1e9
  const cpu = process.cpuUsage(cpuBefore)
  const pairs = times.length
  const figures = {
    pairs,
    rate: pairs / seconds,
    p50: percentile(times, 50),
    p99: percentile(times, 99),
    sent: (commandsSent() - sentBefore) / pairs,
    clientCpu: (cpu.user + cpu.system) / pairs,
  }
  times.length = 0
  return once ? { ...figures, leftBytes: ((await heapBytes()) - heapBefore) / pairs } : figures
}

/** Flat text: a key that is put together is flattened by its first user, who would seem to leave or to free memory. */
const namesOf = (kind: string, keys: number): string[] =>
  Array.from({ length: keys }, (_, i) => Buffer.from(`tenant:42:${kind}:${String(i)}`).toString())

/** After the garbage is collected, and what timers and finalizers do has been done. */
async function heapBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await sleep(5)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
