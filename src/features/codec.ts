import { show } from '../core/duration.js'

/** How a value becomes text and comes back. Both may throw; neither may return a promise. */
export interface Codec<T = unknown> {
  encode(value: T): string
  decode(text: string): T
}

/** A codec of whatever values. */
export interface AnyCodec {
  encode(value: never): string
  decode(text: string): unknown
}

/**
 * JSON. Of what is read, `__proto__` is left out, and `constructor` where it has a `prototype`: copied into another object,
 * they would change what all objects have.
 */
export const json: Codec = {
  encode: (value) => {
    const text = JSON.stringify(value) as string | undefined
    if (text === undefined) throw new TypeError(`JSON has no way to write ${show(value)}`)
    return text
  },
  decode: (text) => JSON.parse(text, suspicious.test(text) ? withoutPrototypes : undefined) as unknown,
}

/** What a name that has to be looked at cannot do without: written out, or with an escape in it. */
const suspicious = /__proto__|constructor|\\u00/i

function withoutPrototypes(this: unknown, name: string, value: unknown): unknown {
  if (name === '__proto__') return undefined
  const hasPrototype = typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype')
  return name === 'constructor' && hasPrototype ? undefined : value
}

/** What a store keeps of a value. */
export interface Packed {
  readonly content: unknown
  /** Why it is not to be kept. */
  readonly refusal?: string | undefined
}

/** Puts values into what stores keep, and takes them out again. */
export class Packing {
  readonly #codec: Codec | undefined
  readonly #maxBytes: number

  constructor(codec: Codec | undefined, maxBytes: number) {
    this.#codec = codec
    this.#maxBytes = maxBytes
  }

  /** The value itself is kept, where that can be: no codec was asked for. */
  get isBare(): boolean {
    return this.#codec === undefined
  }

  pack(value: unknown, live: boolean): Packed {
    if (live && this.#codec === undefined) return { content: value }
    try {
      const text: unknown = value === undefined ? '' : (this.#codec ?? json).encode(value)
      if (typeof text !== 'string') return refused(`its codec gave ${show(text)}, and not text`)
      const content = value === undefined ? nothing : something + text
      const bytes = Buffer.byteLength(content)
      return bytes > this.#maxBytes ? refused(tooLong(bytes, this.#maxBytes)) : { content }
    } catch (error) {
      return refused(`its codec cannot encode it (${messageOf(error)})`)
    }
  }

  /** @throws when it does not decode */
  unpack(content: unknown, live: boolean): unknown {
    if (live && this.#codec === undefined) return content
    if (content === nothing) return undefined
    if (typeof content !== 'string' || !content.startsWith(something)) throw new TypeError('it is none of ours')
    if (content.length > this.#maxBytes) throw new RangeError(tooLong(content.length, this.#maxBytes))
    return (this.#codec ?? json).decode(content.slice(something.length))
  }
}

/** The first character of what is kept; `undefined` is a value too, which no codec has to know. */
const something = '='
const nothing = '-'

function refused(refusal: string): Packed {
  return { content: undefined, refusal }
}

function tooLong(bytes: number, maxBytes: number): string {
  return `it takes ${String(bytes)} bytes, and maxValueBytes is ${String(maxBytes)}`
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
