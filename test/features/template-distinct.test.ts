import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileTemplate } from '../../src/features/template.js'

const names = ['a', 'b', 'c', 'd']
/** What escapes are made of, and what separators often are: few characters, so that values hit upon separators. */
const characters = ['\\', '%', '~', '^', '!', '`', '\u0010', ',', '-', ':', '{', '}', 'x', '🔒']
const marks = '\u0010\\%~^!`'

const character = fc.constantFrom(...characters)
const separator = fc.oneof(
  fc.constant(''),
  character,
  fc.string({ unit: character, maxLength: 3 }),
  fc.tuple(character, fc.integer({ min: 2, max: 4 })).map(([text, times]) => text.repeat(times)),
  fc.tuple(character, character).map(([one, other]) => one + other + one),
  fc.constantFrom(marks, marks.repeat(2), `\u0010${marks}`, '\\,', '\\\\'),
)
const shape = fc.record({
  head: separator,
  separators: fc.array(separator, { minLength: 1, maxLength: names.length }),
})
/** Values made of the very separators and escapes, whole and in parts. */
const valuesFor = (separators: readonly string[]): fc.Arbitrary<string> => {
  const parts = separators.flatMap((text) => [text, text.slice(0, 1), text.slice(1)]).filter((text) => text !== '')
  return fc.array(fc.constantFrom(...parts, ...characters, '\\,'), { maxLength: 4 }).map((list) => list.join(''))
}

function templateOf(head: string, separators: readonly string[]): string {
  const literal = (text: string): string => text.replaceAll('{', '{{').replaceAll('}', '}}')
  return literal(head) + separators.map((text, index) => `{${names[index] ?? ''}}${literal(text)}`).join('')
}

/** undefined: the key would be empty or too long, and is refused. */
function keyOf(make: ReturnType<typeof compileTemplate>, values: readonly string[]): string | undefined {
  try {
    return make(undefined, values)
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_KEY' })
    return undefined
  }
}

describe('two different lists of arguments', () => {
  it('never give one key, whatever the separators are', () => {
    const anything = shape.chain(({ head, separators }) => {
      const list = fc.array(valuesFor(separators), { minLength: separators.length, maxLength: separators.length })
      return fc.record({
        head: fc.constant(head),
        separators: fc.constant(separators),
        lists: fc.array(list, { minLength: 2, maxLength: 8 }),
      })
    })
    let keys = 0
    fc.assert(
      fc.property(anything, ({ head, separators, lists }) => {
        const make = compileTemplate(templateOf(head, separators), () => {}, names)
        const seen = new Map<string, string>()
        for (const values of lists) {
          const key = keyOf(make, values)
          if (key === undefined) continue
          const text = JSON.stringify(values)
          expect(seen.get(key) ?? text, `both give ${JSON.stringify(key)}`).toBe(text)
          seen.set(key, text)
          keys++
        }
      }),
      { numRuns: 20_000 },
    )
    expect(keys).toBeGreaterThan(20_000)
  })

  it('never give one key: all short values, tried against each other', () => {
    const few = ['', ...words(['-', '\\', ',', '%'], 3)]
    for (const separators of [[''], ['', ''], ['-'], ['-', ''], ['--', '-'], ['\\'], ['-%\\', ''], ['%', '%']]) {
      const make = compileTemplate(`k${templateOf('', separators)}`, () => {}, names)
      const lists = separators.length === 1 ? few.map((one) => [one]) : few.flatMap((a) => few.map((b) => [a, b]))
      const seen = new Set(lists.map((values) => make(undefined, values)))
      expect(seen.size, JSON.stringify(separators)).toBe(lists.length)
    }
  })
})

describe('a key', () => {
  it('stays as it reads where nothing is ambiguous', () => {
    const plain = fc.string({ unit: fc.constantFrom('a', 'b', '_', '.', ' ', 'é', '日') })
    const literal = fc.string({ unit: fc.constantFrom('-', ':', '/', '%', '#'), minLength: 1, maxLength: 3 })
    const anything = fc.record({
      head: literal,
      pairs: fc.array(fc.tuple(plain, literal), { minLength: 1, maxLength: names.length }),
    })
    fc.assert(
      fc.property(anything, ({ head, pairs }) => {
        const template = templateOf(
          head,
          pairs.map(([, text]) => text),
        )
        const make = compileTemplate(template, () => {}, names)
        const values = pairs.map(([value]) => value)
        expect(make(undefined, values)).toBe(head + pairs.map((pair) => pair.join('')).join(''))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['sleep_for_lock-{0}', [1], 'sleep_for_lock-1'],
    ['sleep_for_lock-{0}', ['a-b'], 'sleep_for_lock-a-b'],
    ['user-{0}-of-{1}', ['x-y', 'z'], 'user-x-y-of-z'],
    ['user-{0}-of-{1}', ['x', 'y-of-z'], 'user-x-of-y-of-z'],
    ['{0}:{1}', ['a', 'b:c:d'], 'a:b:c:d'],
    ['{0}/{1}', ['C\\D', 'E\\F'], 'C\\\\D/E\\F'],
  ])('%s of %j is %s', (template, values, key) => {
    expect(compileTemplate(template, () => {})(undefined, values)).toBe(key)
  })

  it.each([
    ['{0}-{1}', ['a-b', 'c'], ['a', 'b-c']],
    ['{0}-{1}', ['a\\', 'b'], ['a', '\\-b']],
    ['{0}{1}', ['a', 'bc'], ['ab', 'c']],
    ['{0}{1}', ['', 'a'], ['a', '']],
    ['user-{0}-of-{1}', ['x-of-y', 'z'], ['x', 'y-of-z']],
    ['{0}--{1}', ['a-', 'b'], ['a', '-b']],
    ['{0}{1}{2}', ['\\,', '', ''], ['', '\\,', '']],
    [`{0}\u0010${marks}{1}`, [marks, ''], ['', `\u0010${marks}`]],
  ])('of %s tells %j from %j', (template, one, other) => {
    const make = compileTemplate(template, () => {})
    expect(make(undefined, one)).not.toBe(make(undefined, other))
  })
})

/** All texts of 1 to `longest` of these letters. */
function words(letters: readonly string[], longest: number): string[] {
  const shorter = longest === 1 ? [] : words(letters, longest - 1)
  return [...letters, ...letters.flatMap((letter) => shorter.map((word) => letter + word))]
}
