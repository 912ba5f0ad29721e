import type { Hold } from '../../../src/core/hold.js'
import { Lease } from '../../../src/core/lease.js'
import type { AnyStore, NewValue, SyncStore, ValuesOf } from '../../../src/core/store.js'
import type { Client } from '../client.js'
import type { Machine } from '../machine.js'
import type { ScriptCall } from '../model/call.js'
import type { Options } from '../options.js'
import { cachedRoom } from '../terms.js'
import type { World } from '../world.js'
import type { Ask, Checker, Held } from './checker.js'
import type { Truth } from './truth.js'

/** One call of a cached function; it is the argument, too, so that a computation knows for whom it began. */
export interface Call {
  readonly client: Client
  /** The user's. */
  readonly key: string
  readonly ask: Ask
  readonly beganMs: number
}

/** One run of the function that is cached. */
export interface Run {
  readonly id: number
  readonly client: Client
  readonly key: string
  /** undefined: its store had just failed, and it computes for its process alone; or it is not known which of several it has. */
  readonly held: Held | undefined
  token: number
  grantedMs: number
  readonly beganMs: number
  /** By the clock of its process. */
  readonly beganNowMs: number
  /** When its value was kept last. */
  keptMs: number
}

/** What a cached function gives. */
export interface Computation {
  readonly run: number
}

/** Where values are kept, with a clock of its own. */
export interface Keeper {
  readonly nowMs: number
}

interface Kept {
  readonly run: Run
  readonly atMs: number
  /** By the clock of its keeper. */
  readonly freshUntilMs: number
  readonly endsMs: number
}

/** What is kept of one key in one place. */
interface Shelf {
  kept: Kept | undefined
  deletedMs: number
}

/** Looks on while values are computed, kept, deleted and given. */
export class Computed {
  readonly #world: World
  readonly #truth: Truth
  readonly #checker: Checker
  readonly #runs: Run[] = []
  readonly #shelves = new Map<object, Map<string, Shelf>>()
  /** When the last reset that was answered began, by when. */
  readonly #resets = new Map<string, { calledMs: number; doneMs: number }[]>()
  #memory: Keeper | undefined = undefined
  /** Locks under which something was computed. */
  readonly #used = new WeakSet<Hold>()
  /** The tokens of values that were given, and when. */
  readonly #given = new Map<string, { token: number; atMs: number }[]>()

  constructor(world: World, truth: Truth, checker: Checker) {
    this.#world = world
    this.#truth = truth
    this.#checker = checker
  }

