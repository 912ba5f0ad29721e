import { constants } from 'node:os'
import { realEnv } from '../core/env.js'

/** What is freed before the process ends. Nothing here rejects or throws. */
export interface Leaver {
  /** `close` was called: whoever did sees to what is held. */
  readonly closed: boolean
  /** Releases what is held; the bodies are told why. */
  free(detail: string): Promise<void>
  /** The same without promises, where the store can. */
  freeSync(detail: string): void
  /** Grants nothing any more, and releases what is held. */
  leave(detail: string): Promise<void>
}

/** One listener for all of them. */
const leavers = new Set<Leaver>()
const signals = ['SIGTERM', 'SIGINT'] as const

/** So long, at most, the release may hold up the end of the process. */
export const exitLimitMs = 2_000
/** Who is the first process of a container is not ended by a signal that it sends to itself. */
const killMs = 100

/**
 * On SIGTERM and SIGINT frees what is held, and then lets the process end by the very signal, if nobody else listens for it;
 * else its end is theirs.
 */
export function freeAtExit(leaver: Leaver): void {
  if (leavers.size === 0) {
    // in front of listeners that take themselves away when they are called, or we would not see them
    for (const signal of signals) process.prependListener(signal, onSignal)
    process.on('beforeExit', onBeforeExit)
    process.on('exit', onExit)
  }
  leavers.add(leaver)
}

export function forget(leaver: Leaver): void {
  if (leavers.delete(leaver) && leavers.size === 0) stopListening()
}

function stopListening(): void {
  for (const signal of signals) process.removeListener(signal, onSignal)
  process.removeListener('beforeExit', onBeforeExit)
  process.removeListener('exit', onExit)
}

function onSignal(signal: NodeJS.Signals): void {
  const detail = `the process received ${signal}`
  if (process.listenerCount(signal) > 1) {
    // their listeners come first: what they close they may drain
    queueMicrotask(() => {
      for (const leaver of leavers) if (!leaver.closed) void leaver.free(detail)
    })
    return
  }
  stopListening() // a second signal ends the process at once
  const end = once(() => {
    const isLast = process.listenerCount(signal) === 0
    process.kill(process.pid, signal)
    if (isLast) realEnv.setTimer(() => process.exit(128 + constants.signals[signal]), killMs, true)
  })
  realEnv.setTimer(end, exitLimitMs, true)
  void Promise.all([...leavers].map((leaver) => leaver.leave(detail))).then(end)
}

function onBeforeExit(): void {
  for (const leaver of leavers) void leaver.free('the process has nothing more to do')
}

function onExit(): void {
  for (const leaver of leavers) leaver.freeSync('the process ends')
}

function once(run: () => void): () => void {
  let ran = false
  return () => {
    if (!ran) run()
    ran = true
  }
}
