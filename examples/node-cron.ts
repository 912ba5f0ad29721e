// A job of node-cron in several processes: each time one of them does it.
import { configure, once } from 'holdfast'
import { schedule } from 'node-cron'
import { settings } from './support/settings.js'

configure(settings)

// #region program
// A key for each time. It stays held for a minute though the job takes milliseconds: clocks and timers may be that far apart.
const cleanUp = once('clean-up-{at}', { minHold: '1m', otherwise: 'is done by another' })(
  async (at: string) => `cleaned up by ${process.pid} at ${at}`,
)

schedule('* * * * * *', async ({ dateLocalIso }) => console.log(await cleanUp(dateLocalIso)), {
  maxExecutions: 5,
})
// #endregion
