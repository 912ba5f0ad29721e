import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auxKey, hashTag, isAuxKey, keysOf, shardChannel, slotOf } from '../../src/stores/redis/keys.js'

const kinds = ['token', 'leases', 'queue', 'waiters', 'revoked'] as const
const braceHeavy = fc.string({
  unit: fc.constantFrom('{', '}', 'a', 'b', ':', '{}', 'é', '😀', '\n'),
  minLength: 1,
  maxLength: 12,
})
const anyKey = fc.oneof(braceHeavy, fc.string({ unit: 'grapheme', minLength: 1 }))

/** Written after the cluster specification, bit by bit, to share nothing with the code under test. */
function slotBySpecification(name: string): number {
  const bytes = Buffer.from(name)
  const open = bytes.indexOf('{')
  const close = open === -1 ? -1 : bytes.indexOf('}', open + 1)
  let crc = 0
  for (const byte of close > open + 1 ? bytes.subarray(open + 1, close) : bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const carry = ((crc >> 15) & 1) ^ ((byte >> bit) & 1)
      crc = ((crc << 1) & 0xffff) ^ (carry === 1 ? 0x1021 : 0)
    }
  }
  return crc % 16_384
}

describe('the keys beside a key', () => {
  test('look as documented', () => {
    expect(auxKey('holdfast:a', 'token', '')).toBe('{holdfast:a}:token')
    expect(auxKey('holdfast:{u7}:a', 'token', '')).toBe('{u7}:token:holdfast:{u7}:a')
    expect(auxKey('holdfast:a}{b', 'token', '')).toBe('{1am}:token:holdfast:a}{b')
  })

  test('have the same names on every client and for ever', () => {
    expect(['a}{b', 'a{b', 'a}', '{}'].map((key) => auxKey(`holdfast:${key}`, 'value', ''))).toEqual([
      '{1am}:value:holdfast:a}{b',
      '{1p2}:value:holdfast:a{b',
      '{6gk}:value:holdfast:a}',
      '{69c}:value:holdfast:{}',
    ])
    const names = (key: string): string[] =>
      ['token', 'leases', 'queue', 'waiters'].map((kind) => key.replace('*', kind))
    expect(keysOf('a', 'app:')).toEqual(['a', ...names('{app:a}:*')])
    expect(keysOf('a{t}', 'app:')).toEqual(['a{t}', ...names('{t}:*:a{t}')])
    expect(['a', 'a{t}', 'a}'].map((key) => shardChannel(`holdfast:${key}`, '', 'wake'))).toEqual([
      'holdfast:{holdfast:a}wake',
      'holdfast:{t}wake',
      'holdfast:{6gk}wake',
    ])
    expect(shardChannel('a', 'app:', 'wake')).toBe('holdfast:{app:a}wake')
  })

  test('are told from locks that only look like them', () => {
    const beside = ['{a}:token', '{app:a}:queue', '{t}:value:a{t}', '{1am}:revoked:holdfast:a}{b']
    expect(beside.map((name) => isAuxKey(name, ''))).toEqual([true, true, true, true])
    for (const name of ['{a}:tokens', '{t}:token:a', 'x{a}:token', '{}:token', '{a}token', '{b}:token:a{t}', '']) {
      expect(isAuxKey(name, ''), name).toBe(false)
    }
    expect(['{app:a}:token', '{a}:token', '{t}:token:a{t}'].map((name) => isAuxKey(name, 'app:'))).toEqual([
      true,
      false,
      true,
    ])
  })

  test('are in the same slot of a cluster as the key, whatever its braces', () => {
    fc.assert(
      fc.property(
        anyKey,
        fc.constantFrom(...kinds),
        fc.constantFrom('', 'app:', '{t}:', 'a}'),
        (key, kind, keyPrefix) => {
          const slot = slotBySpecification(keyPrefix + key)
          expect(slotBySpecification(keyPrefix + auxKey(key, kind, keyPrefix))).toBe(slot)
          expect(slotOf(keyPrefix + key)).toBe(slot)
        },
      ),
      { numRuns: 5_000 },
    )
  })

  test('belong to one key and one purpose only', () => {
    fc.assert(
      fc.property(anyKey, anyKey, fc.constantFrom(...kinds), fc.constantFrom(...kinds), (a, b, kindA, kindB) => {
        fc.pre(a !== b || kindA !== kindB)
        expect(auxKey(a, kindA, '')).not.toBe(auxKey(b, kindB, ''))
      }),
      { numRuns: 20_000 },
    )
  })

  test('belong to one key and one purpose only: each of 200,000 names against each other', () => {
    const parts = ['{', '}', 'a', ':', ':token', ':queue:', '0']
    const keys = ['']
    for (let at = 0; keys.length < 40_000; at++) for (const part of parts) keys.push((keys[at] ?? '') + part)
    for (const keyPrefix of ['', 'a}', '{a}:']) {
      const names = new Map<string, string>()
      for (const key of new Set(keys)) {
        for (const [at, name] of keysOf(`holdfast:${key}`, keyPrefix).entries()) {
          const meant = `${at} ${key}`
          if (names.has(name)) expect(names.get(name), name).toBe(meant)
          names.set(name, meant)
        }
      }
      expect(names.size).toBeGreaterThan(150_000)
      expect(names.size).toBe(5 * new Set(keys).size)
    }
  })

  test('never take the name of a lock under the default prefix, and are told from locks under any', () => {
    fc.assert(
      fc.property(anyKey, fc.constantFrom(...kinds), fc.constantFrom('', 'app:', '{t}:'), (key, kind, keyPrefix) => {
        expect(auxKey(`holdfast:${key}`, kind, keyPrefix).startsWith('holdfast:')).toBe(false)
        expect(isAuxKey(auxKey(key, kind, keyPrefix), keyPrefix)).toBe(true)
        expect(isAuxKey(`holdfast:${key}`, keyPrefix)).toBe(false)
      }),
      { numRuns: 5_000 },
    )
  })

  test('take the tag from between the first { and the next }, if there is anything', () => {
    expect(['a', 'a{b', 'a}b{', 'a{}b{c}', 'a{b}c{d}', '{{a}}', '}{x}'].map(hashTag)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'b',
      '{a',
      'x',
    ])
  })
})
