import { longestShown } from '../../core/printable.js'
import type { HolderInfo } from '../../core/store.js'

/**
 * What stands in Redis for a hold: `owner \n token \n wakeId \n holder as JSON`. A mutex is such a string; a pool keeps
 * one per holder, with `permits \n` before it. The scripts read the first lines, JSON keeps a label's newlines out of them. A mutex for which
 * somebody waits has a newline at its end.
 */
export interface StoredHold {
  readonly owner: string
  readonly token: number
  readonly holder: HolderInfo
}

/** The last two lines, for a request: its parts that rarely change are made once. */
export type TailWriter = (holder: HolderInfo) => string

export function tailWriter(wakeId: string): TailWriter {
  let last: Pick<HolderInfo, 'host' | 'pid' | 'label'> | undefined
  let start = ''
  return (holder) => {
    const { host, pid, label, since, expireMs } = holder
    if (last === undefined || last.label !== label || last.host !== host || last.pid !== pid) {
      last = { host, pid, label }
      start = `${wakeId}\n${JSON.stringify(last).slice(0, -1)},"since":`
    }
    return expireMs === undefined ? `${start}${since}}` : `${start}${since},"expireMs":${expireMs}}`
  }
}

/** undefined: not ours, some other program's value. */
export function readHold(text: string): StoredHold | undefined {
  const ownerEnd = text.indexOf('\n')
  const tokenEnd = text.indexOf('\n', ownerEnd + 1)
  if (ownerEnd < 1 || tokenEnd === -1) return undefined
  const token = readToken(text.slice(ownerEnd + 1, tokenEnd))
  const holder = readTail(text.slice(tokenEnd + 1))
  if (token === undefined || holder === undefined) return undefined
  return { owner: text.slice(0, ownerEnd), token, holder }
}

/** undefined: it can be no token of ours. */
export function readToken(text: string): number | undefined {
  const token = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(token) ? token : undefined
}

/** The last two lines; a newline behind them says that somebody waits. undefined: not ours. */
export function readTail(text: string): HolderInfo | undefined {
  const wakeIdEnd = text.indexOf('\n')
  return wakeIdEnd === -1 ? undefined : readHolder(text.slice(wakeIdEnd + 1))
}

function readHolder(json: string): HolderInfo | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { host, pid, label, since, expireMs }: Partial<Record<keyof HolderInfo, unknown>> = parsed
  if (typeof host !== 'string' || !isNumber(pid, 0, mostPid) || !Number.isInteger(pid)) return undefined
  if (!isNumber(since, -latestMs, latestMs)) return undefined
  return {
    host: host.slice(0, longestShown),
    pid,
    label: typeof label === 'string' ? label.slice(0, longestShown) : undefined,
    since,
    ...(isNumber(expireMs, 0, latestMs) && { expireMs }),
  }
}

const mostPid = Number.MAX_SAFE_INTEGER
/** A Date knows no later one. */
const latestMs = 8.64e15

function isNumber(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most
}
