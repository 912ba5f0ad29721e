import type { Env, Timer } from '../../core/env.js'
import { type Address, parseAddress, showAddress } from './address.js'
import { type Driver, driverOf, type RedisClient, type Shards } from './client.js'
import { connect, type Connection, MissingDriverError } from './connect.js'
import { messageOf, notSent } from './failure.js'
import { Silence } from './silence.js'

/** The way to Redis: the user's client, or a connection of our own. */
export interface Link {
  readonly keyPrefix: string
  readonly secrets: readonly string[]
  /** Of a Cluster only. */
  readonly shards: Shards | undefined
  /** What calls go through; a promise only while our own connection is being opened. Throws and rejects with StoreError. */
  driver(operation: string): Driver | Promise<Driver>
  /** The connection that is being opened, or has to be; undefined: there is one, or it is not ours to open. */
  opening(operation: string): Promise<unknown> | undefined
  /** To be told of what a call through `driver` threw: some errors mean that the connection has to be a new one. */
  failed(driver: Driver, error: unknown): void
  /** To be told of each call, and of each end of one: a connection of our own on which nothing ends is replaced. */
  sent(): void
  ended(): void
  close(): void
}

/** The client stays the user's: nothing here opens or closes it. */
export function userLink(client: RedisClient, env: Env): Link {
  const driver = driverOf(client, env)
  return {
    keyPrefix: driver.keyPrefix,
    secrets: driver.secrets,
    shards: driver.shards,
    driver: (operation) => {
      const refusal = driver.refusal()
      if (refusal !== undefined) throw notSent(operation, refusal)
      return driver
    },
    opening: () => undefined,
    failed: () => undefined,
    sent: () => undefined,
    ended: () => undefined,
    close: () => undefined,
  }
}

/** Opened at the first call, and again whenever it is lost, by itself, until `close`. */
export class OwnLink implements Link {
  readonly keyPrefix = ''
  readonly secrets: readonly string[]
  /** A URL is one server. */
  readonly shards = undefined
  readonly #address: Address
  readonly #env: Env
  #connection: Connection | undefined = undefined
  #opening: Promise<Driver> | undefined = undefined
  /** Since the last success. */
  #failures = 0
  #failure: unknown = undefined
  #triedAtMs: number = Number.NEGATIVE_INFINITY
  #retry: Timer | undefined = undefined
  #closed = false
  readonly #silence: Silence

  /** @throws InvalidOptionError */
  constructor(url: string, env: Env) {
    this.#address = parseAddress(url)
    this.#silence = new Silence(env, () => this.#replace())
    this.#env = env
    this.secrets = this.#address.password === undefined ? [] : [this.#address.password]
  }

  driver(operation: string): Driver | Promise<Driver> {
    return this.#connection?.driver ?? this.#open(operation)
  }

  opening(operation: string): Promise<unknown> | undefined {
    return this.#closed || this.#connection !== undefined ? undefined : this.#open(operation)
  }

  failed(driver: Driver, error: unknown): void {
    // A primary that became a replica keeps its connections: find the new one. Once, though many calls are told so.
    if (driver === this.#connection?.driver && messageOf(error).startsWith('READONLY')) this.#replace()
  }

  sent(): void {
    this.#silence.sent()
  }

  ended(): void {
    this.#silence.ended()
  }

  close(): void {
    this.#closed = true
    this.#retry?.clear()
    this.#silence.stop()
    this.#connection?.close()
    this.#connection = undefined
  }

  #replace(): void {
    this.#connection?.close()
    this.#lost()
  }

  /** Right after a failure calls fail as it did, without another try. */
  async #open(operation: string): Promise<Driver> {
    try {
      if (this.#opening === undefined && this.#env.nowMs() - this.#triedAtMs < retryMinMs) throw this.#failure
      return await this.#connect()
    } catch (error) {
      if (error instanceof MissingDriverError) throw notSent(operation, error.message)
      throw notSent(operation, `there is no connection to ${showAddress(this.#address)}`, error, this.secrets)
    }
  }

  /** Shared by all calls that wait for it. */
  #connect(): Promise<Driver> {
    this.#opening ??= this.#try().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #try(): Promise<Driver> {
    this.#retry?.clear()
    this.#triedAtMs = this.#env.nowMs()
    try {
      const connection = await connect(this.#address, { env: this.#env, onEnd: () => this.#lost() })
      if (this.#closed) {
        connection.close()
        throw new Error('the store was closed')
      }
      this.#connection = connection
      this.#failures = 0
      this.#triedAtMs = Number.NEGATIVE_INFINITY
      return connection.driver
    } catch (error) {
      this.#failure = error
      this.#failures++
      if (!(error instanceof MissingDriverError)) this.#retryLater()
      throw error
    }
  }

  #lost(): void {
    this.#connection = undefined
    this.#retryLater()
  }

  #retryLater(): void {
    if (this.#closed) return
    const pauseMs = Math.min(retryMinMs * 2 ** this.#failures, retryMaxMs)
    const again = (): void => void this.#connect().catch(() => undefined) // a call that needs it is told, and it tries again
    this.#retry?.clear()
    this.#retry = this.#env.setTimer(again, pauseMs * (1 - this.#env.random() / 2), false)
  }
}

const retryMinMs = 50
const retryMaxMs = 1_000
