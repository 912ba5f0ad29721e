/** A part of the source, and the tests that its mutants are shown to. */
export interface Suite {
  readonly name: string
  readonly mutate: string
  /** Files and folders, those that find most in the shortest time first. */
  readonly tests: readonly string[]
}

export const suites: readonly Suite[] = [
  { name: 'core', mutate: 'src/core/**/*.ts', tests: ['test/core/', 'test/features/', 'test/mutation/worlds.ts'] },
  {
    name: 'memory',
    mutate: 'src/stores/memory/**/*.ts',
    tests: ['test/stores/', 'test/mutation/memory-contract.ts', 'test/core/', 'test/mutation/worlds.ts'],
  },
  {
    name: 'redis',
    mutate: 'src/stores/redis/**/*.ts',
    tests: ['test/redis/', 'test/mutation/redis-contract.ts', 'test/features/'],
  },
]

/** @throws TypeError when there is none of this name */
export function suiteNamed(name = 'core'): Suite {
  const found = suites.find((suite) => suite.name === name)
  if (found === undefined)
    throw new TypeError(`There is no suite '${name}': ${suites.map((suite) => suite.name).join(', ')}.`)
  return found
}
