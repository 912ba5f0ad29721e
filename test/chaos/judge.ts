/** Judges a history: what a lock promises, and what it does not. Pure: tests give it histories that are wrong on purpose. */
import { percentile } from '../../bench/harness/stats.js'
import type { Given, History, HoldRecord, StaleAct } from './ledger.js'

/** A time in which a condition of exclusion did not hold: the store lost what it had acknowledged, or its clock jumped. */
export interface Break {
  readonly fromMs: number
  readonly toMs: number
  readonly why: string
}

export interface Context {
  readonly breaks: readonly Break[]
  /** When the last fault was over. */
  readonly healedMs: number
  /** Times in which any fault was active: what is measured then is not the library. */
  readonly faults: readonly { readonly fromMs: number; readonly toMs: number }[]
  /** Kills of clients. */
  readonly kills: readonly { readonly client: number; readonly incarnation: number; readonly atMs: number }[]
  readonly clients: number
  readonly ttlMs: number
}

export interface Overlap {
  readonly older: HoldRecord
  readonly newer: HoldRecord
  /** For so long both were known to be active. */
  readonly ms: number
  /** The condition that did not hold; undefined: all did. */
  readonly excuse: string | undefined
}

export interface Verdict {
  /** More holders seen at one instant than the limit allows. */
  readonly overlaps: readonly Overlap[]
  /** Tokens not larger than one whose grant was known before they were asked for. */
  readonly shrunkTokens: readonly { readonly earlier: HoldRecord; readonly later: HoldRecord }[]
  readonly repeatedTokens: number
  /** Granted by the store while it had granted to another who was told only later. By their tokens, so the clients saw nothing of it. */
  readonly insideOut: readonly { readonly older: HoldRecord; readonly newer: HoldRecord }[]
  /** Effects that arrived after those of a successor; with a token: refused, or let through. */
  readonly stale: { readonly unfenced: number; readonly refused: number; readonly accepted: number }
  /** Increments accepted that do not show in the counter. */
  readonly lostUpdates: Readonly<Record<string, number>>
  /** Cached values that were given to who called after a reset, though they were begun before it, in another process. */
  readonly outlivedResets: readonly Given[]
  /** Grants after the last fault, by client, least first. */
  readonly roundsAfterHeal: readonly number[]
  readonly workloadsAfterHeal: Readonly<Record<string, number>>
  readonly waits: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number }
  readonly handOverMs: { readonly p50: number; readonly p99: number; readonly count: number }
  /** From the kill of a holder to the next grant of its key, where no other fault was near. */
  readonly afterCrashMs: readonly number[]
  /** How many who asked later were served first, at most, where no fault was near. */
  readonly mostOvertakes: number
}

export function judge(history: History, context: Context): Verdict {
  const byKey = new Map<string, HoldRecord[]>()
  for (const hold of history.holds) {
    const list = byKey.get(hold.key)
    if (list) list.push(hold)
    else byKey.set(hold.key, [hold])
  }
  const lists = [...byKey.values()]
  for (const holds of lists) holds.sort((a, b) => a.grantedMs - b.grantedMs)
  const waits = history.holds.map(({ askedMs, grantedMs }) => grantedMs - askedMs)
  return {
    overlaps: lists.flatMap((holds) => overlapsOf(holds, context)),
    shrunkTokens: lists.flatMap((holds) => shrunkTokensOf(holds, context)),
    insideOut: lists.flatMap((holds) => insideOutOf(holds, context)),
    repeatedTokens: lists.reduce((sum, holds) => sum + repeatedOf(holds), 0),
    stale: {
      unfenced: history.stale.filter(({ fenced }) => !fenced).length,
      refused: history.stale.filter(({ fenced, accepted }) => fenced && !accepted).length,
      accepted: history.stale.filter((act) => isWronglyAccepted(act, context)).length,
    },
    lostUpdates: lostUpdatesOf(history),
    outlivedResets: outlivedResetsOf(history, context),
    ...progressOf(history.holds, context),
    waits: { p50Ms: percentile(waits, 50), p99Ms: percentile(waits, 99), maxMs: percentile(waits, 100) },
    handOverMs: handOversOf(lists, context),
    afterCrashMs: lists.flatMap((holds) => afterCrashesOf(holds, context)),
    mostOvertakes: Math.max(0, ...lists.map((holds) => overtakesOf(holds, context))),
  }
}

