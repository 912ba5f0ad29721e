import fc from 'fast-check'
import { createHoldfast, DeadlockError } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { expect, it } from 'vitest'

/** A body under a key, and those inside it. */
interface Body {
  readonly key: string
  readonly beforeMs: number
  readonly insideMs: number
  /** Whoever calls it does not await it. */
  readonly detached: boolean
  /** Those inside are called side by side. */
  readonly together: boolean
  readonly children: readonly Body[]
}

const ms = fc.nat({ max: 5 })
const bodyOf = (depth: number): fc.Arbitrary<Body> =>
  fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    beforeMs: ms,
    insideMs: ms,
    detached: fc.integer({ max: 3, min: 0 }).map((one) => one === 0),
    together: fc.boolean(),
    children: depth === 1 ? fc.constant([]) : fc.array(bodyOf(depth - 1), { maxLength: 2 }),
  })

/** What the bodies come to. */
interface Outcome {
  readonly deadlocks: number
  /** Those that did not end. */
  readonly stuck: number
}

async function play(bodies: readonly Body[], onDeadlock: 'throw' | 'ignore'): Promise<Outcome> {
  const env = virtualEnv()
  const { lock, close } = createHoldfast({ env, onDeadlock })
  const sleep = (forMs: number): Promise<void> => new Promise((resolve) => void env.setTimer(resolve, forMs, true))
  let stuck = 0
  let deadlocks = 0

  const playInside = async ({ insideMs, together, children }: Body): Promise<void> => {
    await sleep(insideMs)
    const awaited: Promise<void>[] = []
    for (const child of children) {
      const playing = playOne(child)
      if (child.detached) playing.catch(ignore)
      else if (together) awaited.push(playing)
      else await playing
    }
    await Promise.all(awaited)
  }
  const playOne = async (body: Body): Promise<void> => {
    stuck++
    try {
      await sleep(body.beforeMs)
      await lock(body.key, { wait: true }).run(() => playInside(body))
    } catch (error) {
      if (error instanceof DeadlockError) deadlocks++
      throw error
    } finally {
      stuck--
    }
  }
  for (const body of bodies) playOne(body).catch(ignore)
  await env.advance(3_000_000)
  const outcome = { deadlocks, stuck }
  await close()
  return outcome
}

it('a deadlock is told in each program that would not end, and in no other', { timeout: 120_000 }, async () => {
  const counts = { ending: 0, stuck: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(bodyOf(3), { minLength: 2, maxLength: 3 }), async (bodies) => {
      const alone = await play(bodies, 'ignore')
      const watched = await play(bodies, 'throw')
      expect(watched.stuck).toBe(0)
      expect(watched.deadlocks > 0).toBe(alone.stuck > 0)
      counts[alone.stuck > 0 ? 'stuck' : 'ending']++
    }),
    { numRuns: 200 },
  )
  expect(counts.ending).toBeGreaterThan(10)
  expect(counts.stuck).toBeGreaterThan(10)
})

function ignore(): void {}
