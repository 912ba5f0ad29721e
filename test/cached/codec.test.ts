import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { json } from '../../src/features/codec.js'
import { virtualTime, type VirtualTime } from 'holdfast/testing'

interface Scene {
  readonly time: VirtualTime
  readonly warnings: string[]
}

function scene(): Scene {
  const warnings: string[] = []
  return { time: virtualTime({ logger: { warn: (message) => void warnings.push(message) } }), warnings }
}

describe('what comes out of a store that keeps text', () => {
  it('is of one kind, the first time too', async () => {
    const { time } = scene()
    const load = time.cached('key')(async () => ({ at: new Date(0), left: undefined, n: Number.NaN }))
    expect([await load(), await load()]).toEqual([
      { at: '1970-01-01T00:00:00.000Z', n: null },
      { at: '1970-01-01T00:00:00.000Z', n: null },
    ])
    await time.close()
  })

  it('goes through the codec that was given', async () => {
    const { time } = scene()
    const codec = { encode: (date: Date) => String(date.getTime()), decode: (text: string) => new Date(Number(text)) }
    const load = time.cached('key', { codec })(async () => new Date(7))
    expect([await load(), await load()]).toEqual([new Date(7), new Date(7)])
    expect(time.records.values?.get('holdfast:cached:key')?.content).toBe('=7')
    await time.close()
  })

  const hopeless: readonly [what: string, value: unknown, reason: string][] = [
    ['a circle', circle(), 'circular'],
    ['a bigint', 1n, 'BigInt'],
    ['a function', () => 1, 'a function'],
    ['a symbol', Symbol('s'), 'Symbol'],
    ['more than maxValueBytes', 'ä'.repeat(600_000), '1200003 bytes, and maxValueBytes is 1048576'],
  ]
  it.each(hopeless)('and cannot be kept, such as %s, is given, and logged', async (_, value, reason) => {
    const { time, warnings } = scene()
    let calls = 0
    const load = time.cached('key')(async () => {
      calls++
      return value
    })
    expect([await load(), await load()]).toEqual([value, value])
    expect([calls, warnings.length]).toEqual([2, 2])
    expect(warnings[0]).toMatch(/^key: the value is not kept/)
    expect(warnings[0]).toContain(reason)
    await time.close()
  })

  it('is not kept where the codec gives no text', async () => {
    const { time, warnings } = scene()
    const codec = { encode: () => Buffer.from('x') as unknown as string, decode: (text: string) => text }
    expect(await time.cached('key', { codec })(async () => 'value')()).toBe('value')
    expect(warnings).toEqual([expect.stringContaining('not text')])
    await time.close()
  })

  const broken: readonly [what: string, content: unknown][] = [
    ['no JSON', '={"a":'],
    ['no value of ours', '{"a":1}'],
    ['nothing', ''],
    ['no text', undefined],
    ['too much', `=${JSON.stringify('x'.repeat(2_000_000))}`],
  ]
  it.each(broken)('counts as absent with %s in it, is logged, and computed again', async (_, content) => {
    const { time, warnings } = scene()
    let calls = 0
    const load = time.cached('key')(async () => ++calls)
    time.records.values?.set('holdfast:cached:key', { content, token: 1, freshMs: null, staleMs: 0 })
    expect([await load(), await load()]).toEqual([1, 1])
    expect(warnings.length).toBeGreaterThan(0)
    for (const warning of warnings) expect(warning).toMatch(/^key: what the store keeps does not decode/)
    await time.close()
  })

  it('does not change what all objects have', async () => {
    const { time } = scene()
    const evil = [
      '{"__proto__":{"polluted":1},"a":1}',
      '{"\\u005f_proto__":{"polluted":1},"a":1}',
      '{"constructor":{"prototype":{"polluted":1}},"a":1}',
      '{"a":1,"\\u0063onstructor":{"\\u0070rototype":{"polluted":1}}}',
    ]
    for (const [at, text] of evil.entries()) {
      time.records.values?.set(`holdfast:cached:${at}`, { content: `=${text}`, token: 1, freshMs: null, staleMs: 0 })
      const value = await time.cached('{id}')(async (id: number): Promise<object> => ({ id }))(at)
      expect(Object.keys(value)).toEqual(['a'])
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect(Object.assign({}, value)).not.toHaveProperty('polluted')
      expect({}).not.toHaveProperty('polluted')
    }
    await time.close()
  })

  it('may have a constructor that is none', () => {
    const car = { driver: 'x', constructor: 'Ferrari', list: [{ constructor: { name: 'x' } }] }
    expect(json.decode(json.encode(car))).toEqual(car)
  })

  it('is what JSON makes of any value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value)
        const expected: unknown =
          text.includes('__proto__') || text.includes('constructor') ? json.decode(text) : JSON.parse(text)
        expect(json.decode(json.encode(value))).toEqual(expected)
      }),
    )
  })
})

function circle(): object {
  const one: Record<string, unknown> = {}
  one['itself'] = one
  return one
}
