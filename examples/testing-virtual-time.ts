// A test in virtual time finds that an export goes on after its lease is gone, and holds its lock against nobody.
import type { AsyncLock, LockOptions } from 'holdfast'
import { virtualTime } from 'holdfast/testing'

/** What the code asks for: every `lock` is one, also those of a test. */
type Lock = (key: string, options?: LockOptions<never>) => AsyncLock

// #region naive
/** The code under test. It reads all pages while it holds the lock, however long that takes. */
async function exportAll(lock: Lock, page: (n: number) => Promise<void>): Promise<void> {
  await lock('export', { ttl: '30s', onLost: 'warn' }).run(async () => {
    for (let n = 1; n <= 3; n++) await page(n)
  })
}
// #endregion

async function safeExport(lock: Lock, page: (n: number) => Promise<void>): Promise<void> {
  await lock('export', { ttl: '30s', onLost: 'warn' }).run(async (lease) => {
    for (let n = 1; n <= 3 && lease.active; n++) await page(n)
  })
}

for (const [name, code] of Object.entries({ naive: exportAll, safe: safeExport })) {
  // #region test
  await using time = virtualTime()
  const pages: number[] = []
  const exporting = code(time.lock, async (n) => {
    pages.push(n)
    await time.sleep('20s')
  })
  await time.advance(10_000)
  time.store.always('renew', { fail: 'unknown' }) // Redis is down from now on
  await time.advance(120_000) // two minutes that take no time
  await exporting
  // #endregion
  console.log(`${name}: wrote ${pages.join(', ')}; the lease was gone after 30 s, in the middle of 2`)
}
