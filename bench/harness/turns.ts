/** What the turns of all processes on one key say together: hand-offs, fairness, and whether two were ever inside. */
import { type Contended, TURN } from '../child/contend.js'
import type { Figures } from './scenario.js'
import { jain, largest, percentile } from './stats.js'

export interface Turn {
  readonly askedNs: number
  readonly acquiredNs: number
  readonly releasedNs: number
  readonly process: number
  readonly waiter: number
  readonly token: number
}

/** In the order of acquisition. */
export function turnsOf(results: readonly { readonly turns: Float64Array }[]): Turn[] {
  const turns: Turn[] = []
  for (const { turns: all } of results) {
    for (let i = 0; i < all.length; i += TURN) {
      const [askedNs = 0, acquiredNs = 0, releasedNs = 0, waiter = 0, token = Number.NaN] = all.subarray(i, i + TURN)
      turns.push({ askedNs, acquiredNs, releasedNs, process: Math.floor(waiter / 10_000), waiter, token })
    }
  }
  return turns.sort((a, b) => a.acquiredNs - b.acquiredNs)
}

/** Acquired before an earlier holder had even called its release; or with a token that did not grow. */
export function faultsOf(turns: readonly Turn[], lostUpdates: number): string[] {
  let overlaps = 0
  let shrunk = 0
  let insideUntilNs = 0
  let lastToken = 0
  for (const { acquiredNs, releasedNs, token } of turns) {
    if (acquiredNs < insideUntilNs) overlaps++
    insideUntilNs = Math.max(insideUntilNs, releasedNs)
    if (Number.isNaN(token)) continue
    if (token <= lastToken) shrunk++
    lastToken = token
  }
  return [
    ...(overlaps > 0 ? [`${String(overlaps)} overlaps`] : []),
    ...(lostUpdates !== 0 ? [`${String(lostUpdates)} lost updates`] : []),
    ...(shrunk > 0 ? [`${String(shrunk)} tokens that did not grow`] : []),
  ]
}

/** More inside than the key has permits, or a token that was given twice. */
export function crowdFaultsOf(turns: readonly Turn[], max: number): string[] {
  const most = mostInside(turns)
  const tokens = turns.map(({ token }) => token).filter((token) => !Number.isNaN(token))
  const twice = tokens.length - new Set(tokens).size
  return [
    ...(most > max ? [`${String(most)} at once`] : []),
    ...(twice > 0 ? [`${String(twice)} tokens given twice`] : []),
  ]
}

/** How many were inside at once, at most: from the acquisition to the call of the release. */
export function mostInside(turns: readonly Turn[]): number {
  const ends = Float64Array.from(turns, ({ releasedNs }) => releasedNs).sort()
  let most = 0
  let ended = 0
  turns.forEach(({ acquiredNs }, begun) => {
    while (ended < ends.length && (ends[ended] ?? 0) <= acquiredNs) ended++
    most = Math.max(most, begun + 1 - ended)
  })
  return most
}

export interface Window {
  readonly startNs: number
  readonly endNs: number
  readonly waiters: number
  /** Permits of the key. Default 1. */
  readonly max?: number | undefined
}

export function contentionFigures(turns: readonly Turn[], results: readonly Contended[], window: Window): Figures {
  const { startNs, endNs, max = 1 } = window
  const lengthNs = endNs - startNs
  const inside = turns.filter(({ acquiredNs }) => acquiredNs < endNs)
  const held = inside.reduce((sum, turn) => sum + Math.min(turn.releasedNs, endNs) - turn.acquiredNs, 0)
  const waitsMs = inside.map(({ askedNs, acquiredNs }) => (acquiredNs - askedNs) / 1e6)
  const { any, within, across } = handoffs(inside)
  return {
    acquisitions: inside.length,
    rate: (inside.length * 1e9) / lengthNs,
    handoffRate: (any.length * 1e9) / lengthNs,
    handoffP50: percentile(any, 50),
    handoffP99: percentile(any, 99),
    withinP50: percentile(within, 50),
    withinP99: percentile(within, 99),
    acrossP50: percentile(across, 50),
    acrossP99: percentile(across, 99),
    acrossRate: (across.length * 1e9) / lengthNs,
    inUse: (100 * held) / lengthNs / max,
    mostInside: mostInside(inside),
    jain: fairness(inside, results.length, window.waiters),
    longestWait: Math.max(largest([0, ...waitsMs]), ...results.map(({ pendingMs }) => pendingMs)),
    sent: results.reduce((sum, { sent }) => sum + sent, 0) / inside.length,
    clientCpu: results.reduce((sum, { clientCpuUs }) => sum + clientCpuUs, 0) / inside.length,
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    stuck: results.reduce((sum, { stuck }) => sum + stuck, 0),
  }
}

/** From the call of one waiter's release to the acquisition by another one, in µs. */
function handoffs(turns: readonly Turn[]): { any: number[]; within: number[]; across: number[] } {
  const found = { any: [] as number[], within: [] as number[], across: [] as number[] }
  turns.forEach((turn, index) => {
    const before = turns[index - 1]
    if (before === undefined || before.waiter === turn.waiter) return
    const us = (turn.acquiredNs - before.releasedNs) / 1e3
    found.any.push(us)
    if (before.process === turn.process) found.within.push(us)
    else found.across.push(us)
  })
  return found
}

function fairness(turns: readonly Turn[], processes: number, waiters: number): number {
  const shares = new Map<number, number>()
  for (const { waiter } of turns) shares.set(waiter, (shares.get(waiter) ?? 0) + 1)
  const idle = new Array<number>(Math.max(0, processes * waiters - shares.size)).fill(0)
  return jain([...shares.values(), ...idle])
}
