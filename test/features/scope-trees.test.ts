import fc from 'fast-check'
import { createHoldfast, type Lease, memory } from 'holdfast'
import { describe, expect, it } from 'vitest'

/** A call of the lock, and the calls that are made inside its body. */
interface Call {
  readonly name: number
  /** How many turns of the event loop it takes before it asks, and inside. */
  readonly before: number
  readonly inside: number
  /** Its caller does not await it. */
  readonly detached: boolean
  /** The calls inside are made side by side. */
  readonly together: boolean
  readonly children: readonly Call[]
}

let names = 0
const turns = fc.nat({ max: 3 })
/** A call with others inside it, `depth` of them one in another at most. */
const callOf = (detached: fc.Arbitrary<boolean>, depth = 4): fc.Arbitrary<Call> =>
  fc
    .record({
      before: turns,
      inside: turns,
      detached,
      together: fc.boolean(),
      children: depth === 1 ? fc.constant([]) : fc.array(callOf(detached, depth - 1), { maxLength: 3 }),
    })
    .map((call) => ({ ...call, name: ++names }))

async function pass(count: number): Promise<void> {
  for (let left = count; left > 0; left--) {
    await (left % 2 === 0 ? Promise.resolve() : new Promise((resolve) => setImmediate(resolve)))
  }
}

/** What was seen while the tree ran. */
interface Seen {
  /** Those inside at the same time of whom neither called the other. */
  readonly strangers: string[]
  readonly tokens: Set<number>
  readonly bodies: number
  /** How many holds the store granted. */
  readonly holds: number
  readonly wrong: string[]
}

async function play(root: Call): Promise<Seen> {
  const store = memory()
  let holds = 0
  const { acquire } = store
  store.acquire = (request) => {
    const answer = acquire.call(store, request)
    if (answer.granted) holds++
    return answer
  }
  const { lock, close } = createHoldfast({ store })
  const key = lock('k', { reentrant: true, wait: true })
  const inside = new Map<Call, readonly Call[]>()
  const seen = { strangers: [] as string[], tokens: new Set<number>(), bodies: 0, wrong: [] as string[] }
  const later: Promise<void>[] = []

  const body = async (call: Call, callers: readonly Call[], lease: Lease): Promise<void> => {
    for (const other of inside.keys()) {
      if (!callers.includes(other)) seen.strangers.push(`${other.name} and ${call.name}`)
    }
    inside.set(call, callers)
    seen.bodies++
    seen.tokens.add(lease.token)
    await pass(call.inside)
    await playAll(call, [...callers, call])
    if (!lease.active || lease.signal.aborted) seen.wrong.push(`${call.name} is not held`)
    if (key.inspectSync()?.holders.length !== 1) seen.wrong.push(`${call.name}: the store knows of other holds`)
    inside.delete(call)
  }
  const playOne = async (call: Call, callers: readonly Call[]): Promise<void> => {
    await pass(call.before)
    await key.run((lease) => body(call, callers, lease))
  }
  const playAll = async (call: Call, callers: readonly Call[]): Promise<void> => {
    const awaited: Promise<void>[] = []
    for (const child of call.children) {
      const playing = playOne(child, callers)
      if (child.detached) later.push(playing)
      else if (call.together) awaited.push(playing)
      else await playing
    }
    await Promise.all(awaited)
  }

  await playOne(root, [])
  while (later.length > 0) await later.pop()
  if (await key.isLocked()) seen.wrong.push('it is held at the end')
  await close()
  return { ...seen, holds }
}

function sizeOf(call: Call): number {
  return call.children.reduce((sum, child) => sum + sizeOf(child), 1)
}

describe('calls inside calls, of any shape', () => {
  it('are one hold with one token, siblings one at a time', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(callOf(fc.constant(false)), async (root) => {
        const seen = await play(root)
        expect(seen).toMatchObject({ strangers: [], wrong: [], holds: 1, bodies: sizeOf(root) })
        expect(seen.tokens.size).toBe(1)
      }),
      { numRuns: 150 },
    )
  })

  it('exclude each other where some outlive their callers, too', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(callOf(fc.boolean()), async (root) => {
        expect(await play(root)).toMatchObject({ strangers: [], wrong: [], bodies: sizeOf(root) })
      }),
      { numRuns: 150 },
    )
  })
})
