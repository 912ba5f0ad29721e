/** What a run came to: figures for a file, and what was not as it should be. */
import { percentile } from '../../bench/harness/stats.js'
import type { Run } from './run.js'

export type Report = ReturnType<typeof reportOf>

export function reportOf(run: Run) {
  const { options, history, verdict, faults, startMs, healedMs, endMs } = run
  const seconds = (healedMs - startMs) / 1000
  const { overlaps, stale } = verdict
  const held = overlaps.filter(({ excuse }) => excuse === undefined)
  return {
    library: options.library,
    version: run.version,
    shape: options.shape,
    seed: options.seed,
    clients: options.clients,
    seconds: round(seconds),
    allSeconds: round((endMs - startMs) / 1000),
    faults: { all: faults.length, ...countBy(faults.map(({ kind }) => kind)) },
    notPossibleHere: run.missing,
    grants: history.holds.length,
    grantsPerSecond: round(history.holds.length / seconds),
    effects: history.acts,
    waits: verdict.waits,
    handOverMs: verdict.handOverMs,
    afterCrashMs: { count: verdict.afterCrashMs.length, max: round(percentile(verdict.afterCrashMs, 100)) },
    mostOvertakes: verdict.mostOvertakes,
    toldLateMs: {
      count: history.toldLateMs.length,
      p99: round(percentile(history.toldLateMs, 99)),
      max: round(percentile(history.toldLateMs, 100)),
    },
    overlaps: {
      whileConditionsHeld: held.length,
      longestMs: round(
        percentile(
          held.map(({ ms }) => ms),
          100,
        ),
      ),
      excused: countBy(overlaps.flatMap(({ excuse }) => excuse ?? [])),
    },
    staleEffects: { ...stale, all: history.stale.length },
    lostUpdates: verdict.lostUpdates,
    shrunkTokens: verdict.shrunkTokens.length,
    cached: { given: history.given.length, resets: history.resets.length, outlived: verdict.outlivedResets.length },
    insideOut: verdict.insideOut.length,
    repeatedTokens: verdict.repeatedTokens,
    grantsAfterHeal: { byClient: verdict.roundsAfterHeal, byWorkload: verdict.workloadsAfterHeal },
    missed: { count: history.missed, longestMs: round(percentile(history.missedMs, 100)) },
    failed: Object.fromEntries(countedErrors(history.failed)),
    unhandled: history.unhandled,
    crashes: run.crashes,
    stayed: run.stayed,
    leakedKeys: run.leakedKeys.slice(0, 20),
    maxRssMb: Math.round(history.maxRssBytes / 1e6),
  }
}

/** What breaks a promise, a sentence each. */
export function problemsOf(run: Run): string[] {
  const { verdict, history } = run
  const held = verdict.overlaps.filter(({ excuse }) => excuse === undefined)
  const stuck = verdict.roundsAfterHeal.filter((rounds) => rounds === 0).length
  const idle = Object.entries(verdict.workloadsAfterHeal).filter(([, rounds]) => rounds === 0)
  const [overlap] = held
  const [shrunk] = verdict.shrunkTokens
  const [insideOut] = verdict.insideOut
  const [outlived] = verdict.outlivedResets
  return [
    ...(overlap ? [`${held.length} times two held at once, first: ${JSON.stringify(overlap)}`] : []),
    ...(shrunk ? [`${verdict.shrunkTokens.length} tokens did not grow, first: ${JSON.stringify(shrunk)}`] : []),
    ...(insideOut
      ? [`${verdict.insideOut.length} times the store granted too early, first: ${JSON.stringify(insideOut)}`]
      : []),
    ...(outlived
      ? [`${verdict.outlivedResets.length} values outlived a reset, first: ${JSON.stringify(outlived)}`]
      : []),
    ...(verdict.repeatedTokens > 0 ? [`${verdict.repeatedTokens} tokens were given twice`] : []),
    ...(verdict.stale.accepted > 0 ? [`${verdict.stale.accepted} stale effects were let through by their token`] : []),
    ...((verdict.lostUpdates['counter-fenced'] ?? 0) > 0 ? ['the fenced counter lost updates'] : []),
    ...(stuck > 0 ? [`${stuck} clients were granted nothing after the last fault`] : []),
    ...idle.map(([workload]) => `nobody was granted anything for ${workload} after the last fault`),
    ...history.unhandled.map((text) => `unhandled rejection: ${text}`),
    ...run.crashes,
    ...(run.stayed > 0 ? [`${run.stayed} processes did not end by themselves after close()`] : []),
    ...(run.leakedKeys.length > 0 ? [`keys were left behind: ${run.leakedKeys.slice(0, 5).join(', ')}`] : []),
  ]
}

function round(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 10) / 10 : null
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of [...words].sort()) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

/** Ports and times differ from run to run. */
function countedErrors(failed: ReadonlyMap<string, number>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [text, count] of failed) {
    const name = text.replace(/127\.0\.0\.1:\d+/g, '…').replace(/(steps|long|churn)-\d+/g, '…')
    counts.set(name, (counts.get(name) ?? 0) + count)
  }
  return counts
}
