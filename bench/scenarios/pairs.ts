/** One caller that acquires and releases on Redis, where nobody else wants what it asks for. */
import type { Bench, Column, Measured } from '../harness/scenario.js'
import { between } from '../harness/server.js'
import type { Terms } from '../library.js'

const counted = {
  sentToAcquire: 'sent to acquire',
  sent: 'sent',
  reads: 'reads',
  executed: 'executed',
} as const

/** Those of time, those that are counted and asked for, and those of CPU. */
export const pairColumns = (counts: readonly (keyof typeof counted)[]): Column[] => [
  { key: 'p50', title: 'p50 µs', digits: 1 },
  { key: 'p99', title: 'p99 µs', digits: 0 },
  { key: 'acquireP50', title: 'acquire p50 µs', digits: 1 },
  { key: 'rate', title: 'pairs / s', digits: 0 },
  ...counts.map((key) => ({ key, title: counted[key], digits: 2 })),
  { key: 'clientCpu', title: 'client CPU µs', digits: 0 },
  { key: 'redisCpu', title: 'Redis CPU µs', digits: 1 },
]

export async function measurePairs({ quick, launch, server }: Bench, terms: Terms): Promise<Measured> {
  const child = await launch()
  await child.call('warm', { pairs: quick ? 300 : 2000, terms })
  const before = await server.counts()
  const figures = await child.call('pairs', { budgetMs: quick ? 300 : 1500, most: 100_000, terms })
  const { executed, cpuUs, reads } = between(before, await server.counts())
  const pairs = figures['pairs'] ?? Number.NaN
  return { figures: { ...figures, reads: reads / pairs, executed: executed / pairs, redisCpu: cpuUs / pairs } }
}
