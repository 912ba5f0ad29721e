/** Faults that are no cases of the table, and where they are tried, or why they cannot be. */
export const elsewhere: readonly (readonly [fault: string, where: string])[] = [
  ['the machine is suspended', 'no process can do that to its machine: [simulated](simulation.md)'],
  ['clocks run at rates that differ by 1 %', '[simulated](simulation.md)'],
  ['a renewal races with a release, an expiry, a cancel', '[simulated](simulation.md), at each step'],
  ['many faults at once, for long', '[chaos](chaos.md)'],
  [
    'packets dropped by the kernel',
    'takes root and a network of its own: here a proxy swallows, delays, cuts and repeats',
  ],
  ['garbage collection stops the process', 'the same as a stalled event loop'],
  ['an exception that nobody catches', 'the process ends: the same as a kill'],
  ['a fork, worker threads, two copies of the library', 'as two processes: nothing is shared but the store'],
  ['a million locks, 100,000 waiters, a tool that lists them', '[measured](scale.md) for holdfast'],
  ['names that fall into other slots of a Cluster', 'needs a Cluster: `test/redis/cluster.test.ts`, for holdfast'],
  ['a body that never ends, and is renewed for ever', '`expire` ends it; no other library here has the option'],
  ['a database session that is killed, a pooler in between', 'no library here keeps its locks in a session'],
  ['two keys in opposite order, `once`, `cached`, a command line', 'holdfast does not have them yet'],
  ['servers that vote (Redlock)', 'holdfast does not have it yet; the others run on one server here, as most do'],
  ['an old and a new version at the same time', 'there is one version so far'],
]
