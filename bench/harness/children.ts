/** Measured processes: one library each, every call bounded in time, ended by their id. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Args, Result, Role } from '../child/roles.js'
import type { Library, Setting } from '../library.js'
import type { Order, Reply } from '../worker.js'
import { within } from './within.js'

const OPEN_LIMIT_MS = 20_000
const GONE_LIMIT_MS = 2000
const MOST_STDERR = 2000

export interface Child {
  call<R extends Role>(role: R, args: Args<R>, limitMs?: number): Promise<Result<R>>
  /** Freezes it: connections stay open, nothing is answered. */
  stop(): void
  /** Ends it at once. */
  kill(): Promise<void>
}

export interface Launch {
  readonly worker: string
  readonly library: Library
  readonly setting: Setting
}

/** A fresh process with the library open in it. */
export async function launch({ worker, library, setting }: Launch): Promise<Child> {
  const started = new Started(worker)
  try {
    await started.ask({ do: 'open', library: library.id, setting }, OPEN_LIMIT_MS)
  } catch (error) {
    await started.kill()
    throw error
  }
  return {
    call: (role, args, limitMs = 60_000) => started.ask({ do: 'call', role, args }, limitMs) as Promise<never>,
    stop: () => void started.process.kill('SIGSTOP'),
    kill: () => started.kill(),
  }
}

type Unsent<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never

class Started {
  readonly process: ChildProcess
  readonly #pending = new Map<number, (reply: Reply | Error) => void>()
  #asked = 0
  #stderr = ''

  constructor(worker: string) {
    this.process = fork(worker, [], {
      execArgv: ['--expose-gc'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const killIt = (): void => void this.process.kill('SIGKILL')
    process.once('exit', killIt)
    this.process.stderr?.on('data', (text: Buffer) => {
      this.#stderr = (this.#stderr + text.toString()).slice(-MOST_STDERR)
    })
    this.process.on('message', (reply: Reply) => this.#pending.get(reply.id)?.(reply))
    this.process.once('exit', (code, signal) => {
      process.off('exit', killIt)
      const ended = new Error(`the process ended (${String(code ?? signal)}) ${this.#stderr}`)
      for (const settle of this.#pending.values()) settle(ended)
    })
  }

  async ask(order: Unsent<Order>, limitMs: number): Promise<unknown> {
    const id = ++this.#asked
    const answer = new Promise<Reply | Error>((resolve) => {
      this.#pending.set(id, resolve)
      this.process.send({ ...order, id }, (error) => {
        if (error) resolve(error)
      })
    })
    try {
      const reply = await within(answer, limitMs, order.do === 'call' ? order.role : order.do)
      if (reply instanceof Error) throw reply
      if ('error' in reply) throw new Error(reply.error)
      return reply.value
    } finally {
      this.#pending.delete(id)
    }
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const gone = once(this.process, 'exit')
    this.process.kill('SIGKILL')
    await Promise.race([gone, sleep(GONE_LIMIT_MS, undefined, { ref: false })])
  }
}
