import { describe, expect, it } from 'vitest'
import { Holds } from '../../src/core/holds.js'

interface Item {
  readonly owner: string
  before: Item | undefined
  after: Item | undefined
}

const item = (owner: string): Item => ({ owner, before: undefined, after: undefined })

describe('what is held now', () => {
  it('finds by owner what came before and after it was first asked, and not what has gone', () => {
    const holds = new Holds<Item>()
    const [a, b, c] = [item('a'), item('b'), item('c')]
    for (const one of [a, b, c]) holds.push(one)
    expect(holds.find('b')).toBe(b)
    holds.remove(b)
    const d = item('d')
    holds.push(d)
    expect(['a', 'b', 'd'].map((owner) => holds.find(owner))).toEqual([a, undefined, d])
    for (const one of holds.all()) expect(holds.find(one.owner)).toBe(one)
  })

  it('finds the one that followed another of the same owner', () => {
    const holds = new Holds<Item>()
    const [first, second] = [item('a'), item('a')]
    holds.push(first)
    expect(holds.find('a')).toBe(first)
    holds.push(second)
    holds.remove(first)
    expect(holds.find('a')).toBe(second)
  })

  it('starts anew when all are gone', () => {
    const holds = new Holds<Item>()
    const [first, second] = [item('a'), item('a')]
    holds.push(first)
    expect(holds.find('a')).toBe(first)
    holds.remove(first)
    expect(holds.find('a')).toBeUndefined()
    holds.push(second)
    expect(holds.find('a')).toBe(second)
    expect(holds.all()).toHaveLength(1)
  })
})
