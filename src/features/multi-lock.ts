import { callable } from './callable.js'
import { type Callable, decorate, keyMaker } from './decorate.js'
import { Handle } from './handle.js'
import type { Source } from './instance.js'
import { MultiHandle } from './multi-handle.js'
import type { ParsedOptions } from './options.js'
import { wrapWith } from './wrap.js'

/** `lock([…])`: a callable handle of several keys, each of them a template when it wraps a function. @throws InvalidKeyError */
export function multiLock(source: Source, keys: readonly string[], options: ParsedOptions): unknown {
  const handle = new MultiHandle(source, keys, options)
  const wrap = (fn: Callable): Callable => {
    const makers = handle.keys.map((key) => keyMaker(key, fn, options.args))
    return wrapWith(fn, (self, args) => new MultiHandle(source, makers.map((make) => make(self, args)), options)) // prettier-ignore
  }
  return callable((...args: unknown[]) => decorate('A lock', args, wrap), handle, 'several')
}

/** `lock((…args) => …)`: the function gives the key of a call, or a list of keys. @throws InvalidOptionError for an unknown alias */
export function keyedLock(source: Source, key: (...args: never[]) => unknown, options: ParsedOptions): unknown {
  source.peek()?.spaceOf(options.store)
  const handleOf = (self: unknown, args: readonly unknown[]): Handle | MultiHandle => {
    const made = (key as Callable).apply(self, [...args])
    return Array.isArray(made) ? new MultiHandle(source, made, options) : new Handle(source, made as string, options) // it checks the key
  }
  return (...args: unknown[]) => decorate('A lock', args, (fn) => wrapWith(fn, handleOf))
}
