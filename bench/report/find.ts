import { bestPeer, type CaseResult, ratio, type Results, type Row } from '../harness/results.js'

/** One table of the results, asked by figure. */
export interface Found {
  readonly result: CaseResult
  row(library: string): Row | undefined
  value(library: string, key: string): number
  /** Ratio to another library, within the repetitions. */
  times(library: string, base: string, key: string): number
  /** The best peer by that figure. */
  peer(key: string, better: 'low' | 'high'): Row | undefined
}

export function find({ scenarios }: Results, caseId: string): Found | undefined {
  const result = scenarios.flatMap(({ cases }) => cases).find(({ id }) => id === caseId)
  if (result === undefined) return undefined
  const row = (library: string): Row | undefined => result.rows.find((one) => one.library === library)
  return {
    result,
    row,
    value: (library, key) => row(library)?.figures[key] ?? Number.NaN,
    times: (library, base, key) => ratio(row(library), row(base), key),
    peer: (key, better) => bestPeer(result, { key, better }),
  }
}
