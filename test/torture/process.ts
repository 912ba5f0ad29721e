/** A tried process: opens one library, and does as it is told. */
import { libraryOf } from '../fleet/libraries.js'
import { machineMs } from '../fleet/machine-clock.js'
import type { Ask, Held, Subject } from '../fleet/subject.js'
import type { Acquired, Answers, Look, Order, Wish } from './orders.js'

const LOOK_EVERY_MS = 5
const GAP_MS = 250

interface Watched {
  readonly held: Held
  toldMs: number | undefined
  activeAfterGap: boolean | undefined
  lossTold: boolean
}

let subject: Subject | undefined
/** From here on only what the library left behind keeps this process alive. */
let closed = false
const holds: Watched[] = []
let lastLookMs = machineMs()
const looking = setInterval(lookAtAll, LOOK_EVERY_MS)
process.on('disconnect', () => {
  if (!closed) process.exit(0) // the parent is gone
})
process.on('message', ({ id, order }: { id: number; order: Order }) => {
  const reply = (answer: object): void => void process.send?.({ id, ...answer })
  obey(order).then(
    (value) => {
      reply({ value })
      if (order.do === 'close') process.disconnect()
    },
    (error: unknown) => reply({ error: textOf(error) }),
  )
})

async function obey(order: Order): Promise<Answers[keyof Answers]> {
  switch (order.do) {
    case 'open':
      subject = await libraryOf(order.library).open(order.setting)
      return undefined
    case 'acquire':
      return acquire(order.key, order.wish)
    case 'release':
      return release(holdOf(order.hold))
    case 'stall':
      return stall(holdOf(order.hold), order.ms)
    case 'look':
      return look(holdOf(order.hold))
    case 'crowd':
      return crowd(order.key, order.count, order.wish)
    case 'cpu': {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000
    }
    case 'close': {
      clearInterval(looking)
      const closing = opened()
      subject = undefined
      closed = true
      await closing.close()
      return undefined
    }
  }
}

async function acquire(key: string, wish: Wish): Promise<Acquired> {
  const askedMs = machineMs()
  try {
    const asked = opened().acquire(key, askOf(wish))
    const { stallMs } = wish
    if (stallMs !== undefined) setImmediate(block, stallMs) // sent by now, and no answer is read before
    const held = await asked
    const grantedMs = machineMs()
    if (held === undefined) return { refused: true, atMs: grantedMs }
    const watched: Watched = { held, toldMs: undefined, activeAfterGap: undefined, lossTold: false }
    held.onLost(() => {
      watched.toldMs ??= machineMs()
      watched.lossTold = true
    })
    holds.push(watched)
    return { hold: holds.length - 1, token: held.token, askedMs, grantedMs }
  } catch (error) {
    return { error: textOf(error), atMs: machineMs() }
  }
}

function askOf({ cancelAfterMs, stallMs: _stall, ...ask }: Wish): Ask {
  if (cancelAfterMs === undefined) return ask
  const abort = new AbortController()
  setTimeout(() => abort.abort(new Error('cancelled')), cancelAfterMs)
  return { ...ask, signal: abort.signal }
}

async function release({ held }: Watched): Promise<Answers['release']> {
  const startMs = machineMs()
  let error: string | undefined
  try {
    await held.release()
  } catch (failure) {
    error = textOf(failure)
  }
  return { error, tookMs: machineMs() - startMs }
}

function stall({ held }: Watched, ms: number): boolean {
  block(ms)
  return held.active()
}

function block(ms: number): void {
  const endMs = machineMs() + ms
  while (machineMs() < endMs);
}

function look(watched: Watched): Look {
  const active = watched.held.active()
  if (!active) watched.toldMs ??= machineMs()
  const { toldMs, activeAfterGap, lossTold, held } = watched
  return { active, toldMs, activeAfterGap, lossTold, token: held.token }
}

function lookAtAll(): void {
  const nowMs = machineMs()
  const gap = nowMs - lastLookMs > GAP_MS
  lastLookMs = nowMs
  for (const watched of holds) {
    const active = watched.held.active()
    if (gap) watched.activeAfterGap ??= active
    if (!active) watched.toldMs ??= nowMs
  }
}

async function crowd(key: string, count: number, wish: Wish): Promise<Answers['crowd']> {
  let served = 0
  let refused = 0
  let error: string | undefined
  const one = async (): Promise<void> => {
    try {
      const held = await opened().acquire(key, askOf(wish))
      if (held === undefined) {
        refused++
        return
      }
      served++
      await held.release()
    } catch (failure) {
      error ??= textOf(failure)
    }
  }
  await Promise.all(Array.from({ length: count }, one))
  return { served, refused, error }
}

function opened(): Subject {
  if (subject === undefined) throw new Error('nothing is open')
  return subject
}

function holdOf(id: number): Watched {
  const hold = holds[id]
  if (hold === undefined) throw new RangeError(`there is no hold ${id}`)
  return hold
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
