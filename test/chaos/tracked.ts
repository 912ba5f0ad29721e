/** Holds, with all that is known of them told to the resource. */
import { machineMs } from '../fleet/machine-clock.js'
import type { Ask, Cache, Held, Subject } from '../fleet/subject.js'
import type { ResourceLink } from './resource-link.js'

const LOOK_EVERY_MS = 10
/** A turn of the loop that took so long is a stall of this process, not of the library. */
const STALL_MS = 30

/** A hold that a workload works under. Each effect is preceded by a look at the library. */
export interface TrackedHold {
  /** Whether the library says that the hold is active. */
  look(): boolean
  /** An effect; false: not done, for the hold is over, or refused by the resource. */
  act(options?: { fenced: boolean }): Promise<boolean>
  /** A counter's value; undefined: as `act`. */
  read(options: { fenced: boolean }): Promise<number | undefined>
  write(value: number, options: { fenced: boolean }): Promise<boolean>
}

export interface HoldRequest {
  readonly workload: string
  readonly key: string
  readonly ask: Ask
}

export class Tracker {
  readonly #subject: Subject
  readonly #resource: ResourceLink
  readonly #open = new Set<Tracked>()
  readonly #prefix: string
  readonly #looking: NodeJS.Timeout
  #lastTurnMs = machineMs()
  #stallEndedMs = 0
  #holds = 0

  /** `prefix`: of its keys, for others; '' where all processes have the same ones. */
  constructor(subject: Subject, resource: ResourceLink, prefix: string) {
    this.#subject = subject
    this.#resource = resource
    this.#prefix = prefix
    this.#looking = setInterval(() => this.#turn(), LOOK_EVERY_MS)
  }

  /** Runs the body under a lock; undefined: it was not granted. Rejects when the store failed. */
  async hold(request: HoldRequest, body: (hold: TrackedHold) => Promise<void>): Promise<boolean> {
    const { workload, ask } = request
    const key = this.#prefix + request.key
    const askedMs = machineMs()
    const held = await this.#subject.acquire(key, ask)
    const grantedMs = machineMs()
    if (held === undefined) {
      this.#resource.tell({ t: 'missed', workload, waitedMs: grantedMs - askedMs })
      return false
    }
    try {
      await this.#run({ ...request, key }, { held, askedMs, grantedMs }, body)
    } finally {
      await held.release().catch(() => undefined) // a hold that was lost, or a store that is away
    }
    return true
  }

  /** Runs the body, gives the hold to another instance, and runs it there again. As `hold`. */
  async handOver(request: HoldRequest, body: (hold: TrackedHold) => Promise<void>): Promise<boolean> {
    const key = this.#prefix + request.key
    const askedMs = machineMs()
    const held = await this.#subject.acquire(key, request.ask)
    if (held === undefined) return false
    await this.#run({ ...request, key }, { held, askedMs, grantedMs: machineMs() }, body)
    const adoptedMs = machineMs()
    const adopted = await held.handOver?.().catch(async (error: unknown) => {
      await held.release().catch(() => undefined)
      throw error
    })
    if (adopted === undefined) return false
    await this.#run({ ...request, key }, { held: adopted, askedMs: adoptedMs, grantedMs: machineMs() }, body)
    await adopted.release().catch(() => undefined)
    return true
  }

