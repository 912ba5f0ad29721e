/** One run: start, faults, heal, liveness, finish, judge. */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { versionOf } from '../../bench/harness/packages.js'
import { bundle } from '../fleet/bundle.js'
import { libraryOf } from '../fleet/libraries.js'
import { type MovableClock, movableClock } from '../fleet/clock/clock.js'
import { machineMs } from '../fleet/machine-clock.js'
import type { RedisServer } from '../support/servers/redis.js'
import { Fleet } from './fleet.js'
import { type Break, judge, type Verdict } from './judge.js'
import type { History } from './ledger.js'
import { type Fault, Nemesis } from './nemesis.js'
import { type FaultKind, planFaults, type Shape, shapes } from './plan.js'
import { type ResourceProcess, startResource } from './resource-process.js'
import { Site } from './site.js'
import { workloads } from './workloads.js'

const TTL_MS = 1000
/** In one process everybody is a neighbour. */
const CROWD_IN_MEMORY = 2
const WARM_MS = 1000
const HEALED_LEAST_MS = 2000
/** These end earlier when all is well; a machine may be busy with something else. */
const HEALED_MOST_MS = 60_000
const FINISH_MS = 60_000
/** A place in a queue outlives its process for 5 s. */
const LEFTOVERS_MS = 20_000

export interface RunOptions {
  readonly library: string
  readonly shape: Shape
  readonly seed: number
  /** How long there are faults. */
  readonly seconds: number
  readonly clients: number
  /** Told now and then. */
  readonly onProgress?: (line: string) => void
}

export interface Run {
  readonly options: Omit<RunOptions, 'onProgress'>
  readonly version: string
  readonly history: History
  readonly verdict: Verdict
  readonly faults: readonly Fault[]
  readonly breaks: readonly Break[]
  readonly kills: Fleet['kills']
  readonly startMs: number
  readonly healedMs: number
  readonly endMs: number
  /** Faults that could not be made here, with the reason. */
  readonly missing: Readonly<Record<string, string>>
  readonly crashes: readonly string[]
  /** Processes that were told to finish and did not end by themselves. */
  readonly stayed: number
  /** Names in a store that outlive every hold, and those without an end. */
  readonly leakedKeys: readonly string[]
}

export async function runChaos(options: RunOptions): Promise<Run> {
  const { library, shape, seed, clients } = options
  const { store } = libraryOf(library)
  if (!shapes[store].includes(shape))
    throw new Error(`${library} keeps its locks in ${store}: it cannot run on ${shape}`)
  setMaxListeners(20 + 4 * clients, process) // each process and each clock ends with this one
  const programs = await bundle(['test/chaos/client.ts', 'test/chaos/resource.ts'])
  const site = shape === 'memory' ? undefined : await Site.start(shape)
  const resource = await startResource(programs.pathOf('resource'))
  const settings = { library, resourcePort: resource.port, ttlMs: TTL_MS, seed, crowd: site ? 1 : CROWD_IN_MEMORY }
  const { clocks, missing } = clocksFor(clients)
  const program = programs.pathOf('client')
  const fleet = await Fleet.start({ program, clients, settings, url: site?.url, clocks })
  try {
    return await go({ options, site, fleet, resource, missing })
  } finally {
    await fleet.close()
    resource.stop()
    await site?.stop()
    for (const clock of clocks) clock.remove()
    programs.remove()
  }
}

/** A clock for each, or why there is none. */
function clocksFor(clients: number): { clocks: MovableClock[]; missing: [FaultKind, string][] } {
  const made = Array.from({ length: clients }, movableClock)
  const clocks = made.filter((clock) => typeof clock !== 'string')
  const [why] = made.filter((clock) => typeof clock === 'string')
  if (why === undefined) return { clocks, missing: [] }
  return { clocks: [], missing: (['client-clock-ahead', 'client-clock-back'] as const).map((kind) => [kind, why]) }
}

interface Parts {
  readonly options: RunOptions
  readonly site: Site | undefined
  readonly fleet: Fleet
  readonly resource: ResourceProcess
  /** Of the clients. */
  readonly missing: readonly [FaultKind, string][]
}

async function go({ options, site, fleet, resource, missing: clientsMiss }: Parts): Promise<Run> {
  const { onProgress, ...plain } = options
  const { library, shape, seed, seconds, clients } = plain
  const nemesis = new Nemesis(site, fleet, { forgets: shape === 'empty' })
  const missing = new Map([...clientsMiss, ...(site?.missing ?? [])])
  const without = new Set(missing.keys())
  const plan = planFaults({ seed, shape, lengthMs: seconds * 1000, clients, ttlMs: TTL_MS, without })
  const startMs = machineMs()
  await sleep(WARM_MS)
  const telling = setInterval(() => {
    const left = Math.max(0, seconds - (machineMs() - startMs) / 1000)
    onProgress?.(`${nemesis.faults.length} of ${plan.length} faults, ${left.toFixed(0)} s left`)
  }, 5000)
  await nemesis.run(plan).finally(() => clearInterval(telling))
  fleet.reviveCrashed()
  const healedMs = machineMs()
  await liveness(resource, { healedMs, clients, library })
  const stayed = await fleet.finish(FINISH_MS)
  const inRedis = site ? await leftovers(site.primary) : []
  const history = await resource.history()
  const breaks = site?.breaks ?? []
  const { faults } = nemesis
  const { kills, crashes } = fleet
  return {
    options: plain,
    version: versionOf(libraryOf(library).package),
    history,
    verdict: judge(history, { breaks, healedMs, faults, kills, clients, ttlMs: TTL_MS }),
    faults,
    breaks,
    kills,
    startMs,
    healedMs,
    endMs: machineMs(),
    missing: Object.fromEntries(missing),
    crashes,
    stayed,
    leakedKeys: [...inRedis, ...history.left],
  }
}

/** Waits until every client and every workload was granted something after the last fault; the verdict counts. */
async function liveness(
  resource: ResourceProcess,
  { healedMs, clients, library }: { healedMs: number; clients: number; library: string },
): Promise<void> {
  const { features } = libraryOf(library)
  const expected = workloads.filter(({ needs }) => needs === undefined || features.includes(needs))
  await sleep(HEALED_LEAST_MS)
  while (machineMs() < healedMs + HEALED_MOST_MS) {
    const last = await resource.progress()
    const all = [
      ...Array.from({ length: clients }, (_, client) => last.clients.get(client)),
      ...expected.map(({ name }) => last.workloads.get(name)),
    ]
    if (all.every((atMs) => atMs !== undefined && atMs > healedMs)) return
    await sleep(100)
  }
}

/** What outlives every hold. A last token is kept for an hour on purpose, so that the next one is larger, and the mark of a reset. */
async function leftovers(server: RedisServer): Promise<string[]> {
  const endMs = machineMs() + LEFTOVERS_MS
  for (;;) {
    const found = await server.command('EVAL', leftoversScript, '0')
    const left = Array.isArray(found) ? found.map(String) : [String(found)]
    if (left.length === 0 || machineMs() > endMs) return left
    await sleep(200)
  }
}

const leftoversScript = `
local left = {}
for _, name in ipairs(redis.call('KEYS', '*')) do
  local endless = redis.call('PTTL', name) == -1
  local kept = string.find(name, '}:token') or string.find(name, '}:revoked') or string.find(name, '}:value')
  if endless or not kept then left[#left + 1] = name .. (endless and ' (without an end)' or '') end
end
return left`
