import type { World } from '../../support/world.js'

/** Everything that stands in the records. */
export function held({ records }: World): string[] {
  return [...records.list('', 100).keys].map((key) => key.replace('holdfast:', ''))
}

export function operations({ store }: World): string[] {
  return store.calls.map(({ operation, key }) => `${operation} ${key?.replace('holdfast:', '') ?? ''}`)
}

/** The records lose a key, and nobody is told. */
export function forget({ records }: World, key: string): void {
  const [holder] = records.inspect(`holdfast:${key}`)?.holders ?? []
  if (holder === undefined) throw new Error(`${key} is not held`)
  records.release(`holdfast:${key}`, holder.owner)
}

/** In a body that runs while the test moves the clock. */
export function sleep({ time }: World, ms: number): Promise<void> {
  return new Promise((resolve) => void time.setTimer(resolve, ms, true))
}
