/** What clients do under locks. A feature that comes later joins with one entry here, and its call in the subjects. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../fleet/random.js'
import { type Feature, readersLimit } from '../fleet/subject.js'
import type { Tracker } from './tracked.js'

export interface Round {
  readonly tracker: Tracker
  readonly random: Random
  readonly ttlMs: number
  readonly client: number
}

export interface Workload {
  readonly name: string
  /** What a library must have to take part. */
  readonly needs?: Feature
  /** How many of its loops run in each client. */
  readonly loops: number
  /** Pause between two rounds, up to. */
  readonly pauseMs: number
  /** false: the lock was not granted. Rejects when the store failed. */
  round(round: Round): Promise<boolean>
}

const WAIT_MS = 5000
const STEPS = 5
export const PERMITS = 3
const CHURN_KEYS = 10_000

export const workloads: readonly Workload[] = [
  {
    // short work in steps; each step looks at the hold first
    name: 'steps',
    loops: 2,
    pauseMs: 40,
    round: ({ tracker, random, ttlMs }) =>
      tracker.hold(
        { workload: 'steps', key: `steps-${random.whole(0, 1)}`, ask: { ttlMs, waitMs: WAIT_MS } },
        async (hold) => {
          for (let step = 0; step < STEPS && (await hold.act()); step++) await sleep(random.whole(0, 8))
        },
      ),
  },
  {
    // work that outlasts the ttl: the hold must be renewed, and its loss told
    name: 'long',
    needs: 'renewal',
    loops: 1,
    pauseMs: 100,
    round: ({ tracker, random, ttlMs, client }) =>
      tracker.hold({ workload: 'long', key: `long-${client % 3}`, ask: { ttlMs, waitMs: WAIT_MS } }, async (hold) => {
        const endMs = performance.now() + random.whole(1, 3) * ttlMs
        while (performance.now() < endMs && (await hold.act())) await sleep(25)
      }),
  },
  counter('unfenced', false),
  counter('fenced', true),
  {
    name: 'permits',
    needs: 'limit',
    loops: 1,
    pauseMs: 20,
    round: ({ tracker, random, ttlMs }) =>
      tracker.hold(
        { workload: 'permits', key: 'permits', ask: { ttlMs, waitMs: WAIT_MS, limit: PERMITS } },
        async (hold) => {
          // tokens of a pool say who came later, not who alone may write
          await hold.act({ fenced: false })
          await sleep(random.whole(5, 40))
          await hold.act({ fenced: false })
        },
      ),
  },
  {
    // readers together, a writer alone
    name: 'readers-writers',
    needs: 'permits',
    loops: 2,
    pauseMs: 20,
    round: ({ tracker, random, ttlMs }) => {
      const limit = readersLimit
      const permits = random.next() < 0.3 ? limit : 1
      const ask = { ttlMs, waitMs: WAIT_MS, limit, permits }
      return tracker.hold({ workload: 'readers-writers', key: 'book', ask }, async (hold) => {
        await hold.act({ fenced: false })
        await sleep(random.whole(2, 20))
        await hold.act({ fenced: false })
      })
    },
  },
  {
    name: 'fairness',
    loops: 2,
    pauseMs: 10,
    round: ({ tracker, random, ttlMs }) =>
      tracker.hold({ workload: 'fairness', key: 'fairness', ask: { ttlMs, waitMs: WAIT_MS } }, async () => {
        await sleep(random.whole(1, 4))
      }),
  },
  {
    // a job that many start, and one runs
    name: 'once',
    needs: 'once',
    loops: 1,
    pauseMs: 40,
    round: ({ tracker, random, ttlMs }) =>
      tracker.once({ workload: 'once', key: 'once', ask: { ttlMs, waitMs: 0 } }, async (hold) => {
        for (let step = 0; step < 2 && (await hold.act()); step++) await sleep(random.whole(0, 15))
      }),
  },
  {
    // work that another instance goes on with
    name: 'hand-over',
    needs: 'hand-over',
    loops: 1,
    pauseMs: 40,
    round: ({ tracker, random, ttlMs }) =>
      tracker.handOver({ workload: 'hand-over', key: 'hand-over', ask: { ttlMs, waitMs: WAIT_MS } }, async (hold) => {
        if (await hold.act()) await sleep(random.whole(0, 10))
        await hold.act()
      }),
  },
  {
    // values that all ask for, and some reset
    name: 'cached',
    needs: 'cache',
    loops: 2,
    pauseMs: 30,
    round: ({ tracker, random, ttlMs }) => {
      const request = { workload: 'cached', key: `cached-${random.whole(0, 1)}`, ask: { ttlMs, waitMs: WAIT_MS } }
      if (random.next() < 0.15) return tracker.reset(request)
      return tracker.cached(request, () => sleep(random.whole(0, 40)))
    },
  },
  {
    // many keys, most of them free
    name: 'churn',
    loops: 2,
    pauseMs: 120,
    round: ({ tracker, random, ttlMs }) =>
      tracker.hold(
        { workload: 'churn', key: `churn-${random.whole(1, CHURN_KEYS)}`, ask: { ttlMs, waitMs: 0 } },
        async (hold) => {
          await hold.act()
        },
      ),
  },
]

/** Reads, thinks, writes. A write that the fence lets through must not undo another. */
function counter(name: string, fenced: boolean): Workload {
  return {
    name: `counter-${name}`,
    ...(fenced && { needs: 'token' }),
    loops: 1,
    pauseMs: 20,
    round: ({ tracker, random, ttlMs }) =>
      tracker.hold(
        { workload: `counter-${name}`, key: `counter-${name}`, ask: { ttlMs, waitMs: WAIT_MS } },
        async (hold) => {
          const value = await hold.read({ fenced })
          if (value === undefined) return
          await sleep(random.whole(1, 10))
          await hold.write(value + 1, { fenced })
        },
      ),
  }
}
