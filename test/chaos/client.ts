/** A client process of a chaos run: opens one library and works under its locks until it is told to finish. */
import { setTimeout as sleep } from 'node:timers/promises'
import { libraryOf } from '../fleet/libraries.js'
import { machineMs } from '../fleet/machine-clock.js'
import { type Random, seeded } from '../fleet/random.js'
import type { ClientSettings, Order } from './messages.js'
import { linkTo } from './resource-link.js'
import { Tracker } from './tracked.js'
import { type Workload, workloads } from './workloads.js'

/** Loops get so long to come to an end: the longest wait and hold, and some. */
const LOOPS_END_MS = 30_000

const settings = JSON.parse(process.argv[2] ?? '') as ClientSettings
const { client, incarnation, ttlMs } = settings
const resource = await linkTo(settings.resourcePort)
resource.tell({ t: 'hello', client, incarnation })
process.on('unhandledRejection', (error) => resource.tell({ t: 'unhandled', error: textOf(error) }))
let finishing: () => void = () => undefined
let finished = false
let failStore: (on: boolean) => void = () => undefined // until it is open
const finish = new Promise<void>((resolve) => (finishing = resolve))
process.on('message', (order: Order) => {
  if (order.do === 'stall') stall(order.ms)
  else if (order.do === 'fail-store') failStore(order.on)
  else finishing()
})
process.on('disconnect', () => {
  if (!finished) process.exit(1) // the supervisor is gone
})

const library = libraryOf(settings.library)
const subject = await library.open({ place: settings.place, way: client })
failStore = (on) => subject.failStore?.(on)
const tracker = new Tracker(subject, resource, library.store === 'memory' ? `${client}-${incarnation}/` : '')
const random = seeded(settings.seed)
let stopping = false
const loops = workloads
  .filter(({ needs }) => needs === undefined || library.features.includes(needs))
  .flatMap((workload) => Array.from({ length: workload.loops * settings.crowd }, () => loop(workload, random)))
const measuring = setInterval(() => resource.tell({ t: 'size', rssBytes: process.memoryUsage.rss() }), 1000)

await finish
stopping = true
await Promise.race([Promise.all(loops), sleep(LOOPS_END_MS, undefined, { ref: false })])
clearInterval(measuring)
tracker.close()
resource.tell({ t: 'left', keys: await leftovers() })
await subject.close()
resource.close()
finished = true
process.disconnect()
// from here on only what the library left behind keeps this process alive

async function loop(workload: Workload, random: Random): Promise<void> {
  while (!stopping) {
    try {
      await workload.round({ tracker, random, ttlMs, client })
    } catch (error) {
      resource.tell({ t: 'failed', workload: workload.name, error: textOf(error) })
      await sleep(50)
    }
    await sleep(random.whole(0, workload.pauseMs * settings.crowd))
  }
}

/** What a store of its own knows of for longer than any lease lasts. */
async function leftovers(): Promise<readonly string[]> {
  const endMs = machineMs() + 3 * ttlMs
  for (;;) {
    const left = (await subject.left?.()) ?? []
    if (left.length === 0 || machineMs() > endMs) return left
    await sleep(50)
  }
}

/** Blocks the event loop, as a long computation does. */
function stall(ms: number): void {
  const endMs = machineMs() + ms
  while (machineMs() < endMs);
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
