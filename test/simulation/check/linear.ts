/** A call of the lock record as its caller saw it. */
export interface Call {
  readonly owner: string
  readonly type: 'acquire' | 'renew' | 'release' | 'force'
  readonly calledMs: number
  /** Infinity: nobody knows whether it had its effect, then or ever. */
  returnedMs: number
  /** undefined: unknown. */
  ok: boolean | undefined
  token: number
}

interface State {
  readonly owner: string | undefined
  readonly token: number
}

/**
 * Is there an order of these calls, each at one moment between its call and its return, in which a lock would have given
 * these answers? Wing and Gong's search with Lowe's memory. `undefined` outcomes may happen at any later moment, or never.
 */
export function isLinearizable(calls: readonly Call[]): boolean {
  const sorted = [...calls].sort((a, b) => a.calledMs - b.calledMs)
  const seen = new Set<string>()
  const taken = sorted.map(() => false)
  const known = sorted.filter(({ ok }) => ok !== undefined).length
  let budget = 20_000

  const search = (state: State, left: number): boolean => {
    if (left === 0) return true
    if (--budget < 0) return true // too much to decide: not a violation
    const memory = `${taken.map((is) => (is ? 1 : 0)).join('')}${state.owner ?? ''}`
    if (seen.has(memory)) return false
    seen.add(memory)
    // only what was called before the first return can come first
    let firstReturnMs = Number.POSITIVE_INFINITY
    sorted.forEach((call, at) => {
      if (!(taken[at] ?? false))
        firstReturnMs = Math.min(firstReturnMs, call.ok === undefined ? Infinity : call.returnedMs)
    })
    for (const [at, call] of sorted.entries()) {
      if (call.calledMs > firstReturnMs) break
      if (taken[at] ?? false) continue
      const next = step(state, call)
      if (next === undefined) continue
      taken[at] = true
      if (search(next, left - (call.ok === undefined ? 0 : 1))) return true
      taken[at] = false
    }
    return false
  }
  return search({ owner: undefined, token: 0 }, known)
}

/** The lock after `call`; undefined: it could not have answered so. */
function step(state: State, { type, owner, ok, token }: Call): State | undefined {
  const { owner: holder } = state
  const own = holder === owner
  if (type === 'force') {
    if (ok === false) return holder === undefined ? state : undefined
    return ok === true && holder === undefined ? undefined : { ...state, owner: undefined }
  }
  if (type === 'acquire') {
    if (ok === undefined) return holder === undefined || own ? { ...state, owner } : undefined
    if (!ok) return holder !== undefined && !own ? state : undefined
    if (own) return token >= state.token ? { owner, token } : undefined
    return holder === undefined && token > state.token ? { owner, token } : undefined
  }
  if (ok === undefined) return own && type === 'release' ? { ...state, owner: undefined } : state
  if (ok !== own) return undefined
  return ok && type === 'release' ? { ...state, owner: undefined } : state
}
