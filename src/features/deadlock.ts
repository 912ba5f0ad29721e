/**
 * Finds waits that would never end: each waits for what the next one's body holds, in a circle. A wait blocks a body only
 * where the body awaits it; what was started and not awaited blocks nobody. What is not certain is not told.
 */
import type { Env } from '../core/env.js'
import { DeadlockError, type DeadlockedHolder } from '../core/errors.js'
import type { Held } from '../core/lease.js'
import { Fifo, type Linked } from '../core/queue.js'
import type { Space } from '../core/space.js'
import type { Terms, Waiting } from '../core/terms.js'
import { awaitingBodies, blockedBodies, type Body, isAnyRunning } from './bodies.js'
import { inspect } from './query.js'

/** A wait is looked at when it is this old, then after twice the time, and so on, up to 2^9 times. */
const firstLookMs = 100
const stages = 10
/** A look takes some 10 µs; so many at a time take a millisecond. */
const mostLooks = 100

/** What waits: resolves as it does, or rejects with a DeadlockError. */
export type Ask<T> = (waiting: Waiting) => Promise<T>

/** Asks, and watches the wait where somebody may hold meanwhile. */
export function watched<T>(space: Space, terms: Terms, waiting: Waiting, ask: Ask<T>): Promise<T> {
  return isAnyRunning() ? new Wait<T>(space, terms).of(waiting, ask) : ask(waiting)
}

/** @throws DeadlockError when a body around, which cannot go on meanwhile, holds what a sync call would wait for */
export function assertSyncEnds(space: Space, terms: Terms): void {
  const held = blockedBodies.find((one) => isHolding(one) && isOf(one, space, terms))
  if (held !== undefined) throw deadlock(terms.key, [{ ...about(held), since: undefined }])
}

/** A body that cannot go on before a wait ends, and what it holds. */
interface Blocked {
  readonly body: Body
  readonly held: Held
}

/** A wait, and a body with its hold: the one that it waits for, or one that it blocks. */
interface Step {
  readonly wait: Wait<unknown>
  readonly holder: Blocked
}

class Wait<T> implements Linked<Wait<unknown>> {
  readonly space: Space
  readonly terms: Terms
  readonly sinceMs: number
  before: Wait<unknown> | undefined = undefined
  after: Wait<unknown> | undefined = undefined
  stage = 0
  blocked: readonly Blocked[] = []
  /** Ends the wait; undefined: it does not stand in line. */
  cancel: ((reason: unknown) => void) | undefined = undefined
  isOver = false
  /** Lets the function that waits go on: to its end, or to see who awaits it. */
  #wake: () => void = () => undefined

  constructor(space: Space, terms: Terms) {
    this.space = space
    this.terms = terms
    this.sinceMs = space.env.nowMs()
  }

  async of(waiting: Waiting, ask: Ask<T>): Promise<T> {
    const watch = watchOf(this.space.env)
    watch.begin(this as Wait<unknown>)
    const asked = ask({ ...waiting, entered: (cancel) => (this.cancel = cancel) })
    const end = (): void => {
      this.isOver = true
      watch.end(this as Wait<unknown>)
      this.#wake()
    }
    asked.then(end, end)
    for (;;) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      if (this.isOver) return await asked
      this.blocked = awaitingBodies().flatMap((body) => (body.held === undefined ? [] : { body, held: body.held }))
    }
  }

  /** `blocked` is of this moment when the next job runs. */
  look(): void {
    if (!this.isOver) this.#wake()
  }
}

const watches = new WeakMap<Env, Watch>()

function watchOf(env: Env): Watch {
  let watch = watches.get(env)
  if (watch === undefined) watches.set(env, (watch = new Watch(env)))
  return watch
}

/** All waits that go by one clock. */
class Watch {
  readonly #env: Env
  /** By how often they were looked at; those of a stage come due in order. */
  readonly #stages = Array.from({ length: stages }, () => new Fifo<Wait<unknown>>())
  #isSet = false

  constructor(env: Env) {
    this.#env = env
  }

  begin(wait: Wait<unknown>): void {
    this.#stages[0]?.push(wait)
    this.#set()
  }

  end(wait: Wait<unknown>): void {
    this.#stages[wait.stage]?.remove(wait)
  }

  #set(): void {
    if (this.#isSet) return
    this.#isSet = true
    this.#env.setTimer(() => void this.#tick(), firstLookMs, false)
  }

  async #tick(): Promise<void> {
    const due = this.#due()
    for (const wait of due) wait.look()
    await undefined // they look
    const nested = due.filter(({ blocked }) => blocked.length > 0)
    const blockers = nested.length > 0 ? this.#blockers() : undefined
    for (const wait of nested) {
      const circle = blockers && circleFrom(wait, blockers)
      if (circle !== undefined) await tell(circle)
    }
    this.#isSet = false
    if (this.#stages.some(({ size }) => size > 0)) this.#set()
  }

