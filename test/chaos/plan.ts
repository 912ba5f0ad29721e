/** Which faults come when: decided by the seed alone. */
import type { Library } from '../fleet/subject.js'
import { type Random, seeded } from '../fleet/random.js'

/** What Redis is like: nothing is forgotten; a restart forgets all; a replica takes over. And a store in each process's own memory. */
export type Shape = 'persistent' | 'empty' | 'replicated' | 'memory'
const onRedis: readonly Shape[] = ['persistent', 'empty', 'replicated']
/** By where a library's locks stand. */
export const shapes: Readonly<Record<Library['store'], readonly Shape[]>> = {
  redis: onRedis,
  memory: ['memory'],
  file: [],
}
const everywhere: readonly Shape[] = [...onRedis, 'memory']

export type FaultKind =
  | 'client-stop'
  | 'client-kill'
  | 'client-stall'
  | 'client-clock-ahead'
  | 'client-clock-back'
  | 'store-fails'
  | 'black-hole'
  | 'replies-lost'
  | 'requests-lost'
  | 'forgotten'
  | 'delay'
  | 'cut'
  | 'replay'
  | 'server-stop'
  | 'server-kill'
  | 'script-flush'
  | 'connections-kill'
  | 'out-of-memory'
  | 'flush-all'
  | 'clock-ahead'
  | 'clock-back'
  | 'disk-full'
  | 'failover'
  | 'split'

export interface PlannedFault {
  /** From the start of the run. */
  readonly atMs: number
  readonly kind: FaultKind
  /** Whose process or proxy; of a server's fault: nobody's. */
  readonly clients: readonly number[]
  readonly lastsMs: number
  /** From 0 to 1, for what else there is to choose. */
  readonly degree: number
}

interface Kind {
  readonly weight: number
  /** Default: those on Redis. */
  readonly shapes?: readonly Shape[]
  /** How many clients it hits, at most; 0: it is a fault of the servers. */
  readonly clients: number
  /** The first client that it can hit; default 0. */
  readonly from?: number
  /** How long it lasts, in ttls, from and to. */
  readonly ttls: readonly [least: number, most: number]
}

export const faultKinds: Readonly<Record<FaultKind, Kind>> = {
  'client-stop': { weight: 18, shapes: everywhere, clients: 1, ttls: [0.2, 3] },
  'client-kill': { weight: 8, shapes: everywhere, clients: 1, ttls: [0, 1] },
  'client-stall': { weight: 7, shapes: everywhere, clients: 1, ttls: [0.2, 2] },
  'client-clock-ahead': { weight: 2, shapes: everywhere, clients: 3, ttls: [0.3, 2] },
  'client-clock-back': { weight: 2, shapes: everywhere, clients: 3, ttls: [0.3, 2] },
  'store-fails': { weight: 30, shapes: ['memory'], clients: 3, from: 1, ttls: [0.2, 3] },
  'black-hole': { weight: 10, clients: 3, ttls: [0.2, 3] },
  'replies-lost': { weight: 8, clients: 3, ttls: [0.02, 1.5] },
  'requests-lost': { weight: 4, clients: 3, ttls: [0.02, 1.5] },
  forgotten: { weight: 4, clients: 3, ttls: [0.5, 6] },
  delay: { weight: 5, clients: 3, ttls: [0.3, 2] },
  cut: { weight: 6, clients: 6, ttls: [0, 0] },
  replay: { weight: 4, clients: 3, ttls: [0.5, 2] },
  'server-stop': { weight: 8, clients: 0, ttls: [0.2, 2.5] },
  'server-kill': { weight: 8, shapes: ['persistent', 'empty'], clients: 0, ttls: [0, 0.5] },
  'script-flush': { weight: 4, clients: 0, ttls: [0, 0] },
  'connections-kill': { weight: 5, clients: 0, ttls: [0, 0] },
  'out-of-memory': { weight: 3, clients: 0, ttls: [0.2, 1.5] },
  'flush-all': { weight: 4, shapes: ['empty'], clients: 0, ttls: [0, 0] },
  'clock-ahead': { weight: 2, shapes: ['persistent'], clients: 0, ttls: [0.5, 2] },
  'clock-back': { weight: 2, shapes: ['persistent'], clients: 0, ttls: [0.5, 2] },
  'disk-full': { weight: 3, shapes: ['persistent'], clients: 0, ttls: [0.3, 1] },
  failover: { weight: 8, shapes: ['replicated'], clients: 0, ttls: [0, 0.5] },
  split: { weight: 4, shapes: ['replicated'], clients: 0, ttls: [0.3, 2] },
}

const GAP_LEAST_MS = 300
const GAP_MOST_MS = 800

export interface PlanOptions {
  readonly seed: number
  readonly shape: Shape
  readonly lengthMs: number
  readonly clients: number
  readonly ttlMs: number
  /** Kinds that cannot be done here. */
  readonly without: ReadonlySet<FaultKind>
}

/** Each kind once, in an order drawn from the seed; from then on by weight. */
export function planFaults(options: PlanOptions): PlannedFault[] {
  const random = seeded(options.seed)
  const kinds = (Object.keys(faultKinds) as FaultKind[]).filter(
    (kind) => !options.without.has(kind) && (faultKinds[kind].shapes ?? onRedis).includes(options.shape),
  )
  const first = shuffled(kinds, random)
  const plan: PlannedFault[] = []
  for (let atMs = 500; atMs < options.lengthMs; atMs += random.whole(GAP_LEAST_MS, GAP_MOST_MS)) {
    const kind = first[plan.length] ?? weighted(kinds, random)
    plan.push(draw(kind, { atMs, random, ...options }))
  }
  return plan
}

function draw(
  kind: FaultKind,
  { atMs, random, clients, ttlMs }: { atMs: number; random: Random; clients: number; ttlMs: number },
): PlannedFault {
  const { clients: most, from = 0, ttls } = faultKinds[kind]
  const everyone = Array.from({ length: clients }, (_, client) => client).slice(from)
  const count = most === 0 ? 0 : random.whole(1, Math.min(most, everyone.length))
  const [least, longest] = ttls
  return {
    atMs,
    kind,
    clients: shuffled(everyone, random).slice(0, count),
    lastsMs: Math.round((least + random.next() * (longest - least)) * ttlMs),
    degree: random.next(),
  }
}

function weighted(kinds: readonly FaultKind[], random: Random): FaultKind {
  let left = random.next() * kinds.reduce((sum, kind) => sum + faultKinds[kind].weight, 0)
  for (const kind of kinds) {
    left -= faultKinds[kind].weight
    if (left < 0) return kind
  }
  return random.pick(kinds)
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items]
  const drawn: T[] = []
  while (left.length > 0) drawn.push(...left.splice(random.whole(0, left.length - 1), 1))
  return drawn
}
