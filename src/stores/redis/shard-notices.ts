import type { Env, Timer } from '../../core/env.js'
import type { Shards, ShardSubscriber } from './client.js'
import { messageOf } from './failure.js'
import { slotOf } from './keys.js'

export interface ShardNoticesOptions {
  readonly env: Env
  readonly shards: Shards
  readonly onMessage: (text: string) => void
  /** Channels were lost and are open again: messages may have been missed. */
  readonly onResync: () => void
}

/** A channel of ours. */
interface Ear {
  readonly channel: string
  readonly slot: number
  /** The master on which it is open, or being opened. */
  node: Node | undefined
  isOpen: boolean
  wasOpen: boolean
  /** A try failed since it was open last. */
  failed: boolean
  usedAtMs: number
  /** Those that wait for the first try to succeed or fail. */
  readonly openings: Set<(isOpen: boolean) => void>
}

/** The connection to one master. */
interface Node {
  readonly owner: string
  readonly ears: Set<Ear>
  readonly opening: Promise<ShardSubscriber>
  subscriber: ShardSubscriber | undefined
  /** Rejects when it is closed; some subscriptions stay pending then. */
  readonly closed: Promise<never>
  readonly close: () => void
}

/**
 * Sharded channels of a Cluster: one for each key (or hash tag) for which a request of ours waits, on the master that has the
 * key. So only that server hears of a grant, and it knows for each waiter whether its process is still there. One connection
 * for each master with such keys. A channel is given up 10 s after the last use, and its connection with its last channel.
 */
export class ShardNotices {
  readonly #options: ShardNoticesOptions
  readonly #ears = new Map<string, Ear>()
  readonly #nodes = new Map<string, Node>()
  #timer: Timer | undefined = undefined
  #timerIsSoon = false
  #failures = 0
  #refused = false

  constructor(options: ShardNoticesOptions) {
    this.#options = options
  }

  /** The servers do not know sharded channels (Redis before 7), or we may not use them. */
  get refused(): boolean {
    return this.#refused
  }

  /** Is it open on the right server? A channel that is asked for stays. */
  hears(channel: string): boolean {
    const ear = this.#ears.get(channel)
    if (ear === undefined) return false
    ear.usedAtMs = this.#options.env.nowMs()
    if (ear.isOpen && this.#options.shards.ownerOf(ear.slot) !== ear.node?.owner) this.#move(ear)
    return ear.isOpen
  }

  /** Opens the channel, if it is neither open nor being opened. */
  want(channel: string): void {
    this.#earOf(channel)
  }

  /** Resolves when it is known whether it is open, `patienceMs` later at most; at once after a failure, while it is tried again. */
  opened(channel: string, patienceMs: number): Promise<boolean> {
    const ear = this.#earOf(channel)
    if (ear.isOpen || ear.failed) return Promise.resolve(ear.isOpen)
    return new Promise((resolve) => {
      const settle = (isOpen: boolean): void => {
        ear.openings.delete(settle)
        timer.clear()
        resolve(isOpen)
      }
      const giveUp = (): void => {
        ear.failed = true
        settle(false)
      }
      const timer = this.#options.env.setTimer(giveUp, patienceMs, true)
      ear.openings.add(settle)
    })
  }

  stop(): void {
    this.#timer?.clear()
    this.#timer = undefined
    for (const ear of this.#ears.values()) settle(ear, false)
    this.#ears.clear()
    for (const node of [...this.#nodes.values()]) this.#close(node)
  }

  #earOf(channel: string): Ear {
    const usedAtMs = this.#options.env.nowMs()
    let ear = this.#ears.get(channel)
    if (ear !== undefined) {
      ear.usedAtMs = usedAtMs
      return ear
    }
    const unopened = { node: undefined, isOpen: false, wasOpen: false, failed: false }
    ear = { channel, slot: slotOf(channel), ...unopened, usedAtMs, openings: new Set() }
    this.#ears.set(channel, ear)
    this.#open(ear).catch(() => this.#lookAgain())
    this.#lookLater()
    return ear
  }

  /** Rejects when it could not be opened; its state is set either way. */
  async #open(ear: Ear): Promise<void> {
    let node: Node | undefined
    try {
      node = this.#nodeOf(ear)
      const subscriber = await Promise.race([node.opening, node.closed])
      if (ear.node !== node) return // it was moved, lost or given up meanwhile
      await Promise.race([subscriber.subscribe(ear.channel), node.closed])
      if (ear.node === node) {
        ear.wasOpen = true
        settle(ear, true)
      } else if (this.#ears.get(ear.channel)?.node !== node) subscriber.unsubscribe(ear.channel)
    } catch (error) {
      if (isRefusal(error)) this.#refused = true
      if (node !== undefined && ear.node !== node) return
      this.#leave(ear)
      ear.failed = true
      settle(ear, false)
      throw error
    }
  }

  #nodeOf(ear: Ear): Node {
    const { shards } = this.#options
    const owner = shards.ownerOf(ear.slot)
    if (owner === undefined) throw new Error('no node of the cluster is known to have the slot')
    const node = this.#nodes.get(owner) ?? this.#connect(owner)
    ear.node = node
    node.ears.add(ear)
    return node
  }

  #connect(owner: string): Node {
    const { shards, onMessage } = this.#options
    const open = async (): Promise<ShardSubscriber> => {
      const subscriber = await shards.subscriber(owner, () => this.#lost(node))
      if (this.#nodes.get(owner) !== node) throw new Error('it is not needed any more')
      node.subscriber = subscriber
      await subscriber.open(onMessage)
      return subscriber
    }
    let close = (): void => undefined
    const closed = new Promise<never>((_, reject) => {
      close = () => reject(new Error('the connection was closed'))
    })
    closed.catch(() => undefined)
    const opening = Promise.resolve().then(open)
    const node: Node = { owner, ears: new Set(), opening, subscriber: undefined, closed, close }
    this.#nodes.set(owner, node)
    return node
  }

  #lost(node: Node): void {
    const ears = [...node.ears]
    this.#close(node)
    for (const ear of ears) settle(ear, false)
    this.#lookAgain()
  }

  /** The slot has another owner now. */
  #move(ear: Ear): void {
    this.#leave(ear)
    settle(ear, false)
    this.#lookAgain()
  }

  /** The last one to leave closes the connection. */
  #leave(ear: Ear): void {
    const { node } = ear
    ear.node = undefined
    if (node === undefined) return
    node.ears.delete(ear)
    if (node.ears.size === 0) this.#close(node)
    else if (ear.isOpen) node.subscriber?.unsubscribe(ear.channel)
  }

