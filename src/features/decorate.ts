import { show } from '../core/duration.js'
import { InvalidOptionError } from '../core/errors.js'
import { checkKey } from '../core/key.js'
import { compileTemplate, type KeyOf } from './template.js'

/** A template, or a function of the arguments. */
export type KeySpec = string | ((...args: never[]) => string)

/** A function as it is called here: what its arguments are is its caller's affair. */
export type Callable = (this: unknown, ...args: unknown[]) => unknown

export type Kind = 'sync' | 'async' | 'generator' | 'asyncGenerator'

/**
 * One function for all three uses, told apart by their arguments: a wrapper `(fn)`, a standard decorator
 * `(method, context)`, an `experimentalDecorators` one `(target, property, descriptor)`. `what` it is, for the error.
 * @throws InvalidOptionError
 */
export function decorate(what: string, args: readonly unknown[], wrap: (fn: Callable) => Callable): unknown {
  const [first, second, descriptor] = args
  if (isDescriptor(descriptor)) {
    if (isCallable(descriptor.value)) return { ...descriptor, value: wrap(descriptor.value) }
  } else if (isCallable(first) && (second === undefined || isMethodContext(second))) {
    return wrap(first)
  }
  throw new InvalidOptionError(`${what} wraps functions and decorates methods, not ${describe(first, second)}.`)
}

/** What each wrapped function wraps. */
const inners = new WeakMap<Callable, Callable>()

/** What a wrapped function wraps; undefined: it is none. */
export function innerOf(fn: Callable): Callable | undefined {
  return inners.get(fn)
}

/** Gives a wrapped function the name and length of what it wraps, and calls of its own. */
export function dress(wrapped: Callable, fn: Callable, calls: Readonly<Record<string, Callable>>): void {
  for (const [name, call] of Object.entries(calls))
    Object.defineProperty(wrapped, name, { value: call, configurable: true })
  Object.defineProperty(wrapped, 'name', { value: fn.name, configurable: true })
  Object.defineProperty(wrapped, 'length', { value: fn.length, configurable: true })
  inners.set(wrapped, fn)
}

/** What makes the key of a call of `fn`. @throws KeyTemplateError when the key does not fit the function */
export function keyMaker(key: KeySpec, fn: Callable, names: readonly string[] | undefined): KeyOf {
  if (typeof key !== 'string') return (self, args) => checkKey((key as unknown as Callable).apply(self, [...args]))
  let original = fn // its source has the parameters that a template names
  for (let inner = innerOf(fn); inner !== undefined; inner = innerOf(inner)) original = inner
  return compileTemplate(key, original, names)
}

const kinds: Record<string, Kind> = {
  AsyncFunction: 'async',
  GeneratorFunction: 'generator',
  AsyncGeneratorFunction: 'asyncGenerator',
}

export function kindOf(fn: Callable): Kind {
  return kinds[Object.prototype.toString.call(fn).slice(8, -1)] ?? 'sync'
}

/** A class is a function too, but one that cannot be called: its prototype is fixed. */
function isCallable(value: unknown): value is Callable {
  return typeof value === 'function' && Object.getOwnPropertyDescriptor(value, 'prototype')?.writable !== false
}

function isDescriptor(value: unknown): value is PropertyDescriptor {
  return typeof value === 'object' && value !== null
}

function isMethodContext(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as Record<string, unknown>)['kind'] === 'method'
}

function describe(first: unknown, second: unknown): string {
  if (typeof second !== 'object' || second === null) {
    return typeof first === 'function' && !isCallable(first) ? 'a class' : show(first)
  }
  const { kind, name } = second as Record<string, unknown>
  return `a ${String(kind)} (${String(name)})`
}
