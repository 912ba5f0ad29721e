import { createHoldfast } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { Registry } from '../../src/core/registry.js'

describe('the registry of holds', () => {
  it('finds by owner what was added before and after it was first asked, and not what was removed', () => {
    const registry = new Registry<{ owner: string }>()
    const places = ['a', 'b', 'c'].map((owner) => registry.add({ owner }))
    expect(registry.find('b')).toEqual({ owner: 'b' })
    registry.remove(places[1] ?? 0)
    registry.add({ owner: 'd' })
    expect(['a', 'b', 'd'].map((owner) => registry.find(owner)?.owner)).toEqual(['a', undefined, 'd'])
    for (const { owner } of registry.all()) expect(registry.find(owner)?.owner).toBe(owner)
  })

  it('starts anew when all are gone', () => {
    const registry = new Registry<{ owner: string }>()
    const place = registry.add({ owner: 'a' })
    expect(registry.find('a')).toBeDefined()
    registry.remove(place)
    registry.add({ owner: 'a' })
    expect(registry.find('a')).toBeDefined()
    expect(registry.all()).toHaveLength(1)
  })
})

describe('a forced release', () => {
  it('takes no longer because the process holds many other keys', async () => {
    await using many = createHoldfast()
    const hold = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) await many.lock(`key-${String(n)}`).acquire()
    }
    const forced = async (): Promise<number> => {
      const times: number[] = []
      for (let n = 0; n < 300; n++) {
        const lease = await many.lock('forced').acquire()
        const startMs = performance.now()
        await many.lock('forced').forceRelease()
        times.push(performance.now() - startMs)
        expect(lease.active).toBe(false)
      }
      return times.sort((a, b) => a - b)[150] ?? Number.NaN
    }
    await forced()
    const alone = await forced()
    await hold(100_000)
    expect(await forced()).toBeLessThan(Math.max(alone * 20, 0.5)) // it took 6 ms when it looked through all of them
  })
})
