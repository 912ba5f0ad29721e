import { beforeEach } from 'vitest'

/** Those that are shown to no mutant. They take seconds, or run code that is not mutated. */
const leftOut: readonly RegExp[] = [
  // One version of each library tells as much of our code as both.
  /ioredis 6|node-redis 5/,
  // They run the built package.
  /was killed|trusts a certificate|blocking over redis|a thread that blocks/,
  // Thousands of names, which find what the few beside them find.
  /belong to one key and one purpose only|whatever its braces|told from locks under any/,
]

beforeEach(({ task, skip }) => {
  skip(leftOut.some((pattern) => pattern.test(task.fullTestName)))
})
