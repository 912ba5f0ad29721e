import type { Driver, Shards, ShardSubscriber } from '../../src/stores/redis/client.js'
import type { VirtualEnv } from '../../src/testing/virtual-env.js'

/** A connection to a master of the fleet. */
export interface Line {
  readonly owner: string
  readonly channels: string[]
  isClosed: boolean
  deliver: (text: string) => void
  lose(): void
}

export interface Fleet extends Shards {
  /** All that were ever asked for. */
  readonly lines: Line[]
  /** When a subscription was tried. */
  readonly triedAtMs: number[]
  /** Instead of the master that has the slot at first. */
  readonly owners: Map<number, string | undefined>
  /** What a subscription waits for, or rejects with. */
  answer: () => Promise<void>
}

/** Who has a slot at first: one of two. */
export const ownerAtFirst = (slot: number): string => (slot < 8_192 ? 'one' : 'two')

/** Masters that do what a test says, under its clock. */
export function fleetOf(env: VirtualEnv): Fleet {
  const lines: Line[] = []
  const fleet: Fleet = {
    lines,
    triedAtMs: [],
    owners: new Map(),
    answer: () => Promise.resolve(),
    ownerOf: (slot) => (fleet.owners.has(slot) ? fleet.owners.get(slot) : ownerAtFirst(slot)),
    subscriber: (owner, onLost) => {
      const line: Line = { owner, channels: [], isClosed: false, deliver: () => undefined, lose: onLost }
      lines.push(line)
      return Promise.resolve(subscriberOn(line, fleet, env))
    },
  }
  return fleet
}

function subscriberOn(line: Line, fleet: Fleet, env: VirtualEnv): ShardSubscriber {
  return {
    open: async (onMessage) => void (line.deliver = onMessage),
    subscribe: async (channel) => {
      fleet.triedAtMs.push(env.nowMs())
      await fleet.answer()
      line.channels.push(channel)
    },
    unsubscribe: (channel) => void line.channels.splice(line.channels.indexOf(channel), 1),
    close: () => void (line.isClosed = true),
  }
}

const notAsked = (): Promise<never> => Promise.reject(new Error('a test has not said what this does'))

/** A driver of which a test says what matters to it. */
export const emptyDriver: Driver = {
  keyPrefix: '',
  secrets: [],
  shards: undefined,
  refusal: () => undefined,
  evalsha: notAsked,
  eval: notAsked,
  get: notAsked,
  scanners: notAsked,
  subscriber: notAsked,
}
