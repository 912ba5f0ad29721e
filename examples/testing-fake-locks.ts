// Locks that keep a record find that an order is saved after its lock was released: an await is missing.
import type { AsyncLock, LockOptions } from 'holdfast'
import { fakeLocks } from 'holdfast/testing'

// #region type
/** What the code asks for: every `lock` is one, also those of a test. */
type Lock = (key: string, options?: LockOptions<never>) => AsyncLock
// #endregion
type Save = (order: string) => Promise<void>

// #region naive
async function naive(lock: Lock, save: Save): Promise<void> {
  await lock('order-7', { wait: '10s' }).run(() => {
    void save('order-7') // not awaited, nor returned
  })
}
// #endregion

async function safe(lock: Lock, save: Save): Promise<void> {
  await lock('order-7', { wait: '10s' }).run(() => save('order-7'))
}

for (const place of [naive, safe]) {
  // #region test
  await using locks = fakeLocks()
  const heldAtSave: string[] = []
  await place(locks.lock, async () => {
    await new Promise((resolve) => setImmediate(resolve)) // as a database does: it answers later
    heldAtSave.push(...locks.held)
  })
  await new Promise((resolve) => setImmediate(resolve))
  // #endregion
  console.log(`${place.name}: ${locks.log.map(({ event, key }) => `${event} ${key}`).join(', ')}`)
  console.log(`${place.name}: held when it was saved: ${heldAtSave.join(', ') || 'nothing'}`)
}

{
  // #region refuse
  await using locks = fakeLocks()
  locks.refuse('order-7') // as if another process held it; nobody waits the ten seconds
  const outcome = await safe(locks.lock, () => Promise.resolve()).catch((error: unknown) => String(error))
  // #endregion
  console.log(outcome)
}