  /** Runs the body unless it runs already; as `hold`. */
  async once(request: HoldRequest, body: (hold: TrackedHold) => Promise<void>): Promise<boolean> {
    const key = this.#prefix + request.key
    const askedMs = machineMs()
    const ran = await this.#subject.once?.(key, request.ask, (held) =>
      this.#run({ ...request, key }, { held, askedMs, grantedMs: machineMs() }, body),
    )
    return ran === true
  }

  /** Asks for a cached value, and tells what came. */
  async cached({ workload, key, ask }: HoldRequest, work: () => Promise<void>): Promise<boolean> {
    const calledMs = machineMs()
    const { beganMs, pid } = await this.#cacheOf(ask).get(this.#prefix + key, async () => {
      const began = machineMs()
      await work()
      return { beganMs: began, pid: process.pid }
    })
    this.#resource.tell({ t: 'given', workload, key, beganMs, calledMs, own: pid === process.pid })
    return true
  }

  async reset({ key, ask }: HoldRequest): Promise<boolean> {
    const calledMs = machineMs()
    await this.#cacheOf(ask).reset(this.#prefix + key)
    this.#resource.tell({ t: 'reset', key, calledMs, doneMs: machineMs() })
    return true
  }

  close(): void {
    clearInterval(this.#looking)
  }

  #cacheOf({ ttlMs }: Ask): Cache {
    const cache = this.#subject.cache?.(ttlMs)
    if (cache === undefined) throw new TypeError('the library keeps no results')
    return cache
  }

  /** Tells of a hold, runs the body under it, and tells of its end, which is up to the caller. */
  async #run(
    { workload, key, ask }: HoldRequest,
    { held, askedMs, grantedMs }: { held: Held; askedMs: number; grantedMs: number },
    body: (hold: TrackedHold) => Promise<void>,
  ): Promise<void> {
    const hold = new Tracked(++this.#holds, held, this.#resource)
    const { token } = held
    const { limit = 1, permits = 1 } = ask
    this.#resource.tell({ t: 'grant', hold: hold.id, workload, key, limit, permits, token, askedMs, grantedMs })
    this.#open.add(hold)
    held.onLost(() => this.#told(hold))
    try {
      hold.look()
      await body(hold)
    } finally {
      const how = hold.look() ? 'released' : 'lost'
      this.#open.delete(hold)
      this.#resource.tell({ t: 'end', hold: hold.id, seenMs: hold.seenMs, how })
    }
  }

  #turn(): void {
    const nowMs = machineMs()
    if (nowMs - this.#lastTurnMs > LOOK_EVERY_MS + STALL_MS) this.#stallEndedMs = nowMs
    this.#lastTurnMs = nowMs
    for (const hold of this.#open) hold.look()
  }

  #told(hold: Tracked): void {
    const nowMs = machineMs()
    const stalled = nowMs - this.#lastTurnMs > LOOK_EVERY_MS + STALL_MS
    if (hold.deadlineMs === undefined || nowMs < hold.deadlineMs - 1 || stalled) return
    this.#resource.tell({ t: 'told', lateMs: nowMs - Math.max(hold.deadlineMs, this.#stallEndedMs) })
  }
}

class Tracked implements TrackedHold {
  readonly id: number
  /** When it was last known to be active; 0: never. Read before the library was asked. */
  seenMs = 0
  /** When it ends unless renewed, as the library said last. */
  deadlineMs: number | undefined
  readonly #held: Held
  readonly #resource: ResourceLink

  constructor(id: number, held: Held, resource: ResourceLink) {
    this.id = id
    this.#held = held
    this.#resource = resource
  }

  look(): boolean {
    const nowMs = machineMs()
    if (!this.#held.active()) return false
    this.seenMs = nowMs
    const leftMs = this.#held.remainingMs()
    if (leftMs !== undefined && leftMs > 0) this.deadlineMs = nowMs + leftMs
    return true
  }

  async act({ fenced } = { fenced: true }): Promise<boolean> {
    if (!this.look()) return false
    return (await this.#resource.ask({ t: 'act', hold: this.id, checkedMs: this.seenMs, fenced })).ok
  }

  async read({ fenced }: { fenced: boolean }): Promise<number | undefined> {
    if (!this.look()) return undefined
    const { ok, value } = await this.#resource.ask({ t: 'read', hold: this.id, checkedMs: this.seenMs, fenced })
    return ok ? value : undefined
  }

  async write(value: number, { fenced }: { fenced: boolean }): Promise<boolean> {
    if (!this.look()) return false
    const write = { t: 'write', hold: this.id, checkedMs: this.seenMs, fenced, value } as const
    return (await this.#resource.ask(write)).ok
  }
}
