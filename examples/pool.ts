// An API takes two calls of a user at a time: of each user, over all machines.
import { configure, pool, PoolFullError } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

// #region program
const load = pool('api-{user}', { max: 2, onFull: (user: string) => `${user}: too many at once` })(
  async (user: string, work: Promise<string>) => `${user}: ${await work}`,
)

let finish = (_text: string): void => undefined
const work = new Promise<string>((resolve) => (finish = resolve))
const running = [load('anna', work), load('anna', work)]
console.log(`of anna: ${await sizeAt(2)}`)
console.log(await load('anna', work)) // the third of anna's
finish('loaded')
console.log(...(await Promise.all(running)))

const seats = pool('seats', { max: 1, label: 'the only seat' })
await using seat = await seats.acquire()
try {
  await seats.acquire()
} catch (error) {
  if (!(error instanceof PoolFullError)) throw error
  console.log(`${error.code}: ${error.max} of ${error.max} taken by ${error.holders[0]?.label}; ours: ${seat.active}`)
}
// #endregion

/** The calls have begun, and may not have been granted yet. */
async function sizeAt(wanted: number): Promise<number> {
  let size = 0
  while (size < wanted) size = await load.size('anna', work)
  return size
}
