/** A tried process, from the outside. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { machineMs } from '../fleet/machine-clock.js'
import type { Setting } from '../fleet/subject.js'
import type { Answers, Grant, Look, Order, Wish } from './orders.js'

const MOST_STDERR = 1500

export interface RemoteOptions {
  readonly program: string
  readonly library: string
  readonly setting: Setting
  readonly env?: Readonly<Record<string, string>>
}

export class Remote {
  readonly #child: ChildProcess
  readonly #pending = new Map<number, (reply: { value?: unknown; error?: string }) => void>()
  #asked = 0
  #stderr = ''
  #endedMs: number | undefined

  private constructor({ program, env }: RemoteOptions) {
    this.#child = fork(program, [], {
      // what nobody handles ends the process, as it does by default
      execArgv: ['--unhandled-rejections=strict'],
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.stderr?.on(
      'data',
      (text: Buffer) => (this.#stderr = (this.#stderr + text.toString()).slice(-MOST_STDERR)),
    )
    this.#child.on('message', ({ id, ...reply }: { id: number; value?: unknown; error?: string }) => {
      this.#pending.get(id)?.(reply)
      this.#pending.delete(id)
    })
    this.#child.once('exit', (code, signal) => {
      this.#endedMs = machineMs()
      const error = `the process ended (${String(code ?? signal)}): ${lastWords(this.#stderr)}`
      for (const settle of this.#pending.values()) settle({ error })
    })
  }

  static async start(options: RemoteOptions): Promise<Remote> {
    const remote = new Remote(options)
    await remote.ask({ do: 'open', library: options.library, setting: options.setting })
    return remote
  }

  acquire(key: string, wish: Wish): Promise<Answers['acquire']> {
    return this.ask({ do: 'acquire', key, wish })
  }

  /** Acquires what is free. Rejects when it is not granted. */
  async hold(key: string, wish: Wish): Promise<Grant> {
    const answer = await this.acquire(key, wish)
    if ('hold' in answer) return answer
    throw new Error('error' in answer ? answer.error : `${key} is held`)
  }

  release({ hold }: Grant): Promise<Answers['release']> {
    return this.ask({ do: 'release', hold })
  }

  look({ hold }: Grant): Promise<Look> {
    return this.ask({ do: 'look', hold })
  }

  async ask<O extends Order>(order: O): Promise<Answers[O['do']]> {
    const reply = await new Promise<{ value?: unknown; error?: string }>((resolve) => {
      const id = ++this.#asked
      this.#pending.set(id, resolve)
      if (this.#endedMs !== undefined) resolve({ error: `the process has ended: ${lastWords(this.#stderr)}` })
      else this.#child.send({ id, order }, (error) => error && resolve({ error: error.message }))
    })
    if (reply.error !== undefined) throw new Error(reply.error)
    return reply.value as Answers[O['do']] // process.ts pairs each order with its answer
  }

  /** When the library told of the loss; undefined: not within `limitMs`. */
  async told(grant: Grant, limitMs: number): Promise<number | undefined> {
    const endMs = machineMs() + limitMs
    while (machineMs() < endMs) {
      const { toldMs } = await this.look(grant)
      if (toldMs !== undefined) return toldMs
      await sleep(20)
    }
    return undefined
  }

  /** Its last words, when it ended by itself; undefined: it lives. */
  get death(): string | undefined {
    return this.#endedMs === undefined ? undefined : lastWords(this.#stderr)
  }

  stop(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Closes the library; answers how long after that the process ended by itself; undefined: not within `limitMs`. */
  async closeAndExit(limitMs: number): Promise<number | undefined> {
    await this.ask({ do: 'close' })
    const closedMs = machineMs()
    if (this.#endedMs === undefined) {
      await Promise.race([once(this.#child, 'exit'), sleep(limitMs, undefined, { ref: false })])
    }
    return this.#endedMs === undefined ? undefined : Math.max(0, this.#endedMs - closedMs)
  }

  /** SIGTERM; answers whether it ended within `limitMs`. */
  async terminate(limitMs: number): Promise<boolean> {
    this.#child.kill('SIGTERM')
    if (this.#endedMs === undefined)
      await Promise.race([once(this.#child, 'exit'), sleep(limitMs, undefined, { ref: false })])
    return this.#endedMs !== undefined
  }

  async kill(): Promise<void> {
    if (this.#endedMs !== undefined) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

/** The line of the error, of all that stands on stderr. */
function lastWords(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  const told = lines.filter((line) => /^(\w*Error\b|\[?Uncaught|.*Error:)/.test(line)).at(-1)
  return (told ?? lines.filter((line) => line !== '').at(-1) ?? '').slice(0, 160)
}
