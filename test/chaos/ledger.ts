/** The never-faulted resource: it carries out effects, refuses stale tokens, and writes down who did what and when. */
import { machineMs } from '../fleet/machine-clock.js'
import type { Answer, HoldEnd, Statement } from './messages.js'

/** One hold, as its client and the resource know it. */
export interface HoldRecord {
  readonly client: number
  readonly incarnation: number
  readonly workload: string
  readonly key: string
  readonly limit: number
  /** How much of the limit it takes. */
  readonly permits: number
  readonly token: number | undefined
  readonly askedMs: number
  readonly grantedMs: number
  /** When it was last known to be active. */
  seenMs: number
  /** undefined: its process died. */
  end: HoldEnd | undefined
  /** When the end was told. */
  endMs: number | undefined
}

/** An effect that arrived after one of a later holder. */
export interface StaleAct {
  readonly atMs: number
  readonly hold: HoldRecord
  readonly successor: HoldRecord
  /** Did the resource let it through? By its token, where it had one. */
  readonly accepted: boolean
  /** false: the effect carries no token, so nothing could be refused. */
  readonly fenced: boolean
}

/** A cached value, as it was given. */
export type Given = Pick<Statement & { t: 'given' }, 'key' | 'beganMs' | 'calledMs' | 'own'>
export type Reset = Pick<Statement & { t: 'reset' }, 'key' | 'calledMs' | 'doneMs'>

export interface History {
  readonly holds: HoldRecord[]
  readonly stale: StaleAct[]
  /** Effects that a stale token was refused for. */
  refused: number
  readonly given: Given[]
  readonly resets: Reset[]
  acts: number
  /** By counter: how many increments were accepted, and what it came to. */
  readonly counters: Map<string, { increments: number; value: number }>
  readonly failed: Map<string, number>
  missed: number
  readonly missedMs: number[]
  readonly toldLateMs: number[]
  readonly unhandled: string[]
  /** In stores of processes. */
  readonly left: string[]
  maxRssBytes: number
}

interface KeyState {
  highestToken: number
  /** Of all whose effects arrived, the one that was granted last. */
  newest: HoldRecord | undefined
}

/** What a client has said over one connection. */
export interface Teller {
  client: number
  incarnation: number
  readonly holds: Map<number, HoldRecord>
}

export class Ledger {
  readonly history: History = {
    holds: [],
    stale: [],
    refused: 0,
    given: [],
    resets: [],
    acts: 0,
    counters: new Map(),
    failed: new Map(),
    missed: 0,
    missedMs: [],
    toldLateMs: [],
    unhandled: [],
    left: [],
    maxRssBytes: 0,
  }
  /** When each client and each workload was granted something last. */
  readonly lastGrants = { clients: new Map<number, number>(), workloads: new Map<string, number>() }
  readonly #keys = new Map<string, KeyState>()

  newTeller(): Teller {
    return { client: -1, incarnation: -1, holds: new Map() }
  }

  /** What is to be answered; undefined: nothing. */
  note(teller: Teller, statement: Statement): Answer | undefined {
    const { history } = this
    switch (statement.t) {
      case 'hello':
        teller.client = statement.client
        teller.incarnation = statement.incarnation
        return undefined
      case 'grant':
        this.#granted(teller, statement)
        return undefined
      case 'act':
      case 'read':
      case 'write':
        return this.#effect(teller, statement)
      case 'end':
        this.#ended(teller, statement)
        return undefined
      case 'given':
        history.given.push(statement)
        this.lastGrants.workloads.set(statement.workload, statement.calledMs)
        return undefined
      case 'reset':
        history.resets.push(statement)
        return undefined
      case 'missed':
        history.missed++
        history.missedMs.push(statement.waitedMs)
        return undefined
      case 'failed':
        history.failed.set(statement.error, (history.failed.get(statement.error) ?? 0) + 1)
        return undefined
      case 'told':
        history.toldLateMs.push(statement.lateMs)
        return undefined
      case 'unhandled':
        history.unhandled.push(`client ${teller.client}: ${statement.error}`)
        return undefined
      case 'size':
        history.maxRssBytes = Math.max(history.maxRssBytes, statement.rssBytes)
        return undefined
      case 'left':
        history.left.push(...statement.keys)
        return undefined
    }
  }

  #granted(teller: Teller, grant: Statement & { t: 'grant' }): void {
    const { workload, key, limit, permits, token, askedMs, grantedMs } = grant
    const { client, incarnation } = teller
    const record: HoldRecord = {
      client,
      incarnation,
      workload,
      key,
      limit,
      permits,
      token,
      askedMs,
      grantedMs,
      seenMs: 0,
      end: undefined,
      endMs: undefined,
    }
    teller.holds.set(grant.hold, record)
    this.history.holds.push(record)
    this.lastGrants.clients.set(client, grantedMs)
    this.lastGrants.workloads.set(workload, grantedMs)
  }

  #ended(teller: Teller, end: Statement & { t: 'end' }): void {
    const hold = holdOf(teller, end.hold)
    hold.seenMs = Math.max(hold.seenMs, end.seenMs)
    hold.end = end.how
    hold.endMs = machineMs()
    teller.holds.delete(end.hold)
  }

  #effect(teller: Teller, effect: Statement & { t: 'act' | 'read' | 'write' }): Answer {
    const hold = holdOf(teller, effect.hold)
    hold.seenMs = Math.max(hold.seenMs, effect.checkedMs)
    const { id, fenced } = effect
    const ok = this.#admit(hold, fenced)
    if (effect.t === 'act') return { id, ok }
    const counter = this.#counter(hold.key)
    if (effect.t === 'read') return { id, ok, value: counter.value }
    if (ok) {
      counter.value = effect.value
      counter.increments++
    }
    return { id, ok }
  }

  #admit(hold: HoldRecord, fenced: boolean): boolean {
    const { history } = this
    history.acts++
    if (hold.limit !== 1) return true
    const state = this.#stateOf(hold.key)
    const { newest } = state
    const token = fenced ? hold.token : undefined
    const accepted = token === undefined || token >= state.highestToken
    if (accepted) state.highestToken = Math.max(state.highestToken, token ?? 0)
    else history.refused++
    if (newest === undefined || hold.grantedMs >= newest.grantedMs) state.newest = hold
    else history.stale.push({ atMs: machineMs(), hold, successor: newest, accepted, fenced: token !== undefined })
    return accepted
  }

  #stateOf(key: string): KeyState {
    let state = this.#keys.get(key)
    if (state === undefined) {
      state = { highestToken: 0, newest: undefined }
      this.#keys.set(key, state)
    }
    return state
  }

  #counter(key: string): { increments: number; value: number } {
    let counter = this.history.counters.get(key)
    if (counter === undefined) {
      counter = { increments: 0, value: 0 }
      this.history.counters.set(key, counter)
    }
    return counter
  }
}

function holdOf(teller: Teller, id: number): HoldRecord {
  const hold = teller.holds.get(id)
  if (hold === undefined) throw new Error(`client ${teller.client} speaks of hold ${id}, which it has not told of`)
  return hold
}
