/**
 * Finds waits that would never end: each waits for what the next one's body holds, in a circle. A wait blocks a body only
 * where the body awaits it; what was started and not awaited blocks nobody. What is not certain is not told.
 */
import type { Env } from '../core/env.js'
import { DeadlockError, type DeadlockedHolder } from '../core/errors.js'
import { type Held, holdOf } from '../core/lease.js'
import type { LocalLine } from '../core/local-line.js'
import type { Space } from '../core/space.js'
import type { Terms } from '../core/terms.js'
import type { Waiter } from '../core/waiter.js'
import { awaitingBodies, type Body, syncLeases } from './bodies.js'
import { inspect } from './query.js'

/** A wait is looked at when it is this old, then after twice the time, and so on. */
const firstLookMs = 100
/** A look takes some 10 µs. */
const mostLooks = 200

/** @throws DeadlockError when a body around, which cannot go on meanwhile, holds what a sync call would wait for */
export function assertSyncEnds(space: Space, terms: Terms): void {
  const held = syncLeases.map(holdOf).find((one) => isHolding(one) && isOf(one, space, terms))
  if (held !== undefined) throw deadlock(terms.key, [{ ...about(held), since: undefined }])
}

/** A body that cannot go on before a wait ends, and what it holds. */
interface Blocked {
  readonly body: Body
  readonly held: Held
}

/** A wait, and a body with its hold: the one that it waits for, or one that it blocks. */
interface Step {
  readonly wait: Wait
  readonly holder: Blocked
}

interface Wait {
  readonly line: LocalLine
  readonly space: Space
  readonly waiter: Waiter
}

/** What comes to one who waits before what it waits for: a call to look around, and then to wait for `next`. */
export class Look<T = unknown> {
  readonly waiter: Waiter
  readonly next: Promise<T>

  constructor(waiter: Waiter, next: Promise<T>) {
    this.waiter = waiter
    this.next = next
  }
}

function ask(waiter: Waiter): void {
  waiter.look((next) => new Look(waiter, next))
}

/** Which bodies a wait blocks, as it was when it was looked at last. */
const blockedBy = new WeakMap<Waiter, readonly Blocked[]>()

/** Waits for what comes after a call to look around, or several. Called by the function that is awaited. */
export function lookAround<T>({ waiter, next }: Look<T>): Promise<T> {
  blockedBy.set(
    waiter,
    awaitingBodies().flatMap((body) => (body.held === undefined ? [] : { body, held: body.held })),
  )
  return next
}

/** Watches the waits of an instance. */
export class Watch {
  readonly #env: Env
  readonly #spaces: Space[] = []
  #timer: { readonly atMs: number; clear(): void } | undefined = undefined

  constructor(env: Env) {
    this.#env = env
  }

  add(space: Space): void {
    this.#spaces.push(space)
    space.watch = (waiter) => this.#setFor(dueMs(waiter))
  }

  #setFor(atMs: number): void {
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return
    this.#timer?.clear()
    const delayMs = Math.max(atMs - this.#env.nowMs(), firstLookMs) // not more often, however many wait
    const timer = this.#env.setTimer(() => void this.#tick(), delayMs, false)
    this.#timer = { atMs, clear: () => timer.clear() }
  }

  async #tick(): Promise<void> {
    this.#timer = undefined
    const nowMs = this.#env.nowMs()
    const waits = this.#waits()
    const due = waits.filter(({ waiter }) => dueMs(waiter) <= nowMs).slice(0, mostLooks)
    for (const { waiter } of due) ask(waiter)
    const nextMs = waits.reduce((least, { waiter }) => Math.min(least, dueMs(waiter)), Number.POSITIVE_INFINITY)
    if (waits.length > 0) this.#setFor(nextMs)
    await Promise.resolve() // they look
    const nested = due.filter(({ waiter }) => blocksAny(waiter))
    const blockers = nested.length > 0 ? blockersOf(waits) : undefined
    for (const wait of nested) {
      const circle = blockers && circleFrom(wait, blockers)
      if (circle !== undefined && (circle.length > 1 || isEndless(wait))) await tell(circle)
    }
  }

  #waits(): Wait[] {
    const found: Wait[] = []
    for (const space of this.#spaces) {
      for (const line of space.gates.values()) {
        for (let waiter = line.waiters.first; waiter !== undefined; waiter = waiter.after) {
          if (waiter.looks !== undefined) found.push({ line, space, waiter })
        }
      }
    }
    return found
  }
}

function dueMs({ looks = 0, sinceMs }: Waiter): number {
  return sinceMs + firstLookMs * 2 ** looks
}

/** A body that waits for itself, but not for ever, is told that its time is over: what else happens then is its own. */
function isEndless({ waiter }: Wait): boolean {
  return waiter.waitMs === Number.POSITIVE_INFINITY
}

function blocksAny(waiter: Waiter): boolean {
  return (blockedBy.get(waiter)?.length ?? 0) > 0
}

/** By store key: the bodies that hold it and are blocked themselves, and by which wait. */
function blockersOf(waits: readonly Wait[]): Blockers {
  const found: Blockers = new Map()
  for (const wait of waits) {
    for (const holder of blockedBy.get(wait.waiter) ?? []) {
      const { storeKey } = holder.held.terms
      const others = found.get(storeKey)
      if (others === undefined) found.set(storeKey, [{ wait, holder }])
      else others.push({ wait, holder })
    }
  }
  return found
}

type Blockers = Map<string, Step[]>

/** The waits that stand in a circle with this one, and who holds what each of them waits for. */
function circleFrom(first: Wait, blockers: Blockers): Step[] | undefined {
  const seen = new Set<Wait>()
  const search = (wait: Wait): Step[] | undefined => {
    seen.add(wait)
    for (const { wait: blocked, holder } of blockers.get(wait.waiter.terms.storeKey) ?? []) {
      if (!isBlocked(holder) || !isOf(holder.held, wait.space, wait.waiter.terms)) continue
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
  for (const { wait } of circle) {
    blockedBy.delete(wait.waiter) // one whose wait is over does not look
    ask(wait.waiter)
  }
  await Promise.resolve()
  const stands = circle.every(({ holder }, index) => {
    const next = circle[(index + 1) % circle.length]?.wait.waiter
    return isBlocked(holder) && next !== undefined && blockedBy.get(next)?.some(({ held }) => held === holder.held)
  })
  if (!stands) return
  const youngest = circle.reduce((a, b) => (b.wait.waiter.sinceMs >= a.wait.waiter.sinceMs ? b : a))
  const at = circle.indexOf(youngest)
  const { line, space, waiter } = youngest.wait
  const error = deadlock(waiter.terms.key, [...holders.slice(at), ...holders.slice(0, at)])
  space.warn(error.message)
  line.cancelled(waiter, error)
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
