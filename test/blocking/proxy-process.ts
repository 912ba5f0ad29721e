import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A proxy that goes on while this thread is blocked. */
export interface ProxyProcess {
  readonly url: string
  blackhole(on: boolean): Promise<void>
  delayMs(ms: number): Promise<void>
  close(): Promise<void>
}

export async function startProxyProcess(targetUrl: string): Promise<ProxyProcess> {
  const program = fileURLToPath(new URL('./proxy-program.mjs', import.meta.url))
  const child = fork(program, [targetUrl], { execArgv: ['--import', 'tsx'] })
  const [url] = (await once(child, 'message')) as [string]
  const tell = async (fault: string, value: boolean | number): Promise<void> => {
    const done = once(child, 'message')
    child.send([fault, value])
    await done
  }
  return {
    url,
    blackhole: (on) => tell('blackhole', on),
    delayMs: (ms) => tell('delayMs', ms),
    async close() {
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}
