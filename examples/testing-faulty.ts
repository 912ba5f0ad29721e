// A store that fails on command finds that a job mistakes a dead store for a job that runs elsewhere.
import { type AsyncLock, createHoldfast, LockedError, type LockOptions, memory } from 'holdfast'
import { faulty } from 'holdfast/testing'

/** What the code asks for: every `lock` is one, also those of a test. */
type Lock = (key: string, options?: LockOptions<never>) => AsyncLock

// #region naive
async function naive(lock: Lock, report: () => void): Promise<string> {
  try {
    await lock('nightly').run(report)
    return 'done'
  } catch {
    return 'runs elsewhere' // nobody will ever look
  }
}
// #endregion

// #region safe
async function safe(lock: Lock, report: () => void): Promise<string> {
  try {
    await lock('nightly').run(report)
    return 'done'
  } catch (error) {
    if (error instanceof LockedError) return 'runs elsewhere'
    throw error
  }
}
// #endregion

for (const job of [naive, safe]) {
  // #region test
  const store = faulty(memory(), ({ operation }) => (operation === 'acquire' ? { fail: 'not-applied' } : undefined))
  await using holdfast = createHoldfast({ store })
  const outcome = await job(holdfast.lock, () => undefined).catch((error: unknown) => String(error))
  // #endregion
  console.log(`${job.name}, on a store that is down: ${outcome}`)
}
