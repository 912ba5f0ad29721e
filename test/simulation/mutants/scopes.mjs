// Planted bugs of reentrant locks and of the search for deadlocks, which concern one process.

const reentrant = 'test/features/reentrant.test.ts'
const deadlock = 'test/features/deadlock.test.ts'

/** See ./index.mjs. */
export const scopes = [
  {
    name: 'siblings enter a scope together',
    file: 'src/features/scope.ts',
    from: 'return this.#inside === undefined ? this.#let(terms) : undefined',
    to: 'return this.#let(terms)',
    after: 'async-lock',
    tests: 'test/features/scope-trees.test.ts',
  },
  {
    name: 'a task enters a scope that has ended',
    file: 'src/features/scope.ts',
    from: 'while (live !== undefined && !live.held.isActive()) live = live.outer',
    to: '',
    tests: reentrant,
  },
  {
    name: 'a scope of another store is entered',
    file: 'src/features/scope.ts',
    from: 'isAlone && scope.held.space === space && ',
    to: 'isAlone && ',
    tests: reentrant,
  },
  {
    name: 'an inner release releases the hold',
    file: 'src/features/share.ts',
    from: 'return heir === undefined && above === undefined ? this.root.hold : true',
    to: 'return this.root.hold',
    tests: reentrant,
  },
  {
    name: 'the hold ends though an inner body goes on',
    file: 'src/features/scope.ts',
    from: 'const passed = heir !== undefined && !hold.space.closed && this.root.pass()',
    to: 'const passed = false',
    tests: 'test/features/scope-trees.test.ts',
  },
  {
    name: 'inner leases are not told of a loss',
    file: 'src/features/share.ts',
    from: 'for (const share of [...this.shares]) share.isActive()',
    to: '',
    tests: reentrant,
  },
  {
    name: 'a wait that nobody awaits is a deadlock',
    file: 'src/features/bodies.ts',
    from: 'bodies[Number(name.slice(mark.length))] : undefined',
    to: 'bodies[0] : bodies[found.length]',
    tests: deadlock,
  },
  {
    name: 'a hold that expires by itself is a deadlock',
    file: 'src/features/deadlock.ts',
    from: 'permits === limit && expireMs === undefined && ',
    to: 'permits === limit && ',
    tests: deadlock,
  },
  {
    name: 'a deadlock of more than two is not found',
    file: 'src/features/deadlock.ts',
    from: 'const rest = seen.has(blocked) ? undefined : search(blocked)',
    to: 'const rest = undefined',
    tests: deadlock,
  },
]