/** A process that cannot reach the store does not know of a reset: what it computed for itself is its own affair. */
export function outlivedResetsOf(
  { given, resets }: Pick<History, 'given' | 'resets'>,
  { breaks, ttlMs }: Conditions,
): Given[] {
  return given.filter(({ key, beganMs, calledMs, own }) => {
    if (own || breaks.some(({ fromMs, toMs }) => fromMs <= calledMs && toMs >= beganMs - ttlMs)) return false
    return resets.some((reset) => reset.key === key && beganMs < reset.calledMs && reset.doneMs < calledMs)
  })
}

/** By the workload's name for the key, without its process. */
function lostUpdatesOf({ counters }: History): Record<string, number> {
  const lost: Record<string, number> = {}
  for (const [key, { increments, value }] of counters) {
    const name = key.split('/').at(-1) ?? key
    lost[name] = (lost[name] ?? 0) + increments - value
  }
  return lost
}

/** A hold is known to be active from its grant to the last look that said so. Both ends are on the safe side. */
export function overlapsOf(holds: readonly HoldRecord[], context: Conditions): Overlap[] {
  const found: Overlap[] = []
  let active: HoldRecord[] = []
  for (const newer of holds) {
    if (newer.seenMs <= newer.grantedMs) continue // never seen active
    active = active.filter(({ seenMs }) => seenMs > newer.grantedMs)
    const taken = active.reduce((sum, { permits }) => sum + permits, 0)
    if (taken + newer.permits > newer.limit) {
      const older = active.reduce((first, hold) => (hold.seenMs < first.seenMs ? hold : first))
      const ms = Math.min(older.seenMs, newer.seenMs) - newer.grantedMs
      found.push({ older, newer, ms, excuse: excuseOf(older, newer, context) })
    }
    active.push(newer)
  }
  return found
}

/** The conditions of exclusion, and whether they held. */
type Conditions = Pick<Context, 'breaks' | 'ttlMs'>

/** Was a lease forgotten after `older` had it? It may have been handed over within its process since, for a ttl at most. */
function excuseOf(older: HoldRecord, newer: HoldRecord, { breaks, ttlMs }: Conditions): string | undefined {
  return breaks.find(({ fromMs, toMs }) => older.grantedMs - ttlMs <= toMs && newer.grantedMs >= fromMs)?.why
}

/** By token the earlier and the later may be the other way round: see {@link shrunkTokensOf}. */
function isWronglyAccepted({ hold, successor, fenced, accepted }: StaleAct, context: Conditions): boolean {
  if (!fenced || !accepted) return false
  const [older, newer] = tokenOf(hold) < tokenOf(successor) ? [hold, successor] : [successor, hold]
  return excuseOf(older, newer, context) === undefined
}

/**
 * If one was granted before another was asked for, and both cannot hold at once, its token is the smaller one. (Of two readers
 * the one who asks later may get a place that its process was granted before, by a reply that came late.) Not found fault
 * with: a lease that the store forgot, handed over within its process. Its token is the smaller one as it should be, for it
 * is the older lease.
 */
export function shrunkTokensOf(
  holds: readonly HoldRecord[],
  context: Conditions,
): { earlier: HoldRecord; later: HoldRecord }[] {
  const found: { earlier: HoldRecord; later: HoldRecord }[] = []
  const byAsked = holds.filter(({ token }) => token !== undefined).sort((a, b) => a.askedMs - b.askedMs)
  let granted = 0
  const largestByPermits = new Map<number, HoldRecord>()
  for (const later of byAsked) {
    for (let hold = holds[granted]; hold !== undefined && hold.grantedMs < later.askedMs; hold = holds[++granted]) {
      const before = largestByPermits.get(hold.permits)
      if (before === undefined || tokenOf(hold) > tokenOf(before)) largestByPermits.set(hold.permits, hold)
    }
    const [largest] = [...largestByPermits.values()]
      .filter(({ permits }) => permits + later.permits > later.limit)
      .sort((a, b) => tokenOf(b) - tokenOf(a))
    if (largest === undefined || tokenOf(largest) < tokenOf(later)) continue
    const forgotten = excuseOf(later, largest, context) !== undefined && isPassedOn(later, holds)
    if (!forgotten) found.push({ earlier: largest, later })
  }
  return found
}

/**
 * `older` has the smaller token, so the store granted it first; its holder was told after `newer` was, and held it still. If they
 * exclude each other, the store granted `newer` too early.
 */
