import { runWorld } from './batch.js'
import type { MessageFaults, Options } from './options.js'

/** The smallest world that still fails in the same way: fewer faults first, then fewer programs and keys. */
export async function shrink(options: Options, checker: string): Promise<Options> {
  let smallest = options
  const tryOut = async (candidate: Options): Promise<boolean> => {
    const { violation } = await runWorld(candidate)
    if (violation?.checker !== checker) return false
    smallest = candidate
    return true
  }
  for (let again = true, rounds = 0; again && rounds < 5; rounds++) {
    again = false
    for (let at = smallest.faults.length - 1; at >= 0; at--) {
      again = (await tryOut({ ...smallest, faults: smallest.faults.toSpliced(at, 1) })) || again
    }
    for (const rate of Object.keys(smallest.messageFaults) as (keyof MessageFaults)[]) {
      if (smallest.messageFaults[rate] === 0) continue
      again = (await tryOut({ ...smallest, messageFaults: { ...smallest.messageFaults, [rate]: 0 } })) || again
    }
    for (const candidate of smaller(smallest)) again = (await tryOut(candidate)) || again
  }
  return smallest
}

function* smaller(options: Options): Iterable<Options> {
  const { clients, tasks, opsPerTask, keys, jitterMs, timerLateMs, drift } = options
  if (clients > 2) yield { ...options, clients: clients - 1 }
  if (tasks > 1) yield { ...options, tasks: tasks - 1 }
  if (opsPerTask > 1) yield { ...options, opsPerTask: opsPerTask - 1 }
  if (keys > 1) yield { ...options, keys: 1 }
  if (jitterMs > 0) yield { ...options, jitterMs: 0 }
  if (timerLateMs > 0) yield { ...options, timerLateMs: 0 }
  if (drift > 0) yield { ...options, drift: 0 }
  for (const flag of ['mixedTtl', 'expires', 'minHolds'] as const)
    if (options[flag]) yield { ...options, [flag]: false }
}
