import { Random } from './random.js'

export type StoreKind = 'redis' | 'distant-memory' | 'memory'
export type Mode = 'mutex' | 'pool' | 'read-write'

/** What happens to the world, apart from what befalls single messages. */
export type FaultKind =
  | 'pause'
  | 'suspend'
  | 'crash'
  | 'wall-jump'
  | 'cut'
  | 'black-hole'
  | 'lost-requests'
  | 'lost-replies'
  | 'slow-link'
  | 'restart-empty'
  | 'restart-with-data'
  | 'failover'
  | 'split-brain'
  | 'clock-step'
  | 'script-flush'
  | 'flush-all'
  | 'eviction'
  | 'error-replies'
  | 'server-stall'
  | 'lost-notices'
  | 'force-release'

export interface Fault {
  readonly kind: FaultKind
  readonly atMs: number
  /** Which client, where it befalls one. */
  readonly client: number
  readonly durationMs: number
  /** A number from 0 to 1 for what else there is to decide. */
  readonly detail: number
}

/** Faults of single messages, as probabilities. */
export interface MessageFaults {
  readonly loseRequest: number
  readonly loseReply: number
  readonly duplicate: number
  readonly slow: number
  readonly loseNotice: number
}

/** A whole world, drawn from its seed; plain data, so that a failing one can be made smaller. */
export interface Options {
  readonly seed: number
  readonly store: StoreKind
  readonly mode: Mode
  readonly clients: number
  readonly keys: number
  readonly tasks: number
  readonly opsPerTask: number
  readonly limit: number
  readonly ttlMs: number
  /** Clients do not agree on the ttl. */
  readonly mixedTtl: boolean
  readonly expires: boolean
  readonly minHolds: boolean
  readonly storeTimeoutMs: number
  /** Half the difference of clock rates at most. */
  readonly drift: number
  readonly timerLateMs: number
  readonly delayMs: number
  readonly jitterMs: number
  readonly ordered: boolean
  readonly holdMs: number
  readonly thinkMs: number
  readonly messageFaults: MessageFaults
  readonly faults: readonly Fault[]
  /** When the faults stop. */
  readonly healMs: number
  /** Some programs take both keys at once. */
  readonly pairs?: boolean
  /** Programs use `cached` and `once`, and hand holds over. */
  readonly features?: FeatureOptions
}

/** What programs of `cached` do. */
export interface FeatureOptions {
  /** How long a value is fresh; null: until it is reset. */
  readonly freshMs: number | null
  readonly revalidateMs: number
  readonly ifErrorMs: number
  /** How long they wait for another who computes; undefined: for ever. */
  readonly waitMs: number | undefined
  readonly loadMs: number
  /** How often computing fails. */
  readonly failing: number
}

/** Seeds above this one are of worlds with {@link FeatureOptions}. */
export const featureSeeds = 1_000_000_000

const clientFaults: readonly FaultKind[] = ['pause', 'suspend', 'crash', 'wall-jump']
const networkFaults: readonly FaultKind[] = [
  'cut',
  'black-hole',
  'lost-requests',
  'lost-replies',
  'slow-link',
  'lost-notices',
]
const serverFaults: readonly FaultKind[] = [
  'restart-empty',
  'restart-with-data',
  'clock-step',
  'error-replies',
  'server-stall',
]
const redisFaults: readonly FaultKind[] = ['flush-all', 'failover', 'split-brain', 'script-flush', 'eviction']
const gentleFaults: readonly FaultKind[] = ['flush-all', 'script-flush', 'lost-notices', 'force-release']
const localFaults: readonly FaultKind[] = ['pause', 'suspend', 'wall-jump', 'force-release']

export const readWriteLimit: number = 2 ** 30

/** Draws a world. Each fault's rate is drawn by itself, and is often zero, so that runs differ in kind and not only in detail. */
export function drawOptions(seed: number): Options {
  const options = drawWorld(seed)
  return seed > featureSeeds ? withFeatures(options) : options
}

/** Drawn apart, from a world like all others. */
function withFeatures(world: Options): Options {
  const { seed, ttlMs, healMs, mode, limit } = world
  const random = new Random(seed ^ 0x5bd1e995)
  const freshMs = random.pick([null, ttlMs / 4, ttlMs, 4 * ttlMs, healMs / 3])
  const features: FeatureOptions = {
    freshMs,
    revalidateMs: freshMs !== null && random.chance(0.3) ? freshMs * random.pick([0.5, 3]) : 0,
    ifErrorMs: freshMs !== null && random.chance(0.3) ? freshMs * random.pick([0.5, 3]) : 0,
    waitMs: random.chance(0.25) ? ttlMs * random.pick([0.3, 2]) : undefined,
    loadMs: random.pick([0, 1, 10, ttlMs / 4, ttlMs]),
    failing: random.pick([0, 0, 0.1, 0.3]),
  }
  const isPool = mode === 'pool'
  return { ...world, mode: isPool ? mode : 'mutex', limit: isPool ? limit : 1, pairs: false, features }
}