  #close(node: Node): void {
    if (this.#nodes.get(node.owner) === node) this.#nodes.delete(node.owner)
    for (const ear of node.ears) ear.node = undefined
    node.ears.clear()
    node.subscriber?.close()
    node.opening.catch(() => undefined)
    node.close()
  }

  #lookLater(): void {
    if (this.#timer === undefined && this.#ears.size > 0) this.#setTimer(idleMs, false)
  }

  /** After a failure: soon, and less soon the more there were. */
  #lookAgain(): void {
    if (this.#timer !== undefined && this.#timerIsSoon) return
    const pauseMs = Math.min(retryMinMs * 2 ** this.#failures++, retryMaxMs)
    this.#setTimer(pauseMs * (1 - this.#options.env.random() / 2), true)
  }

  #setTimer(delayMs: number, isSoon: boolean): void {
    this.#timer?.clear()
    this.#timerIsSoon = isSoon
    const fire = (): void => {
      this.#timer = undefined
      this.#look()
    }
    this.#timer = this.#options.env.setTimer(fire, delayMs, false)
  }

  /** Gives up what nobody uses, and opens the rest. */
  #look(): void {
    const idleSinceMs = this.#options.env.nowMs() - idleMs
    const reopened: Promise<boolean>[] = []
    for (const ear of this.#ears.values()) {
      if (ear.usedAtMs < idleSinceMs) this.#giveUp(ear)
      else if (ear.node === undefined) reopened.push(this.#reopen(ear))
    }
    this.#lookLater()
    if (reopened.length > 0) void Promise.all(reopened).then((missed) => this.#settled(missed))
  }

  #giveUp(ear: Ear): void {
    this.#ears.delete(ear.channel)
    this.#leave(ear)
    settle(ear, false)
  }

  /** May messages have been missed on it? */
  #reopen(ear: Ear): Promise<boolean> {
    const { wasOpen } = ear
    return this.#open(ear).then(
      () => wasOpen && ear.isOpen,
      () => {
        this.#lookAgain()
        return false
      },
    )
  }

  #settled(missed: readonly boolean[]): void {
    if (!this.#timerIsSoon || this.#timer === undefined) this.#failures = 0
    if (missed.includes(true)) this.#options.onResync()
  }
}

function settle(ear: Ear, isOpen: boolean): void {
  ear.isOpen = isOpen
  if (isOpen) ear.failed = false
  for (const opening of ear.openings) opening(isOpen)
}

/** Not a state of the Cluster that passes: `ERR unknown command`, or a user without the right. */
function isRefusal(error: unknown): boolean {
  return /^(?:ERR unknown|NOPERM)/.test(messageOf(error))
}

const idleMs = 10_000
const retryMinMs = 50
const retryMaxMs = 5_000
