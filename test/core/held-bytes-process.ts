/** Prints how many bytes this process keeps for each of many leases that it holds. Needs `--expose-gc`. */
import { createHoldfast, type Lease } from 'holdfast'

const WARM = 2000
const COUNT = 50_000
const { lock } = createHoldfast()
const leases: Lease[] = []

async function hold(from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) leases.push(await lock(`key-${String(n)}`, { ttl: '1h' }).acquire())
}

function heapBytes(): number {
  for (let times = 0; times < 3; times++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

await hold(0, WARM)
const before = heapBytes()
await hold(WARM, COUNT)
const bytes = (heapBytes() - before) / COUNT
console.log(String(Math.round(bytes)), String(leases.length))
process.exit(0) // they are not released one by one
