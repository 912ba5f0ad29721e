/** How long after its deadline a holder's signal fires while the loop is idle, in milliseconds. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createHoldfast, type Lease } from 'holdfast'
import { startRedis } from '../../test/support/servers/redis.js'

/** Milliseconds after the deadline. */
export interface Lateness {
  /** The holder's signal. */
  readonly told: number
  /** A timer of Node.js, set for the same moment: what the machine adds. */
  readonly timer: number
}

/** Counts from the deadline as the lease has it now, which no renewal moves any more. */
async function lateness({ signal, remainingMs }: Pick<Lease, 'signal' | 'remainingMs'>): Promise<Lateness> {
  const deadlineMs = performance.now() + remainingMs
  const lateMs = (): number => performance.now() - deadlineMs
  const timer = new Promise<number>((resolve) => {
    setTimeout(() => {
      resolve(lateMs())
    }, remainingMs)
  })
  const told = new Promise<number>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve(lateMs())
    })
  })
  return { told: await told, timer: await timer }
}

/** Holds that end by their own `expire`, a few milliseconds apart. */
export async function ownExpire({ holds, expireMs }: { holds: number; expireMs: number }): Promise<Lateness[]> {
  await using holdfast = createHoldfast()
  const watched: Promise<Lateness>[] = []
  for (let n = 0; n < holds; n++) {
    watched.push(lateness(await holdfast.lock(`expires:${String(n)}`, { expire: expireMs }).acquire()))
    await sleep(3)
  }
  return await Promise.all(watched)
}

export interface SilentArgs {
  readonly rounds: number
  readonly holds: number
  readonly ttlMs: number
}

/** Holds on a Redis that stops to answer (SIGSTOP), in whatever part of their leases they are. */
export async function silentStore({ rounds, holds, ttlMs }: SilentArgs): Promise<Lateness[]> {
  const server = await startRedis()
  const found: Lateness[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      await using holdfast = createHoldfast({ store: server.url })
      const leases: Lease[] = []
      for (let n = 0; n < holds; n++) {
        leases.push(await holdfast.lock(`silent:${String(round)}:${String(n)}`, { ttl: ttlMs }).acquire())
        await sleep(5)
      }
      server.pause()
      await sleep(50) // what was under way has arrived
      found.push(...(await Promise.all(leases.map(lateness))))
      server.resume()
    }
  } finally {
    server.resume()
    await server.stop()
  }
  return found
}
