/** Waiters that queue up on a key which another process holds, each for one turn. */
import { nowNs, sleep, sleepUntil } from './clock.js'
import { Counter } from './counter.js'
import { released } from './pairs.js'
import { commandsSent } from './wire.js'
import type { Instance, Terms } from '../library.js'

let held: unknown

export async function hold(instance: Instance, { key, terms }: { key: string; terms: Terms }): Promise<number> {
  held = await instance.acquire(key, terms)
  return instance.token?.(held) ?? Number.NaN
}

/** Releases at a point in time; answers when it was called. */
export async function free(instance: Instance, { atNs }: { atNs: number }): Promise<number> {
  await sleepUntil(atNs)
  const calledNs = nowNs()
  await released(instance.release(held))
  return calledNs
}

/** How long it takes to acquire the key once more. */
export async function probe(instance: Instance, { key, terms }: { key: string; terms: Terms }): Promise<number> {
  const beginNs = nowNs()
  await released(instance.release(await instance.acquire(key, terms)))
  return (nowNs() - beginNs) / 1e6
}

export interface QueueArgs {
  readonly key: string
  readonly terms: Terms
  readonly waiters: number
  readonly process: number
  readonly startNs: number
  /** When CPU and commands are read: just before the key comes free. */
  readonly markNs: number
  readonly limitMs: number
  readonly counterPath: string | undefined
}

export interface Queued {
  /** As of `contend`. */
  readonly turns: Float64Array
  readonly failed: number
  readonly clientCpuMs: number
  readonly sent: number
}

export async function queueUp(instance: Instance, args: QueueArgs): Promise<Queued> {
  const turns: number[] = []
  const counter = args.counterPath === undefined ? undefined : new Counter(args.counterPath, 'existing')
  let failed = 0
  const wait = async (waiter: number): Promise<void> => {
    const askedNs = nowNs()
    const got = await instance.acquire(args.key, args.terms)
    const acquiredNs = nowNs()
    if (counter !== undefined) {
      const before = counter.read()
      await sleep(1)
      counter.write(before + 1)
    }
    turns.push(askedNs, acquiredNs, nowNs(), args.process * 10_000 + waiter, instance.token?.(got) ?? Number.NaN)
    await released(instance.release(got))
  }
  await sleepUntil(args.startNs)
  const cpuBefore = process.cpuUsage()
  const sentBefore = commandsSent()
  const all = Promise.all(Array.from({ length: args.waiters }, (_, waiter) => wait(waiter).catch(() => failed++)))
  // by a timer alone: stepping to the point in time would count as CPU
  await sleep(Math.max(0, args.markNs - nowNs()) / 1e6)
  const cpu = process.cpuUsage(cpuBefore)
  const sent = commandsSent() - sentBefore
  await Promise.race([all, sleep(args.limitMs)])
  return { turns: Float64Array.from(turns), failed, clientCpuMs: (cpu.user + cpu.system) / 1e3, sent }
}
