/** What a case works with: a Redis behind a proxy, and as many fresh processes as it asks for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MovableClock, movableClock } from '../fleet/clock/clock.js'
import { type SmallDisk, smallDisk } from '../fleet/small-disk.js'
import type { Library, Setting } from '../fleet/subject.js'
import { type Proxy, startProxy } from '../support/servers/proxy.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import type { Grant, Wish } from './orders.js'
import { Remote } from './remote.js'

const DISK_MB = 16

/** A verdict in a few words, measured. */
export interface Verdict {
  /** undefined: it cannot be tried on this machine. */
  readonly pass: boolean | undefined
  readonly reason: string
}

export interface Case {
  readonly id: string
  /** What happens, as a sentence. */
  readonly title: string
  /** What is expected of a library. */
  readonly expected: string
  /** For libraries that keep their locks there; of several entries of a package the first that fits. */
  readonly stores: readonly Library['store'][]
  /** What a library must have for the case to make sense, and what to say where it has not. */
  readonly needs?: readonly Library['features'][number][]
  readonly limitMs?: number
  run(rig: Rig): Promise<Verdict>
}

export class Rig {
  readonly library: Library
  readonly key = 'invoice-42'
  readonly #program: string
  readonly #remotes: Remote[] = []
  readonly #closers: (() => Promise<void>)[] = []
  readonly #folder: string
  #server: RedisServer | undefined
  #proxy: Proxy | undefined
  #serverClock: MovableClock | string = 'no server was started'
  #clientClock: MovableClock | undefined

  constructor(program: string, library: Library) {
    this.#program = program
    this.library = library
    this.#folder = mkdtempSync(join(tmpdir(), 'holdfast-torture-'))
  }

  /** A second, or the least the library takes. */
  get ttlMs(): number {
    return Math.max(1000, this.library.leastTtlMs)
  }

  async open(): Promise<void> {
    if (this.library.store !== 'redis') return
    const clock = movableClock()
    this.#serverClock = clock
    this.#server = await startRedis({ args: ['--appendonly', 'yes'], env: typeof clock === 'string' ? {} : clock.env })
    this.#proxy = await startProxy(this.#server.url)
  }

  get server(): RedisServer {
    return existing(this.#server, 'server')
  }

  get proxy(): Proxy {
    return existing(this.#proxy, 'proxy')
  }

  /** How to ask without waiting. */
  wish(wish: Partial<Wish> = {}): Wish {
    return { ttlMs: this.ttlMs, waitMs: 0, ...wish }
  }

  /** A fresh process behind the proxy. */
  async behindProxy(setting: Partial<Setting> = {}, env: Readonly<Record<string, string>> = {}): Promise<Remote> {
    return warmed(await this.#start({ place: this.#proxy?.url ?? this.#folder, ...setting }, env))
  }

  /** The same, and it has not connected yet. */
  cold(setting: Partial<Setting>): Promise<Remote> {
    return this.#start({ place: this.proxy.url, ...setting }, {})
  }

  /** A fresh process that no fault of the proxy befalls. */
  async process(setting: Partial<Setting> = {}): Promise<Remote> {
    return warmed(await this.#start({ place: this.#server?.url ?? this.#folder, ...setting }, {}))
  }

  /** The folder of lock files. */
  get folder(): string {
    return this.#folder
  }

  /** Whether another process is granted the key, and after how long; undefined: not within `waitMs`. */
  async anotherHasIt(waitMs: number): Promise<number | undefined> {
    const other = await this.process()
    const answer = await other.acquire(this.key, this.wish({ waitMs }))
    if ('error' in answer) throw new Error(answer.error)
    return 'hold' in answer ? answer.grantedMs - answer.askedMs : undefined
  }

  /** Whether it holds still, by the store and by its own knowledge. */
  async heldStill(holder: Remote, grant: Grant, other: Remote): Promise<Verdict> {
    const answer = await other.acquire(this.key, this.wish())
    const { active } = await holder.look(grant)
    if ('error' in answer) throw new Error(answer.error)
    if ('hold' in answer) return { pass: false, reason: active ? 'lost it, and does not know' : 'lost it' }
    return { pass: active, reason: active ? 'held throughout' : 'gave up what it held' }
  }

  /** Moves the server's clock. */
  moveServerClock(ms: number): void {
    possible(this.#serverClock).setMs(ms)
  }

  /** A server of its own on a small disk, which writes down each command before it answers. The proxy leads there from now on. */
  async onSmallDisk(): Promise<{ server: RedisServer; disk: SmallDisk }> {
    const server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    this.onClose(() => server.stop())
    await server.kill()
    const disk = possible(smallDisk(server.dir, DISK_MB))
    this.#closers.unshift(async () => {
      await server.kill()
      disk.remove()
    })
    await server.start()
    this.proxy.leadTo(server.url)
    return { server, disk }
  }

  /** A clock for a process of its own. */
  clientClock(): MovableClock {
    this.#clientClock ??= possible(movableClock())
    return this.#clientClock
  }

  /** Commands that the server was sent, by all. */
  async commands(): Promise<number> {
    const info = String(await this.server.command('INFO', 'commandstats'))
    let sum = 0
    for (const [, name, calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
      if (name === 'evalsha' || name === 'eval' || name === 'set' || name === 'ping') sum += Number(calls)
    }
    return sum
  }

  /** What a case has opened itself. */
  onClose(closer: () => Promise<void>): void {
    this.#closers.push(closer)
  }

  async close(): Promise<void> {
    for (const remote of this.#remotes) remote.resume()
    await Promise.all(this.#remotes.map((remote) => remote.kill()))
    await this.#proxy?.close()
    for (const closer of this.#closers) await closer()
    this.#server?.resume()
    await this.#server?.stop()
    if (typeof this.#serverClock !== 'string') this.#serverClock.remove()
    this.#clientClock?.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #start(setting: Setting, env: Readonly<Record<string, string>>): Promise<Remote> {
    const remote = await Remote.start({ program: this.#program, library: this.library.id, setting, env })
    this.#remotes.push(remote)
    return remote
  }
}

let warmUps = 0

/** Drivers are loaded, connections open, scripts known: what comes first takes longest, and is not what the cases are about. */
async function warmed(remote: Remote): Promise<Remote> {
  const answer = await remote.acquire(`warm-${warmUps++}`, { ttlMs: 10_000, waitMs: 0 })
  if ('hold' in answer) await remote.release(answer)
  return remote
}

/** This machine lacks what the case needs. */
export class NotHere extends Error {}

function possible<T>(part: T | string): T {
  if (typeof part === 'string') throw new NotHere(part)
  return part
}

function existing<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new Error(`there is no ${name} here`)
  return part
}
