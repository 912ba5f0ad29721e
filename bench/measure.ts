/** Interleaved rounds: each round runs every task once, and ratios are taken within a round, so that a machine that drifts drifts for all. */
import { Bench } from 'tinybench'

export interface Task {
  readonly name: string
  readonly run: () => Promise<void> | void
}

export interface Row {
  readonly name: string
  /** Median over the rounds of the mean time of one run, in nanoseconds. */
  readonly ns: number
  /** Median over the rounds of this task's time by that of the first task. */
  readonly ratio: number
}

export interface Rounds {
  readonly rounds: number
  readonly roundMs: number
  /** Told after each round. */
  readonly progress?: (round: number) => void
}

/** Runs the tasks in turn, `rounds` times; the order rotates from round to round. */
export async function measure(tasks: readonly Task[], { rounds, roundMs, progress }: Rounds): Promise<Row[]> {
  const times = new Map<string, number[]>(tasks.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < tasks.length; i++) {
      const task = tasks[(i + round) % tasks.length]
      if (task !== undefined) times.get(task.name)?.push(await timeOf(task, roundMs))
    }
    progress?.(round + 1)
  }
  const [first] = tasks
  const base = first === undefined ? [] : (times.get(first.name) ?? [])
  return [...times].map(([name, ns]) => ({
    name,
    ns: median(ns),
    ratio: median(ns.map((time, round) => time / (base[round] ?? Number.NaN))),
  }))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

async function timeOf({ name, run }: Task, timeMs: number): Promise<number> {
  const bench = new Bench({ time: timeMs, warmupTime: timeMs / 5 })
  bench.add(name, run)
  await bench.run()
  const result = bench.tasks[0]?.result
  if (result?.state !== 'completed') throw new Error(`${name} did not complete`, { cause: result })
  return result.latency.mean * 1e6
}
