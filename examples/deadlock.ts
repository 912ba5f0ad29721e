// Two transfers take the same two locks in opposite order.
import { setTimeout as sleep } from 'node:timers/promises'
import { configure, DeadlockError, lock } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

// #region program
async function transfer(from: string, to: string): Promise<string> {
  return await lock(from, { wait: true, label: `${from} to ${to}` }).run(async () => {
    await sleep(50)
    return await lock(to, { wait: true }).run(() => `${from} to ${to}: done`)
  })
}

for (const result of await Promise.allSettled([transfer('a', 'b'), transfer('b', 'a')])) {
  if (result.status === 'fulfilled') console.log(result.value)
  else if (result.reason instanceof DeadlockError)
    for (const { key, label } of result.reason.holders) console.log(`${key} is held by the transfer of ${label}`)
}
// #endregion