  #due(): Wait<unknown>[] {
    const due: Wait<unknown>[] = []
    const nowMs = this.#env.nowMs()
    for (const [stage, waits] of this.#stages.entries()) {
      const next = Math.min(stage + 1, stages - 1)
      for (let wait = waits.first; wait !== undefined && due.length < mostLooks; wait = waits.first) {
        if (due.includes(wait) || nowMs - wait.sinceMs < firstLookMs * 2 ** stage) break
        waits.remove(wait)
        wait.stage = next
        this.#stages[next]?.push(wait)
        due.push(wait)
      }
    }
    return due
  }

  /** By store key: the bodies that hold it and are blocked themselves, and by which wait. */
  #blockers(): Blockers {
    const found: Blockers = new Map()
    for (const waits of this.#stages) {
      for (let wait = waits.first; wait !== undefined; wait = wait.after) {
        for (const holder of wait.blocked) {
          const { storeKey } = holder.held.terms
          const others = found.get(storeKey)
          if (others === undefined) found.set(storeKey, [{ wait, holder }])
          else others.push({ wait, holder })
        }
      }
    }
    return found
  }
}

type Blockers = Map<string, Step[]>

/** The waits that stand in a circle with this one, and who holds what each of them waits for. */
function circleFrom(first: Wait<unknown>, blockers: Blockers): Step[] | undefined {
  const seen = new Set<Wait<unknown>>()
  const search = (wait: Wait<unknown>): Step[] | undefined => {
    seen.add(wait)
    for (const { wait: blocked, holder } of blockers.get(wait.terms.storeKey) ?? []) {
      if (!isBlocked(holder) || !isOf(holder.held, wait.space, wait.terms)) continue
      const step = { wait, holder }
      if (blocked === first) return [step]
      const rest = seen.has(blocked) ? undefined : search(blocked)
      if (rest !== undefined) return [step, ...rest]
    }
    return undefined
  }
  return search(first)
}

/** Fails the youngest wait of the circle, if all stand still after another look. */
async function tell(circle: readonly Step[]): Promise<void> {
  const holders = await Promise.all(circle.map(({ holder }) => describe(holder.held)))
  for (const { wait } of circle) wait.look()
  await undefined
  const stands = circle.every(({ wait, holder }, index) => {
    const { wait: next } = circle[(index + 1) % circle.length] ?? { wait }
    return !wait.isOver && isBlocked(holder) && next.blocked.some(({ held }) => held === holder.held)
  })
  if (!stands) return
  const youngest = circle.reduce((a, b) => (b.wait.sinceMs >= a.wait.sinceMs ? b : a))
  const at = circle.indexOf(youngest)
  const error = deadlock(youngest.wait.terms.key, [...holders.slice(at), ...holders.slice(0, at)])
  youngest.wait.space.warn(error.message)
  youngest.wait.cancel?.(error)
}

function isBlocked({ body, held }: Blocked): boolean {
  return body.held === held && isHolding(held)
}

/** Alone, and with no end of its own. */
function isHolding(held: Held): boolean {
  const { limit, permits, expireMs } = held.terms
  return permits === limit && expireMs === undefined && held.isActive()
}

function isOf(held: Held, space: Space, { storeKey }: Terms): boolean {
  return held.space === space && held.terms.storeKey === storeKey
}

function about({ terms }: Held): Pick<DeadlockedHolder, 'key' | 'label'> {
  return { key: terms.key, label: terms.label }
}

/** The store knows since when. */
async function describe(held: Held): Promise<DeadlockedHolder> {
  const found = await inspect(held.space, held.terms).catch(() => undefined)
  return { ...about(held), since: found?.holders.find(({ token }) => token === held.token)?.since }
}

/** `holders`: first who holds what is waited for, then who holds what that one waits for. */
function deadlock(key: string, holders: readonly DeadlockedHolder[]): DeadlockError {
  const [own] = holders
  if (holders.length <= 1) {
    const detail = `the body that waits holds it itself${own === undefined ? '' : howOf(own)}. Let it go first, or give { reentrant: true } both times.`
    return new DeadlockError(key, detail, holders)
  }
  const links = holders.map((holder, index) => {
    const { key: wanted } = holders[(index + 1) % holders.length] ?? holder
    return `${holder.key} is held${howOf(holder)} by a body that waits for ${wanted}`
  })
  return new DeadlockError(key, `${links.join(', ')}. Take the keys in one order everywhere.`, holders)
}

function howOf({ label, since }: DeadlockedHolder): string {
  const called = label === undefined ? '' : ` as "${label}"`
  return since === undefined ? called : `${called} since ${since.toISOString()}`
}
