import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { History } from './ledger.js'
import type { ResourceQuestion } from './messages.js'

/** When each client and each workload was granted something last. */
export interface Progress {
  readonly clients: ReadonlyMap<number, number>
  readonly workloads: ReadonlyMap<string, number>
}

/** The resource, in a process that no fault befalls. */
export interface ResourceProcess {
  readonly port: number
  progress(): Promise<Progress>
  history(): Promise<History>
  stop(): void
}

export async function startResource(program: string): Promise<ResourceProcess> {
  const child = fork(program, [], { serialization: 'advanced' })
  const killIt = (): void => void child.kill('SIGKILL')
  process.once('exit', killIt)
  const next = async (): Promise<unknown> => ((await once(child, 'message')) as [unknown])[0]
  const ask = async (question: ResourceQuestion): Promise<unknown> => {
    const answer = next()
    child.send(question)
    return answer
  }
  const { port } = (await next()) as { port: number }
  return {
    port,
    progress: async () => (await ask('progress')) as Progress,
    history: async () => (await ask('history')) as History,
    stop() {
      process.off('exit', killIt)
      killIt()
    },
  }
}