function drawWorld(seed: number): Options {
  const random = new Random(seed)
  const store = random.pick<StoreKind>(['redis', 'redis', 'redis', 'redis', 'redis', 'distant-memory', 'memory'])
  const mode = random.pick<Mode>(['mutex', 'mutex', 'mutex', 'mutex', 'pool', 'read-write'])
  const ttlMs = Math.round(random.pick([100, random.between(100, 400), 300, 1000, 2500, 6000, 20_000]))
  const calm = random.chance(0.12)
  // what follows from a single lost message is seen best where little else goes wrong
  const gentle = store === 'redis' && random.chance(0.2)
  const rate = (most: number): number => (calm || random.chance(0.5) ? 0 : random.between(0, most))
  const healMs = random.between(0.5, 3) * Math.min(ttlMs, 4000) + random.between(20, 300)
  // a round trip takes a twentieth of the lease at most: with less there is no point in leases
  const mostMs = ttlMs / 80
  const delayMs = Math.min(random.pick([0.05, 0.3, 1, random.between(0.1, 8)]), mostMs)
  const jitterMs = random.chance(0.4) ? 0 : random.between(0, Math.min(6, mostMs))
  const roundTripMs = 2 * (delayMs + jitterMs)
  const clients = random.int(2, random.pick([2, 3, 4, 5]))
  const keys = random.chance(0.25) ? 2 : 1
  return {
    seed,
    store,
    mode,
    clients,
    keys,
    tasks: random.pick([1, 1, 2, 3]),
    opsPerTask: random.int(2, 4),
    limit: mode === 'mutex' ? 1 : mode === 'pool' ? random.int(2, 3) : readWriteLimit,
    ttlMs,
    mixedTtl: random.chance(0.2),
    expires: random.chance(0.15),
    minHolds: random.chance(0.1),
    storeTimeoutMs: Math.max(Math.min(random.chance(0.2) ? random.between(20, 300) : ttlMs / 3, 5000), 5 * roundTripMs),
    drift: random.chance(0.3) ? 0 : 0.0049,
    timerLateMs: random.chance(0.5) ? 0 : random.between(0, 3),
    delayMs,
    jitterMs,
    ordered: random.chance(0.7),
    holdMs: random.pick([1, 5, 20, ttlMs / 4, ttlMs]),
    thinkMs: random.pick([0, 1, 10, ttlMs / 4]),
    messageFaults: {
      loseRequest: rate(0.15),
      loseReply: rate(0.15),
      duplicate: rate(0.1),
      slow: rate(0.1),
      loseNotice: rate(0.6),
    },
    faults: calm ? [] : drawFaults(random, gentle ? gentleFaults : kindsOf(store), { clients, ttlMs, healMs }),
    healMs,
    ...(mode === 'mutex' && keys === 2 && { pairs: new Random(seed ^ 0x2545f491).chance(0.5) }), // drawn apart: the rest stays as it was
  }
}

interface Scale {
  readonly clients: number
  readonly ttlMs: number
  readonly healMs: number
}

function kindsOf(store: StoreKind): readonly FaultKind[] {
  if (store === 'memory') return localFaults
  const kinds = [...clientFaults, ...networkFaults, ...serverFaults, 'force-release'] as const
  return store === 'redis' ? [...kinds, ...redisFaults] : kinds
}

function drawFaults(random: Random, kinds: readonly FaultKind[], { clients, ttlMs, healMs }: Scale): Fault[] {
  const faults: Fault[] = []
  for (const kind of kinds) {
    if (!random.chance(0.22)) continue
    const most = random.int(1, 3)
    for (let count = 0; count < most; count++) {
      faults.push({
        kind,
        atMs: random.between(0, healMs),
        client: random.int(0, clients - 1),
        durationMs: random.pick([
          random.between(1, 30),
          random.between(0.1, 1) * ttlMs,
          random.between(1, 2.5) * ttlMs,
        ]),
        detail: random.next(),
      })
    }
  }
  return faults.sort((a, b) => a.atMs - b.atMs)
}
