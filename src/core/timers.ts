/**
 * Timers that cost next to nothing to set and to clear: nearly all of ours are cleared long before they are due.
 *
 * `setTimeout` and `clearTimeout` make and drop a list, a place in a heap and a reference of the event loop for each
 * delay that nobody else uses at the moment: 3 µs a pair, and an acquire with its release sets three. Here each delay
 * keeps its list and one Node timer, which stays armed when its timers were cleared and looks again when it fires.
 */
import type { Timer } from './env.js'

/** What happens when a timer fires: a function, or an object that is told. The object spares each held lock a closure, 110 bytes. */
export type Task = (() => void) | Due

export interface Due {
  due(): void
}

export function perform(task: Task): void {
  if (typeof task === 'function') task()
  else task.due()
}

/** `setTimeout` fires after 1 ms when asked for more than this. */
const longestMs = 2 ** 31 - 1

export class Timers {
  readonly #lists = new Map<number, List>()
  readonly #keepingLists = new Map<number, List>()
  /** Keeps the process alive while timers that are to do so are pending. */
  readonly #keeper: NodeJS.Timeout
  #keeping = 0

  constructor() {
    this.#keeper = setInterval(() => undefined, longestMs)
    this.#keeper.unref()
  }

  set(task: Task, delayMs: number, keepAlive: boolean): Timer {
    const wholeMs = Math.max(Math.ceil(delayMs), 1)
    const lists = keepAlive ? this.#keepingLists : this.#lists
    let list = lists.get(wholeMs)
    if (list === undefined)
      lists.set(wholeMs, (list = new List(wholeMs, () => lists.delete(wholeMs), keepAlive ? this : undefined)))
    if (keepAlive && ++this.#keeping === 1) this.#keeper.ref()
    return list.push(new Entry(list, task))
  }

  /** A timer that kept the process alive does so no more. */
  letGo(): void {
    if (--this.#keeping === 0) this.#keeper.unref()
  }
}

/** A held lock has one or two: each field counts. */
class Entry implements Timer {
  /** undefined: it has fired, or was cleared. */
  list: List | undefined
  readonly task: Task
  /** Whole: a number with a fraction takes 16 bytes more. */
  dueMs = 0
  before: Entry | undefined = undefined
  after: Entry | undefined = undefined

  constructor(list: List, task: Task) {
    this.list = list
    this.task = task
  }

  clear(): void {
    this.list?.remove(this)
  }
}

/** The timers of one delay, in the order in which they were set, which is that in which they are due. */
class List {
  readonly #delayMs: number
  readonly #drop: () => void
  /** Set where these timers keep the process alive. */
  readonly #keeping: Timers | undefined
  #first: Entry | undefined = undefined
  #last: Entry | undefined = undefined
  #armed = false

  constructor(delayMs: number, drop: () => void, keeping: Timers | undefined) {
    this.#delayMs = delayMs
    this.#drop = drop
    this.#keeping = keeping
  }

  push(entry: Entry): Entry {
    entry.dueMs = Math.ceil(performance.now()) + this.#delayMs
    entry.before = this.#last
    if (this.#last === undefined) this.#first = entry
    else this.#last.after = entry
    this.#last = entry
    if (!this.#armed) this.#arm(this.#delayMs)
    return entry
  }

  remove(entry: Entry): void {
    entry.list = undefined
    if (entry.before === undefined) this.#first = entry.after
    else entry.before.after = entry.after
    if (entry.after === undefined) this.#last = entry.before
    else entry.after.before = entry.before
    this.#keeping?.letGo()
  }

  #arm(delayMs: number): void {
    this.#armed = true
    setTimeout(() => this.#look(), Math.min(Math.max(Math.ceil(delayMs), 1), longestMs)).unref()
  }

  #look(): void {
    this.#armed = false
    const nowMs = performance.now()
    try {
      for (let entry = this.#first; entry !== undefined && entry.dueMs <= nowMs; entry = this.#first) {
        this.remove(entry)
        perform(entry.task)
      }
    } finally {
      this.#rearm() // also when one threw: the others are not lost
    }
  }

  #rearm(): void {
    if (this.#armed) return // by a timer that was set while one fired
    if (this.#first === undefined) this.#drop()
    else this.#arm(this.#first.dueMs - performance.now())
  }
}
