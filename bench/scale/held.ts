/** Many locks held at once by one process: bytes for each, and what each call costs beside so many others. */
import type { Lease } from 'holdfast'
import { type AnyLock, forAll, heapBytes, keyOf, microseconds, type Numbers } from './tools.js'

export interface HeldArgs {
  /** From few to many. */
  readonly sizes: readonly number[]
  /** Callers at a time while locks are acquired and released in bulk. */
  readonly width: number
  readonly batches: number
  readonly batch: number
  /** Of each lock; absent: the default of the store. */
  readonly ttl?: '1h'
  /** Bytes in use at the store; absent: it is memory of this process. */
  readonly storeBytes?: () => Promise<number>
}

const WARM_UPS = 3

export async function held(lock: AnyLock, args: HeldArgs): Promise<Numbers[]> {
  const { sizes, width, ttl, storeBytes } = args
  const options = ttl === undefined ? {} : { ttl }
  const most = sizes.at(-1) ?? 0
  const names = Array.from({ length: most }, (_, n) => keyOf(n))
  const leases = new Array<Lease | undefined>(most).fill(undefined)
  const acquire = async (n: number): Promise<void> => {
    leases[n] = await lock(names[n] ?? '', options).acquire()
  }
  // compiled code and connections are not those of a lock
  const first = sizes[0] ?? 0
  for (let round = 0; round < WARM_UPS; round++) {
    await forAll(first, width, acquire)
    await calls(lock, names, first, args)
    await forAll(first, width, async (n) => leases[n]?.release())
  }
  leases.fill(undefined)
  const emptyBytes = await heapBytes()
  const emptyStoreBytes = (await storeBytes?.()) ?? 0
  const rows: Numbers[] = []
  let count = 0
  for (const size of sizes) {
    const before = count
    const ms = await forAll(size - before, width, (n) => acquire(before + n))
    count = size
    const bytes = ((await heapBytes()) - emptyBytes) / size
    const atStore = storeBytes === undefined ? Number.NaN : ((await storeBytes()) - emptyStoreBytes) / size
    rows.push({ size, rate: ((size - before) / ms) * 1e3, bytes, atStore, ...(await calls(lock, names, size, args)) })
  }
  const releaseMs = await forAll(most, width, async (n) => leases[n]?.release())
  leases.fill(undefined)
  const leftBytes = ((await heapBytes()) - emptyBytes) / most
  return rows.map((row) => (row['size'] === most ? { ...row, releaseRate: (most / releaseMs) * 1e3, leftBytes } : row))
}

/** Each call by itself, on keys beside those that are held, or on some of them. */
async function calls(
  lock: AnyLock,
  names: readonly string[],
  size: number,
  { batches, batch, ttl }: HeldArgs,
): Promise<Numbers> {
  const options = ttl === undefined ? {} : { ttl }
  const some = (n: number): string => names[(n * 7919) % size] ?? ''
  const time = (call: (n: number) => unknown): Promise<number> => microseconds(call, batches, batch)
  return {
    pair: await time(async (n) => (await lock(`other:${String(n % 1000)}`, options).acquire()).release()),
    refused: await time((n) => lock(some(n)).tryAcquire()),
    isLocked: await time((n) => lock(some(n)).isLocked()),
    inspect: await time((n) => lock(some(n)).inspect()),
    forced: await time(async (n) => {
      await lock(`forced:${String(n % 1000)}`, options).acquire()
      await lock(`forced:${String(n % 1000)}`).forceRelease()
    }),
  }
}
