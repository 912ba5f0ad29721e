import { setTimeout as sleep } from 'node:timers/promises'
import type { AsyncLock, LockOptions } from 'holdfast'
import { nowNs } from '../child/clock.js'
import { median } from '../harness/stats.js'

/** Any `lock`, of any store. */
export type AnyLock = (key: string, options?: LockOptions<never>) => AsyncLock

export type Numbers = Readonly<Record<string, number>>

/** Flat text, as keys that came over a wire are. */
export const keyOf = (n: number): string => Buffer.from(`tenant:42:order:${String(n)}`).toString()

/** After the garbage is collected, and what timers and finalizers do has been done. */
export async function heapBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await sleep(5)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Microseconds of one call, as the median of batches. */
export async function microseconds(call: (n: number) => unknown, batches: number, batch: number): Promise<number> {
  const times: number[] = []
  for (let b = 0; b < batches; b++) {
    const startNs = nowNs()
    for (let i = 0; i < batch; i++) await call(b * batch + i)
    times.push((nowNs() - startNs) / batch / 1e3)
  }
  return median(times)
}

/** Does it for every number below `count`, `width` at a time. Milliseconds. */
export async function forAll(count: number, width: number, act: (n: number) => Promise<unknown>): Promise<number> {
  const startNs = nowNs()
  let next = 0
  const take = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) await act(n)
  }
  await Promise.all(Array.from({ length: width }, take))
  return (nowNs() - startNs) / 1e6
}
