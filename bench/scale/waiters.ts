/** Many waiters of one process on one key: what each costs while it waits, and when its turn comes. */
import { setMaxListeners } from 'node:events'
import { nowNs } from '../child/clock.js'
import { type AnyLock, heapBytes, type Numbers } from './tools.js'

export interface WaitersArgs {
  readonly sizes: readonly number[]
  /** Commands that the store has carried out; absent: it is memory of this process. */
  readonly commands?: () => Promise<number>
}

export async function waiters(lock: AnyLock, args: WaitersArgs): Promise<Numbers[]> {
  const rows: Numbers[] = []
  await round(lock, 1000, args) // compiled code is not that of a waiter
  for (const size of args.sizes) rows.push(await round(lock, size, args))
  return rows
}

async function round(lock: AnyLock, size: number, { commands }: WaitersArgs): Promise<Numbers> {
  const key = `queue:${String(size)}`
  const held = await lock(key).acquire()
  const aborting = new AbortController()
  const emptyBytes = await heapBytes()
  let served = 0
  let outOfOrder = 0
  const wait = async (place: number): Promise<void> => {
    const lease = await lock(key, { wait: '1h' }).acquire()
    if (served++ !== place) outOfOrder++
    await lease.release()
  }
  const startNs = nowNs()
  const waiting: Promise<void>[] = []
  for (let n = 0; n < size; n++) waiting.push(wait(n))
  const enqueueNs = (nowNs() - startNs) / size
  const bytes = ((await heapBytes()) - emptyBytes) / size
  const cancelNs = await cancelled(lock, key, aborting)
  const before = (await commands?.()) ?? 0
  const drainNs = nowNs()
  await held.release()
  await Promise.all(waiting)
  const handOffNs = (nowNs() - drainNs) / size
  const sent = commands === undefined ? Number.NaN : ((await commands()) - before) / size
  return { size, enqueueNs, bytes, cancelNs, handOffNs, sent, outOfOrder }
}

/** A thousand more join the line behind all others, and leave it again. */
async function cancelled(lock: AnyLock, key: string, aborting: AbortController): Promise<number> {
  const { signal } = aborting
  setMaxListeners(0, signal) // one signal for all of them is what is meant
  const many = Array.from({ length: 1000 }, () => lock(key, { wait: '1h', signal }).acquire())
  const rejected = Promise.allSettled(many)
  const startNs = nowNs()
  aborting.abort(new Error('no more'))
  await rejected
  return (nowNs() - startNs) / 1000
}
