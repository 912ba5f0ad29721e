import { inspect as show } from 'node:util'

/** Everything a program may print of a value. */
export function printed(value: unknown): string {
  const texts = [
    String(value),
    show(value, { depth: 20, showHidden: true, getters: true }),
    show(value, { compact: 1 }),
  ]
  if (typeof value !== 'function') texts.push(JSON.stringify(value) ?? '', JSON.stringify(Object.entries(value ?? {})))
  if (value instanceof Error) {
    texts.push(value.stack ?? '', printed(Object.entries(value)))
    if (value.cause !== undefined) texts.push(printed(value.cause))
  }
  return texts.join('\n')
}
