/** The client processes of a run, each behind a proxy of its own, and the process of the resource. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MovableClock } from '../fleet/clock/clock.js'
import { machineMs } from '../fleet/machine-clock.js'
import { type Proxy, startProxy } from '../support/servers/proxy.js'
import type { ClientSettings, Order } from './messages.js'

const MOST_STDERR = 2000

export interface FleetOptions {
  readonly program: string
  readonly clients: number
  readonly settings: Pick<ClientSettings, 'library' | 'resourcePort' | 'ttlMs' | 'seed' | 'crowd'>
  /** undefined: locks do not leave the process. */
  readonly url: string | undefined
  /** Of each client; none where they cannot be moved. */
  readonly clocks: readonly MovableClock[]
}

export interface Kill {
  readonly client: number
  readonly incarnation: number
  readonly atMs: number
}

export class Fleet {
  readonly proxies: readonly Proxy[]
  readonly kills: Kill[] = []
  /** Processes that ended though nobody killed them, with their last words. */
  readonly crashes: string[] = []
  readonly #options: FleetOptions
  readonly #members: Member[]
  /** Leaves no process behind when this one ends early. */
  readonly #killAll = (): void => {
    for (const { process: child } of this.#members) child.kill('SIGKILL')
  }

  private constructor(options: FleetOptions, proxies: readonly Proxy[]) {
    this.#options = options
    this.proxies = proxies
    this.#members = Array.from({ length: options.clients }, (_, client) => this.#spawn(client, 0))
    process.once('exit', this.#killAll)
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const { url, clients } = options
    if (url === undefined) return new Fleet(options, [])
    return new Fleet(options, await Promise.all(Array.from({ length: clients }, () => startProxy(url))))
  }

  async stopFor(client: number, ms: number): Promise<void> {
    const { process } = this.#member(client)
    process.kill('SIGSTOP')
    await sleep(ms)
    process.kill('SIGCONT')
  }

  stall(client: number, ms: number): void {
    this.#order(this.#member(client), { do: 'stall', ms })
  }

  async moveClocksFor(clients: readonly number[], ms: number, byMs: number): Promise<void> {
    const move = (offsetMs: number): void => clients.forEach((client) => this.#options.clocks[client]?.setMs(offsetMs))
    move(byMs)
    await sleep(ms)
    move(0)
  }

  /** Of these, those whose store can fail. */
  async failStoresFor(clients: readonly number[], ms: number): Promise<void> {
    const order = (on: boolean): void =>
      clients.forEach((client) => this.#order(this.#member(client), { do: 'fail-store', on }))
    order(true)
    await sleep(ms)
    order(false)
  }

  /** Killed; another takes its place after so long. */
  async killFor(client: number, ms: number): Promise<void> {
    const member = this.#member(client)
    if (member.ended) return
    member.expected = true
    this.kills.push({ client, incarnation: member.incarnation, atMs: machineMs() })
    await kill(member)
    await sleep(ms)
    this.#members[client] = this.#spawn(client, member.incarnation + 1)
  }

  /** Brings back those that crashed, so that all take part in what follows. */
  reviveCrashed(): void {
    for (const [client, member] of this.#members.entries()) {
      if (member.ended) this.#members[client] = this.#spawn(client, member.incarnation + 1)
    }
  }

  /** Tells all to finish; answers how many did not end by themselves in time. */
  async finish(limitMs: number): Promise<number> {
    const leaving = this.#members.map(async (member) => {
      member.expected = true
      this.#order(member, { do: 'finish' })
      const gone = member.ended ? Promise.resolve() : once(member.process, 'exit')
      await Promise.race([gone, sleep(limitMs, undefined, { ref: false })])
      if (member.ended) return 0
      await kill(member)
      return 1
    })
    return (await Promise.all(leaving)).reduce((sum: number, stayed) => sum + stayed, 0)
  }

  async close(): Promise<void> {
    process.off('exit', this.#killAll)
    await Promise.all(this.#members.map((member) => kill(member)))
    await Promise.all(this.proxies.map((proxy) => proxy.close()))
  }

  #member(client: number): Member {
    const member = this.#members[client]
    if (member === undefined) throw new RangeError(`there is no client ${client}`)
    return member
  }

  #order(member: Member, order: Order): void {
    if (!member.ended && member.process.connected) member.process.send(order, () => undefined)
  }

  #spawn(client: number, incarnation: number): Member {
    const { program, settings, clocks } = this.#options
    const place = this.proxies[client]?.url ?? ''
    const seed = settings.seed * 1000 + client * 37 + incarnation
    const own: ClientSettings = { ...settings, client, incarnation, place, seed }
    const child = fork(program, [JSON.stringify(own)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...clocks[client]?.env },
    })
    const member: Member = { process: child, incarnation, expected: false, ended: false }
    let stderr = ''
    child.stderr?.on('data', (text: Buffer) => (stderr = (stderr + text.toString()).slice(-MOST_STDERR)))
    child.once('exit', (code, signal) => {
      member.ended = true
      if (!member.expected) this.crashes.push(`client ${client} ended (${String(code ?? signal)}): ${stderr.trim()}`)
    })
    return member
  }
}

interface Member {
  readonly process: ChildProcess
  readonly incarnation: number
  /** Its end is nothing that a library did. */
  expected: boolean
  ended: boolean
}

async function kill(member: Member): Promise<void> {
  if (member.ended) return
  member.expected = true
  const gone = once(member.process, 'exit')
  member.process.kill('SIGKILL')
  await gone
}
