import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { runInThisContext } from 'node:vm'
import { createHoldfast, type LockOptions } from 'holdfast'

type AnyFunction = (...args: never[]) => unknown

export interface Call {
  readonly fn: AnyFunction
  readonly args?: readonly unknown[]
  readonly self?: unknown
  readonly options?: LockOptions<never>
}

const { lock } = createHoldfast()

/** The key that a wrapped function takes in one call, as `node:diagnostics_channel` tells it. */
export async function keyOf(template: string, { fn, args = [], self, options = {} }: Call): Promise<string> {
  const wrapped = lock(template, options)(fn)
  const keys: string[] = []
  const note = (message: unknown): void => void keys.push((message as { key: string }).key)
  subscribe('holdfast:acquired', note)
  try {
    await drain(Reflect.apply(wrapped, self, args))
  } finally {
    unsubscribe('holdfast:acquired', note)
  }
  if (keys.length !== 1) throw new Error(`it took ${keys.length} keys`)
  return keys[0] ?? ''
}

/** The function that this source text makes, untouched by any compiler. */
export function functionFrom(source: string): AnyFunction {
  return runInThisContext(`(${source})`) as AnyFunction
}

/** Runs a generator to its end; others have run already. */
async function drain(result: unknown): Promise<void> {
  const value: unknown = await result
  if (typeof value !== 'object' || value === null || !('next' in value)) return
  const generator = value as AsyncGenerator | Generator
  while (!(await generator.next()).done);
}
