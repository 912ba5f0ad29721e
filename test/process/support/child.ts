import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** A program in a process of its own, which uses the package as it was built. */
export interface Child {
  readonly output: string
  readonly errors: string
  /** undefined while it runs. */
  readonly code: number | undefined
  /** Waits until it printed a line that begins so; returns the line. */
  says(start: string): Promise<string>
  /** Waits for its end; returns its exit code and for how long it went on after the line `after`. */
  ends(after?: string): Promise<{ code: number; tookMs: number }>
  /** Writes a line to its standard input. */
  tell(line: string): void
  /** Ends it at once, as a crash does. */
  kill(): void
  /** Sends it a signal. */
  send(signal: NodeJS.Signals): void
  /** What ended it; undefined: it runs, or ended by itself. */
  readonly signal: NodeJS.Signals | undefined
}

export interface ChildOptions {
  /** CommonJS instead of an ES module. */
  readonly commonJs?: boolean
  readonly nodeOptions?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const limitMs = 10_000

/** Runs the program with `node`, in strict mode for unhandled rejections; ends it with the test at the latest. */
export function runProgram(program: string, options: ChildOptions = {}): Child {
  if (!existsSync(`${root}dist/index.js`)) {
    throw new Error('dist/ is missing: these tests run the built package. Run `npm run build` first.')
  }
  const { commonJs = false, nodeOptions = [], env = {} } = options
  const flags = [
    '--unhandled-rejections=strict',
    ...nodeOptions,
    commonJs ? '--input-type=commonjs' : '--input-type=module',
  ]
  const child = spawn(process.execPath, [...flags, '--eval', program], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return watch(child, program)
}

function watch(child: ChildProcess, program: string): Child {
  let output = ''
  let errors = ''
  let code: number | undefined
  const saidAt = new Map<string, number>()
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of [...listeners]) listener()
  }
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    for (const line of output.split('\n').slice(0, -1)) if (!saidAt.has(line)) saidAt.set(line, performance.now())
    changed()
  })
  child.stderr?.on('data', (chunk: Buffer) => void (errors += chunk.toString()))
  const ended = once(child, 'close').then(() => {
    code = child.exitCode ?? -1
    changed()
    return performance.now()
  })
  const describeIt = (): string => `\n--- program\n${program}\n--- output\n${output}\n--- errors\n${errors}`
  return {
    get output() {
      return output
    },
    get errors() {
      return errors
    },
    get code() {
      return code
    },
    says: (start) =>
      new Promise((resolve, reject) => {
        const done = (settle: () => void): void => {
          clearTimeout(timer)
          listeners.delete(look)
          settle()
        }
        const look = (): void => {
          const line = [...saidAt.keys()].find((said) => said.startsWith(start))
          if (line !== undefined) done(() => resolve(line))
          else if (code !== undefined) {
            done(() => reject(new Error(`it ended with ${code} before it said '${start}'${describeIt()}`)))
          }
        }
        const timer = setTimeout(() => {
          done(() => reject(new Error(`it did not say '${start}'${describeIt()}`)))
        }, limitMs)
        listeners.add(look)
        look()
      }),
    ends: async (after) => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`it does not end${describeIt()}`)), limitMs)
      })
      const endedAt = await Promise.race([ended, late]).finally(() => clearTimeout(timer))
      const since = after === undefined ? endedAt : saidAt.get(after)
      if (since === undefined) throw new Error(`it never said '${after ?? ''}'${describeIt()}`)
      return { code: code ?? -1, tookMs: endedAt - since }
    },
    tell: (line) => void child.stdin?.write(`${line}\n`),
    kill: () => void child.kill('SIGKILL'),
    send: (signal) => void child.kill(signal),
    get signal() {
      return child.signalCode ?? undefined
    },
  }
}