export function insideOutOf(
  holds: readonly HoldRecord[],
  context: Conditions,
): { older: HoldRecord; newer: HoldRecord }[] {
  const found: { older: HoldRecord; newer: HoldRecord }[] = []
  for (const [at, newer] of holds.entries()) {
    for (let after = at + 1; after < holds.length; after++) {
      const older = holds[after]
      if (older === undefined || older.grantedMs > newer.grantedMs + context.ttlMs) break
      const excludes = older.permits + newer.permits > newer.limit
      const isFirst = older.token !== undefined && newer.token !== undefined && older.token < newer.token
      if (!excludes || !isFirst || older.seenMs <= older.grantedMs) continue
      if (excuseOf(older, newer, context) === undefined && !isPassedOn(older, holds)) found.push({ older, newer })
    }
  }
  return found
}

/** How many tokens a process may hand out by itself. */
const TURNS = 16

/** Was it handed over within its process? */
function isPassedOn({ client, incarnation, token }: HoldRecord, holds: readonly HoldRecord[]): boolean {
  const since = (token ?? 0) - TURNS
  return holds.some((hold) => {
    const own = hold.client === client && hold.incarnation === incarnation
    return own && tokenOf(hold) >= since && tokenOf(hold) < (token ?? 0)
  })
}

const tokenOf = ({ token }: HoldRecord): number => token ?? 0

function repeatedOf(holds: readonly HoldRecord[]): number {
  const tokens = holds.map(({ token }) => token).filter((token) => token !== undefined)
  return tokens.length - new Set(tokens).size
}

function progressOf(
  holds: readonly HoldRecord[],
  { healedMs, clients }: Context,
): Pick<Verdict, 'roundsAfterHeal' | 'workloadsAfterHeal'> {
  const byClient = new Array<number>(clients).fill(0)
  const byWorkload: Record<string, number> = {}
  for (const { client, workload, grantedMs } of holds) {
    byWorkload[workload] ??= 0
    if (grantedMs <= healedMs) continue
    byWorkload[workload]++
    byClient[client] = (byClient[client] ?? 0) + 1
  }
  return { roundsAfterHeal: byClient.sort((a, b) => a - b), workloadsAfterHeal: byWorkload }
}

/** From a release to the next grant to one who was waiting by then. */
function handOversOf(lists: readonly HoldRecord[][], context: Context): Verdict['handOverMs'] {
  const times: number[] = []
  for (const holds of lists) {
    for (const [at, hold] of holds.entries()) {
      const next = holds[at + 1]
      if (next === undefined || hold.end !== 'released' || next.askedMs > hold.seenMs || hold.limit > 1) continue
      if (isCalm(context, hold.grantedMs, next.grantedMs)) times.push(next.grantedMs - hold.seenMs)
    }
  }
  return { p50: percentile(times, 50), p99: percentile(times, 99), count: times.length }
}

/** Faults leave traces for a while: a queue to work off, a lease to run out. */
const SETTLING_MS = 1500

function isCalm({ faults }: Context, fromMs: number, toMs: number): boolean {
  return faults.every((fault) => fault.toMs + SETTLING_MS < fromMs || fault.fromMs > toMs)
}

function afterCrashesOf(holds: readonly HoldRecord[], { kills, faults }: Context): number[] {
  const times: number[] = []
  for (const [at, hold] of holds.entries()) {
    const next = holds[at + 1]
    const kill = kills.find(({ client, incarnation }) => client === hold.client && incarnation === hold.incarnation)
    if (hold.end !== undefined || kill === undefined || next === undefined || hold.limit > 1) continue
    const others = faults.filter(({ fromMs, toMs }) => fromMs < next.grantedMs && toMs + SETTLING_MS > hold.grantedMs)
    if (others.length === 1 && next.askedMs < kill.atMs) times.push(next.grantedMs - kill.atMs)
  }
  return times
}

function overtakesOf(holds: readonly HoldRecord[], context: Context): number {
  let most = 0
  for (const [at, hold] of holds.entries()) {
    if (hold.workload !== 'fairness' || !isCalm(context, hold.askedMs, hold.grantedMs)) continue
    let overtakes = 0
    for (let before = at - 1; before >= 0; before--) {
      const other = holds[before]
      if (other === undefined || other.grantedMs < hold.askedMs) break
      if (other.askedMs > hold.askedMs) overtakes++
    }
    most = Math.max(most, overtakes)
  }
  return most
}
