/**
 * Key templates: `'bill-{this.tenant}-{id}'` becomes a function from a call to its key.
 *
 * Two different argument lists never give one key: in a value, each place where the text that follows its placeholder
 * would begin gets an escape in front. Nothing else is touched, so keys stay as they read.
 */
import { show } from '../core/duration.js'
import { KeyTemplateError } from '../core/errors.js'
import { checkKey } from '../core/key.js'
import { type Parameter, parametersOf } from './parameters.js'

/** Makes the key of one call. */
export interface KeyOf {
  (self: unknown, args: readonly unknown[]): string
  /** The one argument whose text decides the key, by its index; -1: the key is always the same; absent: it takes more than that. */
  readonly decidedBy?: number | undefined
}

/** Anything that can be wrapped. */
export type AnyFunction = (this: never, ...args: never[]) => unknown

interface Placeholder {
  /** As written between the braces. */
  readonly text: string
  readonly path: readonly string[]
}

interface Piece extends Placeholder {
  /** The literal text behind the placeholder, up to the next one; undefined: another placeholder comes at once. */
  readonly next: string | undefined
}

interface Parsed {
  readonly head: string
  readonly pieces: readonly Piece[]
}

/**
 * Compiles `template` for `fn`. `names` replaces what is read from the function's source (minifiers erase names).
 * @throws KeyTemplateError when a placeholder names no parameter, or the template is not well formed.
 */
export function compileTemplate(template: string, fn: AnyFunction, names?: readonly string[]): KeyOf {
  const { head, pieces } = parse(template)
  const readers = pieces.map((piece) => ({ ...piece, ...readerOf(piece, template, fn, names) }))
  const last = readers.length - 1
  const keyOf = (self: unknown, args: readonly unknown[]): string => {
    let key = head
    for (const [index, { read, next, text }] of readers.entries()) {
      const value = asText(read(self, args), text, template)
      if (next === undefined) key += `${escape(value, '', '\\')}\\,`
      else if (index === last && next === '') key += value
      else key += escape(value, next, escapeMark(next)) + next
    }
    return checkKey(key)
  }
  const [first, second] = readers
  return Object.assign(keyOf, {
    decidedBy: first === undefined ? -1 : second === undefined ? first.argument : undefined,
  })
}

function parse(template: string): Parsed {
  const literals: string[] = ['']
  const placeholders: Placeholder[] = []
  for (const [token] of template.matchAll(/\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+/g)) {
    if (token === '{' || token === '}') {
      throw new KeyTemplateError(
        `The template ${show(template)} has a single '${token}'; write '${token}${token}' for a literal brace.`,
        template,
      )
    }
    if (token.startsWith('{') && token.endsWith('}')) {
      const text = token.slice(1, -1).trim()
      placeholders.push({ text, path: text.split('.') })
      literals.push('')
    } else {
      const literal = token === '{{' ? '{' : token === '}}' ? '}' : token
      literals.push((literals.pop() ?? '') + literal)
    }
  }
  const pieces = placeholders.map((placeholder, index) => {
    const next = literals[index + 1] ?? ''
    return { ...placeholder, next: next === '' && index < placeholders.length - 1 ? undefined : next }
  })
  return { head: literals[0] ?? '', pieces }
}

interface Reader {
  readonly read: (self: unknown, args: readonly unknown[]) => unknown
  /** It reads this argument and nothing else. */
  readonly argument?: number | undefined
}

function readerOf(
  { text, path }: Placeholder,
  template: string,
  fn: AnyFunction,
  names: readonly string[] | undefined,
): Reader {
  const [first = '', ...rest] = path
  if (path.some((step) => step === '')) {
    throw new KeyTemplateError(`The template ${show(template)} has an empty placeholder '{${text}}'.`, template)
  }
  if (first === 'this') {
    if (rest.length === 0)
      throw new KeyTemplateError(`'{this}' in ${show(template)} needs a path: '{this.id}'.`, template)
    return { read: (self) => walk(self, rest) }
  }
  if (/^\d+$/.test(first)) return readerOfArgument(Number(first), rest)
  if (names !== undefined) {
    const index = names.indexOf(first)
    if (index < 0) throw unknownPlaceholder(text, template, names)
    return readerOfArgument(index, rest)
  }
  const parameters = parametersOf(fn, template)
  const parameter = parameters.find(({ name }) => name === first)
  if (parameter === undefined) throw unknownPlaceholder(text, template, parameters.map(({ name }) => name)) // prettier-ignore
  const whole = !parameter.rest && parameter.path.length === 0 && rest.length === 0
  return {
    read: (_, args) => walk(valueOf(parameter, args), rest),
    argument: whole ? parameter.index : undefined,
  }
}

function readerOfArgument(index: number, rest: readonly string[]): Reader {
  return { read: (_, args) => walk(args[index], rest), argument: rest.length === 0 ? index : undefined }
}

function unknownPlaceholder(text: string, template: string, known: readonly string[]): KeyTemplateError {
  const [first = ''] = text.split('.')
  const list = known.length === 0 ? 'it has no parameters' : `its parameters are ${known.join(', ')}`
  return new KeyTemplateError(
    `'{${text}}' in ${show(template)} names no parameter of the function: ${list}. ` +
      `Use a position ('{0}'), a path of the object ('{this.id}'), or name the parameters: { args: ['${first}'] }.`,
    template,
  )
}

function valueOf(parameter: Parameter, args: readonly unknown[]): unknown {
  const { index } = parameter
  let value: unknown = parameter.rest ? args.slice(index) : args[index]
  if (value === undefined) value = parameter.fallback
  for (const { property, fallback, rest } of parameter.path) {
    value = rest && Array.isArray(value) ? value.slice(Number(property)) : walk(value, [property])
    if (value === undefined) value = fallback
  }
  return value
}

function walk(start: unknown, path: readonly string[]): unknown {
  let value = start
  for (const step of path) {
    if (value === undefined || value === null) return undefined
    value = (value as Record<string, unknown>)[step] // any object may carry any property
  }
  return value
}

function asText(value: unknown, placeholder: string, template: string): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'number':
      if (!Number.isNaN(value)) return String(value)
  }
  const what = value === undefined || value === null || typeof value === 'number' ? String(value) : show(value)
  throw new KeyTemplateError(
    `'{${placeholder}}' in ${show(template)} is ${what} in this call, and a key needs text or a number. ` +
      `${adviceFor(value, placeholder)}, or give a function: lock((…args) => \`…\`).`,
    template,
  )
}

function adviceFor(value: unknown, placeholder: string): string {
  if (typeof value === 'object' && value !== null) return `Name a property of it ('{${placeholder}.id}')`
  if (placeholder.startsWith('this.')) return 'Call it on its object (from outside: method.isLocked.call(object, …))'
  return 'Pass a value, give the parameter a literal default'
}

/** The first character that the literal does not contain: of these that read well, else of all. */
function escapeMark(literal: string): string {
  const readable = ['\\', '%', '~', '^', '!', '`'].find((mark) => !literal.includes(mark))
  let code = 0x21
  while (literal.includes(String.fromCharCode(code))) code++
  return readable ?? String.fromCharCode(code)
}

/** Puts `mark` before each place of `value` where `next` would begin in `value + next`, and before `mark` itself. */
function escape(value: string, next: string, mark: string): string {
  if (!value.includes(mark) && (next === '' || (value + next).indexOf(next) === value.length)) return value
  let out = ''
  const whole = value + next
  for (let i = 0; i < value.length; i++) {
    if (value[i] === mark || (next !== '' && whole.startsWith(next, i))) out += mark
    out += value.charAt(i)
  }
  return out
}
