/** The servers of a run, and what can befall them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { machineMs } from '../fleet/machine-clock.js'
import { type MovableClock, movableClock } from '../fleet/clock/clock.js'
import { type SmallDisk, smallDisk } from '../fleet/small-disk.js'
import type { Proxy } from '../support/servers/proxy.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { until } from '../support/until.js'
import type { Break } from './judge.js'
import type { FaultKind, Shape } from './plan.js'

const DISK_MB = 64
const CLOCK_STEP_MS = 2500
// rewritten early: a long log takes long to read at each restart, and fills the small disk
const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-min-size', '2mb']
const replicating = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1']

export class Site {
  /** Times in which the store forgot, or its clock jumped: exclusion was not promised. */
  readonly breaks: Break[] = []
  /** Faults that cannot be done on this machine, and why. */
  readonly missing = new Map<FaultKind, string>()
  #primary: RedisServer
  #replica: RedisServer | undefined
  #clock: MovableClock | undefined
  #disk: SmallDisk | undefined

  private constructor(primary: RedisServer) {
    this.#primary = primary
  }

  static async start(shape: Shape): Promise<Site> {
    if (shape === 'persistent') return Site.#durable()
    const site = new Site(await startRedis(shape === 'replicated' ? { args: replicating } : {}))
    if (shape === 'replicated') {
      site.#replica = await startRedis({ args: replicating })
      await site.#follow(site.#replica, site.#primary)
    }
    return site
  }

  static async #durable(): Promise<Site> {
    const clock = movableClock()
    const movable = typeof clock !== 'string'
    const site = new Site(await startRedis({ args: durable, ...(movable && { env: clock.env }) }))
    if (movable) site.#clock = clock
    else for (const kind of ['clock-ahead', 'clock-back'] as const) site.missing.set(kind, clock)
    await site.#primary.kill()
    const disk = smallDisk(site.#primary.dir, DISK_MB)
    if (typeof disk === 'string') site.missing.set('disk-full', disk)
    else site.#disk = disk
    await site.#primary.start()
    return site
  }

  /** Where clients are led to at first. */
  get url(): string {
    return this.#primary.url
  }

  get primary(): RedisServer {
    return this.#primary
  }

  async stopFor(ms: number): Promise<void> {
    this.#primary.pause()
    await sleep(ms)
    this.#primary.resume()
  }

  /** Killed, and started again with what is on its disk. */
  async killFor(ms: number, forgets: boolean): Promise<void> {
    const fromMs = machineMs()
    await this.#primary.kill()
    await sleep(ms)
    await this.#primary.start()
    if (forgets) this.#broken(fromMs, 'restarted empty')
  }

  async flushAll(): Promise<void> {
    const fromMs = machineMs()
    await this.#primary.command('FLUSHALL')
    this.#broken(fromMs, 'flushed')
  }

  async flushScripts(): Promise<void> {
    await this.#primary.command('SCRIPT', 'FLUSH')
  }

  async killConnections(): Promise<void> {
    for (const type of ['normal', 'pubsub'])
      await this.#primary.command('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
  }

  async fillMemoryFor(ms: number): Promise<void> {
    await this.#primary.command('CONFIG', 'SET', 'maxmemory', '1')
    await sleep(ms)
    await this.#primary.command('CONFIG', 'SET', 'maxmemory', '0')
  }

  async moveClockFor(ms: number, direction: 'ahead' | 'back'): Promise<void> {
    const step = (offsetMs: number, ahead: boolean): void => {
      const fromMs = machineMs()
      this.#clock?.setMs(offsetMs)
      if (ahead) this.#broken(fromMs, 'its clock jumped ahead')
    }
    step(direction === 'ahead' ? CLOCK_STEP_MS : -CLOCK_STEP_MS, direction === 'ahead')
    await sleep(ms)
    step(0, direction === 'back')
  }

  /** A server that may not write what it promised to keep ends itself; it is started again when there is room. */
  async fillDiskFor(ms: number): Promise<void> {
    this.#disk?.fill()
    await sleep(ms)
    this.#disk?.clear()
    await this.#primary.start()
  }

  /**
   * The primary dies, its replica takes over, and all are led there. It comes back as the new replica. `lagMs`: for so long
   * before its death the replica gets nothing any more.
   */
  async failOver(ms: number, lagMs: number, proxies: readonly Proxy[]): Promise<void> {
    const fromMs = machineMs()
    const [old, next] = this.#swap()
    if (lagMs > 0) {
      next.pause()
      // else the buffers of the connection would still bring it all
      await old.command('CLIENT', 'KILL', 'TYPE', 'replica')
      await sleep(lagMs)
    }
    await old.kill()
    next.resume()
    await sleep(ms)
    await promote(next)
    lead(proxies, next)
    this.#broken(fromMs, 'failed over')
    await old.start()
    await this.#follow(old, next)
  }

  /** The primary freezes, its replica takes over for some, and the old one wakes up: for a while both serve. */
  async splitFor(ms: number, proxies: readonly Proxy[]): Promise<void> {
    const fromMs = machineMs()
    const [old, next] = this.#swap()
    old.pause()
    await promote(next)
    const half = proxies.length >> 1
    lead(proxies.slice(0, half), next)
    old.resume()
    await sleep(ms)
    await this.#follow(old, next) // whoever is still there is told READONLY
    lead(proxies.slice(half), next)
    this.#broken(fromMs, 'two primaries')
  }

  async stop(): Promise<void> {
    await this.#primary.kill()
    this.#disk?.remove()
    await Promise.all([this.#primary.stop(), this.#replica?.stop()])
    this.#clock?.remove()
  }

  #swap(): [old: RedisServer, next: RedisServer] {
    const [old, next] = [this.#primary, this.#replica]
    if (next === undefined) throw new Error('there is no replica')
    this.#primary = next
    this.#replica = old
    return [old, next]
  }

  async #follow(replica: RedisServer, primary: RedisServer): Promise<void> {
    await replica.command('REPLICAOF', primary.host, String(primary.port))
    await until(
      async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
      60_000,
    )
  }

  #broken(fromMs: number, why: string): void {
    this.breaks.push({ fromMs, toMs: machineMs(), why })
  }
}

async function promote(server: RedisServer): Promise<void> {
  await server.command('REPLICAOF', 'NO', 'ONE')
}

function lead(proxies: readonly Proxy[], { url }: RedisServer): void {
  for (const proxy of proxies) {
    proxy.leadTo(url)
    proxy.cut()
  }
}
