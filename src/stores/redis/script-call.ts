import type { Driver } from './client.js'
import type { Script } from './scripts.js'

export interface ScriptCall {
  readonly script: Script
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

/** Rejects with the client's error. */
export function send(driver: Driver, call: ScriptCall): Promise<unknown> {
  return driver
    .evalsha(call.script.sha, call.keys, call.args)
    .catch((error: unknown) => evalUnknown(driver, call, error))
}

/** What the server does not know yet goes with its text; any other error is thrown again. */
export async function evalUnknown(
  driver: Driver,
  { script, keys, args }: ScriptCall,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
  return driver.eval(script.text, keys, args)
}