  /** The function begins, for `call`: under the lock that was granted to its process last, unless the store has just failed. */
  begins({ client, key, ask }: Call, server: Keeper | undefined): Run {
    const keeper = server ?? this.#memory
    const { nowMs: beganMs } = this.#world
    const alone = client.outages.get(key) === client.machine.nowMs()
    const hold = alone ? undefined : this.#lockOf(client, key)
    const grantedMs = hold === undefined || client.space.local ? beganMs : this.#truth.factOf(hold.owner).grantedAtMs
    if (hold !== undefined && keeper !== undefined) this.#checkNeed(keeper, key, grantedMs)
    const held = hold === undefined ? undefined : this.#checker.granted(ask, hold, new Lease(hold))
    const when = { grantedMs, beganMs, beganNowMs: client.machine.nowMs(), keptMs: -Infinity }
    const run: Run = { id: this.#runs.length, client, key, held, token: hold?.token ?? 0, ...when }
    this.#runs.push(run)
    this.#world.note(`${client.machine.host} computes ${key} as ${run.id}${alone ? ' for itself' : ''}`)
    return run
  }

  /** A call was given a value. */
  gave({ client, key, beganMs }: Call, { run: id }: Computation, options: Options): void {
    const run = this.#runs[id]
    if (run?.key !== key) {
      this.#fail('value', `${key} is said to be ${id}`)
      return
    }
    this.#world.note(`${client.machine.host} is given ${key} of ${id}`)
    if (this.#truth.recordsLost) return
    const isOwn = run.client === client
    // where the store failed, nobody could know of a reset
    const failedMs = run.client.outages.get(key) ?? -Infinity
    const knew = run.held !== undefined && failedMs < run.beganNowMs
    for (const { calledMs, doneMs } of this.#resets.get(key) ?? []) {
      if (doneMs < beganMs && run.beganMs < calledMs && (knew || !isOwn))
        this.#fail('value of before a reset', `${id} of ${key} was given after a reset, and begun before it`)
    }
    if (isOwn) return
    const { freshMs = null, revalidateMs = 0, ifErrorMs = 0 } = options.features ?? {}
    const agedMs = beganMs - run.keptMs
    const isTimed = freshMs !== null && ifErrorMs === 0 && !this.#truth.clockStepped && run.keptMs >= 0
    if (isTimed && !client.space.local && agedMs > (freshMs + revalidateMs) * 1.01 + 2)
      this.#fail('old value', `${id} of ${key} was given ${agedMs} ms after it was kept`)
    if (freshMs === null) this.#checkOrder(run, beganMs)
  }

  /** Values that last until they are reset never become older ones. */
  #checkOrder({ id, key, token }: Run, beganMs: number): void {
    const given = this.#given.get(key) ?? []
    const newest = Math.max(...given.filter(({ atMs }) => atMs < beganMs).map((other) => other.token), 0)
    if (token < newest) this.#fail('older value', `${id} of ${key} was given after a newer one`)
    given.push({ token, atMs: this.#world.nowMs })
    this.#given.set(key, given)
  }

  wasReset(key: string, calledMs: number): void {
    const resets = this.#resets.get(key) ?? []
    this.#resets.set(key, [...resets, { calledMs, doneMs: this.#world.nowMs }])
  }

  /** Redis took this text. */
  storedText(keeper: Keeper, key: string, { token, text, lastsMs }: ScriptCall['value']): void {
    const [, stale = '0', content = ''] = text.split('\n')
    const { run } = JSON.parse(content.slice(1)) as Computation
    const freshMs = lastsMs === undefined ? Infinity : lastsMs - Number(stale)
    this.#stored(keeper, key, { run, token, freshMs, lastsMs: lastsMs ?? Infinity })
  }

  deleted(keeper: Keeper, key: string): void {
    const shelf = this.#shelf(keeper, key)
    shelf.kept = undefined
    shelf.deletedMs = this.#world.nowMs
  }

  /** The memory of one process, observed. */
  watch(store: SyncStore, machine: Machine): AnyStore {
    const { values } = store
    if (values === undefined) return store
    const keeper = {
      get nowMs(): number {
        return machine.nowMs()
      },
    }
    this.#memory = keeper
    const watched: ValuesOf<'sync'> = {
      live: values.live,
      get: (key) => values.get(key),
      set: (key, value: NewValue) => {
        const kept = values.set(key, value)
        const { token, freshMs, staleMs } = value
        const { run } = value.content as Computation
        if (kept)
          this.#stored(keeper, key, {
            run,
            token,
            freshMs: freshMs ?? Infinity,
            lastsMs: (freshMs ?? Infinity) + staleMs,
          })
        return kept
      },
      delete: (key) => {
        this.deleted(keeper, key)
        return values.delete(key)
      },
    }
    return new Proxy(store, {
      get: (target, name: keyof SyncStore) => {
        if (name === 'values') return watched
        const value: unknown = target[name]
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  #stored(
    keeper: Keeper,
    lock: string,
    { run: id, token, freshMs, lastsMs }: Computation & { token: number; freshMs: number; lastsMs: number },
  ): void {
    const { nowMs: atMs } = this.#world
    const run = this.#runs[id]
    if (run === undefined || cachedRoom + run.key !== lock) {
      this.#fail('value', `${lock} is kept as ${id}`)
      return
    }
    const shelf = this.#shelf(keeper, lock)
    const { kept, deletedMs } = shelf
    if (!this.#truth.recordsLost) {
      if (run.held === undefined) this.#learn(run, lock, token)
      if (run.token !== token) this.#fail('kept without its lock', `${id} of ${run.key}`)
      if (run.grantedMs < deletedMs) this.#fail('kept after a reset', `${id} of ${run.key} was begun before it`)
      if (kept !== undefined && kept.endsMs > keeper.nowMs && kept.run.token > run.token)
        this.#fail('overwritten', `${id} of ${run.key} came over ${kept.run.id}, which is newer`)
    }
    run.keptMs = atMs
    shelf.kept = { run, atMs, freshUntilMs: keeper.nowMs + freshMs, endsMs: keeper.nowMs + lastsMs }
  }

  /** The one that its process has and that nothing was computed under yet; undefined where there are several. */
  #lockOf(client: Client, key: string): Hold | undefined {
    const all = client.granted.get(cachedRoom + key) ?? []
    const [hold, ...others] = all.filter((one) => one.ended !== 'LOCK_RELEASED' && !this.#used.has(one))
    if (hold === undefined && !client.space.closed)
      this.#fail('without a lock', `${client.machine.host} computes ${key}`)
    if (hold === undefined || others.length > 0) return undefined
    this.#used.add(hold)
    return hold
  }

  /** Its token tells which lock it had. */
  #learn(run: Run, lock: string, token: number): void {
    const hold = run.client.granted.get(lock)?.find((one) => one.token === token)
    if (hold === undefined) return
    run.token = token
    run.grantedMs = this.#truth.factOf(hold.owner).grantedAtMs
  }

  /** Whoever gets the lock looks first whether it was done meanwhile. */
  #checkNeed(keeper: Keeper, key: string, grantedMs: number): void {
    const { kept } = this.#shelf(keeper, cachedRoom + key)
    const { recordsLost, clockStepped } = this.#truth
    if (kept === undefined || recordsLost || clockStepped) return
    if (kept.atMs < grantedMs && kept.freshUntilMs > keeper.nowMs)
      this.#fail('computed in vain', `${kept.run.id} of ${key} was there, and fresh`)
  }

  #shelf(keeper: Keeper, key: string): Shelf {
    let shelves = this.#shelves.get(keeper)
    if (shelves === undefined) this.#shelves.set(keeper, (shelves = new Map<string, Shelf>()))
    let shelf = shelves.get(key)
    if (shelf === undefined) shelves.set(key, (shelf = { kept: undefined, deletedMs: -Infinity }))
    return shelf
  }

  #fail(checker: string, detail: string): void {
    this.#checker.fail(checker, detail)
  }
}
