/** A part of the source, and the tests that its mutants are shown to. */
export interface Suite {
  readonly name: string
  readonly mutate: string
  /** Files, and what paths begin with; those that find most in the shortest time first. What fits several counts as the last. */
  readonly tests: readonly string[]
}

/** Of the store on Redis, the parts that need no server are shown to tests of milliseconds; what is Lua alone is left out. */
export const suites: readonly Suite[] = [
  { name: 'core', mutate: 'src/core/**/*.ts', tests: ['test/core/', 'test/features/', 'test/mutation/worlds.ts'] },
  {
    name: 'memory',
    mutate: 'src/stores/memory/**/*.ts',
    tests: ['test/stores/', 'test/mutation/memory-contract.ts'],
  },
  {
    name: 'redis-parts',
    mutate: onRedis('address failure keys list notices record replies request shard-notices silence together'),
    tests: [
      'request',
      'reading',
      'failure',
      'silence',
      'list',
      'together-parts',
      'shard-notices',
      'notices-time',
      'keys',
    ].map((part) => `test/redis/${part}.test.ts`),
  },
  {
    name: 'redis',
    mutate: onRedis('calls capabilities client connect index ioredis link node-redis script-call scripts store values'),
    tests: ['test/redis/', 'test/mutation/redis-contract.ts', 'test/redis/cluster'],
  },
]

/** @throws TypeError when there is none of this name */
export function suiteNamed(name = 'core'): Suite {
  const found = suites.find((suite) => suite.name === name)
  if (found === undefined)
    throw new TypeError(`There is no suite '${name}': ${suites.map((suite) => suite.name).join(', ')}.`)
  return found
}

function onRedis(names: string): string {
  const files = names.split(' ').map((name) => `src/stores/redis/${name}.ts`)
  return files.join(',')
}
