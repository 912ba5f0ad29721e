/** A part of the source, and the tests that its mutants are shown to. */
export interface Suite {
  readonly name: string
  readonly mutate: string
  /** Files, and what paths begin with; those that find most in the shortest time first. */
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
    mutate: onRedis('address failure keys record replies request silence'),
    tests: ['request', 'reading', 'failure', 'silence', 'keys'].map((part) => `test/redis/${part}.test.ts`),
  },
  {
    name: 'redis',
    mutate: onRedis(
      'calls capabilities client connect index ioredis link list node-redis notices script-call scripts shard-notices',
      'store together values',
    ),
    tests: [
      ...[
        ...['calls', 'values', 'store', 'answers', 'link', 'connect', 'tls', 'wire', 'layout', 'clients', 'notices'],
        ...['queue', 'several', 'tokens', 'pools', 'together', 'hostile', 'cluster', 'cluster-queue', 'shard-notices'],
      ].map((part) => `test/redis/${part}.test.ts`),
      'test/mutation/redis-contract.ts',
    ],
  },
]

/** @throws TypeError when there is none of this name */
export function suiteNamed(name = 'core'): Suite {
  const found = suites.find((suite) => suite.name === name)
  if (found === undefined)
    throw new TypeError(`There is no suite '${name}': ${suites.map((suite) => suite.name).join(', ')}.`)
  return found
}

function onRedis(...names: readonly string[]): string {
  const files = names.flatMap((some) => some.split(' ')).map((name) => `src/stores/redis/${name}.ts`)
  return files.join(',')
}
