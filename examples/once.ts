// A report that is built once, however many ask for it; and a job of cron that three machines start.
import { setTimeout as sleep } from 'node:timers/promises'
import { configure, once } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

// #region program
const report = once('report-{month}', { otherwise: 'is being built' })(async (month: string) => {
  await sleep(50)
  return `report of ${month}`
})
console.log(...(await Promise.all([report('may'), report('may'), report('june')])))

const nightly = once('nightly', { minHold: '5s' }) // it takes milliseconds, the clocks of the machines differ by more
for (const machine of ['a', 'b', 'c']) await nightly.run(() => console.log(`machine ${machine} cleans up`))
// #endregion
