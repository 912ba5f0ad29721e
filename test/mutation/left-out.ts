import { beforeEach } from 'vitest'

/** Of the tests on Redis: those that are shown to no mutant. They take seconds, or run code that is not mutated. */
const leftOut: readonly RegExp[] = [
  // One version of each library tells as much of our code as both.
  /ioredis 6|node-redis 5/,
  // They run the built package.
  /was killed|trusts a certificate/,
  // Many keys, names or turns, or seconds of real time: for the scripts, for the server, for the last of a million.
  /200,000 names|belong to one key and one purpose only$/,
  /keys apart|never lets two hold at once|however fast they follow|lists every held key|a thousand keys/,
  /thousands of expired|250 keys|400 keys|a router that forgets/,
]

beforeEach(({ task, skip }) => {
  skip(leftOut.some((pattern) => pattern.test(task.fullTestName)))
})
